/** Runs that are followed while they train, in a real browser and by hand. */
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { lockFolder } from "../../runs/lock.ts";
import { type ServedView, serveView } from "./serve.ts";
import { hasBrowser, inBrowser, openBrowser, watched } from "./testing/browser.ts";
import { smallRun } from "./testing/small-run.ts";

let folder: string;
let parent: string;
beforeAll(async () => {
  folder = await smallRun("finished");
  parent = await mkdtemp(join(tmpdir(), "sepo-live-"));
}, 60_000);
afterAll(async () => {
  for (const path of [parent, dirname(folder)]) await rm(path, { recursive: true, force: true });
});

const served = (folders: readonly string[]): Promise<ServedView> => serveView(folders, { port: 0, interval: 50 });

/** Status and text of an answer; `fetch` would not send another host. */
const ask = (
  address: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    request(address, { headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    })
      .on("error", reject)
      .end();
  });

describe("the server", () => {
  test("answers its own page on loopback and nobody else", async () => {
    const { address, close } = await served([folder]);
    const { port } = new URL(address);
    expect((await ask(address)).status).toBe(200);
    expect((await ask(address, { origin: `http://127.0.0.1:${port}` })).status).toBe(200);
    expect((await ask(address, { host: `localhost:${port}` })).status).toBe(200);
    for (const headers of [
      { host: `example.org:${port}` },
      { host: "127.0.0.1" },
      { origin: "http://example.org" },
      { origin: "null" },
    ])
      for (const path of ["", "data", "events", "episode"])
        expect(await ask(address + path, headers)).toMatchObject({ status: 403 });
    expect((await ask(`${address}data`, {}, "POST")).status).toBe(405);
    expect((await ask(`${address}..%2f..%2fetc%2fpasswd`)).status).toBe(404);
    expect((await ask(`${address}episode?run=0&agent=sepo&id=none`)).status).toBe(404);
    await close();
  });

  test("offers the files of the site, and none beside them", async () => {
    const site = join(parent, "site");
    await mkdir(join(site, "assets"), { recursive: true });
    await writeFile(join(site, "index.html"), "<title>play</title>");
    await writeFile(join(site, "assets", "a.js"), "play()");
    await writeFile(join(parent, "secret"), "secret");
    const { address, close } = await serveView([folder], { port: 0, site });
    expect(await ask(`${address}play/`)).toEqual({ status: 200, text: "<title>play</title>" });
    expect(await ask(`${address}play/assets/a.js`)).toEqual({ status: 200, text: "play()" });
    for (const path of ["play/../secret", "play/%2e%2e/secret", "play/assets/../../secret", "play/assets"])
      expect((await ask(address + path)).status).toBe(404);
    expect((await ask(address)).text).toContain('<meta name="sepo-play" content="play/">');
    await close();
  });

  test("refuses a port that is taken, in words", async () => {
    const { address, close } = await served([folder]);
    await expect(serveView([folder], { port: Number(new URL(address).port) })).rejects.toThrow(
      /is in use; choose another --port/,
    );
    await close();
  });
});

describe.skipIf(!hasBrowser)(inBrowser("a live view in a browser"), () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
  });

  test("follows a run from before it begins to its end, and asks nobody else", async () => {
    const live = join(parent, "live");
    const { address, close } = await served([live]);
    const { page, messages, requests } = await watched(browser);
    await page.goto(address);
    await page.getByText("cannot be read").first().waitFor();

    await mkdir(join(live, "evaluation"), { recursive: true });
    const lock = await lockFolder(live);
    for (const name of ["run.json", "config.json"]) await cp(join(folder, name), join(live, name));
    const lines = (await readFile(join(folder, "metrics.jsonl"), "utf8")).split("\n");
    await writeFile(join(live, "metrics.jsonl"), `${lines.slice(0, -2).join("\n")}\n`);
    await page.getByText(/^sepo, step 5 of 6/).waitFor();
    await page.locator(".state.training").waitFor();
    await page.locator("#training svg").first().waitFor();

    await appendFile(join(live, "metrics.jsonl"), `${lines.at(-2)}\n`);
    await page.getByText(/^sepo, step 6 of 6/).waitFor();
    await cp(join(folder, "transcripts"), join(live, "transcripts"), { recursive: true });
    await page.locator(".list-row").first().waitFor();
    expect(await page.locator(".filters select").nth(0).inputValue()).toBe("training step 6");
    expect(await page.locator(".decision pre").first().innerText()).toMatch(/Round|Hand/);

    await cp(join(folder, "evaluation"), join(live, "evaluation"), { recursive: true });
    await page.locator("[data-chart=verdict] svg").first().waitFor();
    await lock.release();
    await page.locator(".state.finished").waitFor();
    expect(messages).toEqual([]);
    expect(requests.every((url) => url.startsWith(address))).toBe(true);
    await close();
    await page.getByText("server gone").waitFor();
    await page.close();
  });

  test("says that a run was killed", async () => {
    const killed = join(parent, "killed");
    await cp(folder, killed, { recursive: true });
    await rm(join(killed, "evaluation", "sepo.json"));
    const lock = await lockFolder(killed);
    const { address, close } = await served([killed]);
    const { page } = await watched(browser);
    await page.goto(address);
    await page.locator(".state.training").waitFor();
    // What the lock of a process that is gone looks like.
    const holder = z.looseObject({}).parse(JSON.parse(await readFile(join(killed, "run.lock"), "utf8")));
    await writeFile(join(killed, "run.lock"), JSON.stringify({ ...holder, process: 2 ** 22 + 1, began: null }));
    await page.getByText("stopped before its end").waitFor();
    await page.close();
    await close();
    await lock.release();
  });

  test("shows several runs side by side, compared on the same scenarios", async () => {
    const other = join(parent, "other");
    await cp(folder, other, { recursive: true });
    const { address, close } = await served([folder, other]);
    const { page, messages } = await watched(browser);
    await page.goto(address);
    await page.locator("[data-chart=differences] svg").waitFor();
    expect(await page.locator(".run").count()).toBe(2);
    const rows = await page.locator("[data-chart=differences] .twin tbody tr").allInnerTexts();
    expect(rows.at(-1)).toMatch(/other sepo minus finished sepo\s+0\.000 \[.*no difference shown/s);
    expect(messages).toEqual([]);
    await page.close();
    await close();
  });
});
