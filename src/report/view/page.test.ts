/** The page as a reader has it: a file opened in a real browser. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readReports } from "../../runs/read.ts";
import { allTables } from "../agents.ts";
import { type Collected, collect } from "./collect.ts";
import { reportPage } from "./html.ts";
import { type WatchOptions, type Watched, hasBrowser, inBrowser, openBrowser, watched } from "./testing/browser.ts";
import { smallRun } from "./testing/small-run.ts";

/** A name of a folder and texts of a model that run where they are not taken as text. */
const HOSTILE = `</script><script>window.broken=1</script><img src=x onerror="window.broken=1">`;
const HOSTILE_NAME = `run <img src=x onerror=window.broken=1>`;

/** Functions that run in the page. */
const overflow = ({ scrollWidth, clientWidth }: { readonly scrollWidth: number; readonly clientWidth: number }): number =>
  scrollWidth - clientWidth;
const toEnd = (rows: { scrollTop: number; readonly scrollHeight: number }): void => {
  rows.scrollTop = rows.scrollHeight;
};

describe.skipIf(!hasBrowser)(inBrowser("a report in a browser"), () => {
  let folder: string;
  let collected: Collected;
  let browser: Browser;
  const files: string[] = [];

  beforeAll(async () => {
    folder = await smallRun(HOSTILE_NAME);
    collected = await collect([folder]);
    browser = await openBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    for (const path of [...files, dirname(folder)]) await rm(path, { recursive: true, force: true });
  });

  /** Opens a page as a file. */
  async function opened(
    made: Collected = collected,
    hash = "",
    options: WatchOptions = {},
  ): Promise<Watched & { readonly url: string }> {
    const path = join(await mkdtemp(join(tmpdir(), "sepo-page-")), "report.html");
    files.push(dirname(path));
    await writeFile(path, await reportPage(made));
    const url = pathToFileURL(path).href;
    const own = await watched(browser, options);
    await own.page.goto(`${url}${hash}`);
    return { ...own, url };
  }

  const quiet = ({ messages, requests }: Watched): void => {
    expect(messages).toEqual([]);
    expect(requests).toEqual([]);
  };
  const selected = (page: Page) => page.locator(".list-row[aria-selected=true]").getAttribute("title");
  const current = (page: Page) =>
    page
      .locator(".strip button")
      .evaluateAll((buttons: readonly { readonly ariaCurrent: string | null }[]) =>
        buttons.findIndex(({ ariaCurrent }) => ariaCurrent === "step"),
      );

  test("shows every view of a run, each chart with its caption and its table, without a request or a message", async () => {
    const own = await opened();
    for (const game of ["ipd", "kuhn"]) {
      await own.page.getByRole("button", { name: game, exact: true }).click();
      for (const id of ["verdict", "opponents", "policy", "front", "curves", "episodes", "training", "tables"])
        expect(await own.page.locator(`#${id}`).count()).toBe(1);
      const charts = own.page.locator("figure.chart");
      expect(await charts.count()).toBe(8);
      for (const chart of await charts.all()) {
        expect(await chart.locator(".picture > svg[aria-label]").count()).toBe(1);
        expect(await chart.locator("figcaption p").first().innerText()).toMatch(/seed 0\.$/);
        expect(await chart.locator(".twin tbody tr").count()).toBeGreaterThan(0);
      }
    }
    expect(await own.page.title()).toBe(`sepo: ${folder}`);
    quiet(own);
    await own.page.close();
  });

  test("prints the numbers of sepo report, in its tables and in the pictures", async () => {
    const { page } = await opened();
    const reports = (await readReports(folder)).map(({ report }) => report);
    const ipd = reports.map((report) => ({ ...report, games: report.games.filter(({ game }) => game === "ipd") }));
    const expected = allTables(ipd).flatMap(({ rows }) => rows.flat());
    const found = await page.locator("#tables td").allTextContents();
    expect(found).toEqual(expected);
    const [objective] = allTables(ipd);
    const picture = (await page.locator("[data-chart=verdict] .picture").textContent()) ?? "";
    for (const row of objective.rows) for (const cell of row.slice(1, 2)) expect(picture).toContain(cell);
    await page.close();
  });

  test("replays an episode by keyboard and shows both seats' private information on request", async () => {
    const own = await opened(collected, "#game=kuhn");
    const { page } = own;
    const first = await selected(page);
    expect(await current(page)).toBe(0);
    await page.locator(".list-rows").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await current(page)).toBe(2);
    await page.keyboard.press("ArrowLeft");
    expect(await current(page)).toBe(1);
    expect(await page.locator(".seats").count()).toBe(0);
    await page.keyboard.press("p");
    expect(await page.locator(".seats .seat").count()).toBe(2);
    expect(await page.locator(".seats").innerText()).toMatch(/card/);
    await page.keyboard.press("ArrowDown");
    expect(await selected(page)).not.toBe(first);
    await page.keyboard.press("ArrowUp");
    expect(await selected(page)).toBe(first);
    quiet(own);
    await page.close();
  });

  test("says what a decision gave up: the best reply's worth less that of the action played", async () => {
    const { page } = await opened(collected, "#game=kuhn&agent=base");
    const worst = collected.data.episodes.flatMap(({ game, agent, lost = 0 }) =>
      game === "kuhn" && agent === "base" ? [lost] : [],
    );
    expect(Math.max(...worst)).toBeGreaterThan(0);
    const listed = page.locator(".list-row .number:last-child").first();
    expect(Number(await listed.innerText())).toBeCloseTo(Math.max(...worst), 2);
    expect(await page.locator(".options").innerText()).toMatch(/best reply/);
    await page.close();
  });

  test("filters episodes, and a link leads to the same episode and decision", async () => {
    const { page, url } = await opened(collected, "#game=ipd");
    await page.locator(".filters select").nth(0).selectOption("sft");
    await page.locator(".filters select").nth(1).selectOption("exploiter/always-defect");
    expect(await page.locator("output").innerText()).toMatch(/^4 of \d+$/);
    await page.locator(".list-row").nth(1).click();
    await page.locator(".strip button").nth(3).click();
    const [title, text] = [await selected(page), await page.locator(".decision").innerText()];
    const { hash } = new URL(page.url());
    const other = await browser.newPage();
    await other.goto(`${url}${hash}`);
    expect(await selected(other)).toBe(title);
    expect(await other.locator(".decision").innerText()).toBe(text);
    await other.getByLabel("Payoff at most").fill("-1");
    expect(await other.getByText("No episode matches").count()).toBe(1);
    await other.close();
    await page.close();
  });

  test("a cell of the heat map leads to the episodes that it was made from", async () => {
    const { page } = await opened();
    await page.locator("#opponents svg a").first().click();
    expect(await page.locator(".filters select").nth(1).inputValue()).toBe("train/tit-for-tat");
    expect(await page.locator(".filters select").nth(0).inputValue()).toBe("base");
    await page.close();
  });

  test("is dark where the system is, light when asked, and says the same", async () => {
    const { page } = await opened(collected, "", { dark: true });
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(await background()).toBe("rgb(23, 25, 29)");
    await page.getByRole("button", { name: /colours/i }).click();
    expect(await background()).toBe("rgb(253, 252, 250)");
    await page.close();
  });

  test.each(["ipd", "kuhn"])("fits a screen of 380 pixels: %s", async (game) => {
    const own = await opened(collected, `#game=${game}`, { width: 380 });
    expect(await own.page.evaluate("document.documentElement.scrollWidth")).toBe(380);
    for (const picture of await own.page.locator(".picture").all())
      expect(await picture.evaluate(overflow)).toBeLessThanOrEqual(0);
    quiet(own);
    await own.page.close();
  });

  test("prints every game, in light colours and without a button", async () => {
    const { page } = await opened(collected, "", { dark: true });
    await page.emulateMedia({ media: "print" });
    await page.locator("section.game").nth(1).waitFor();
    expect(await page.locator("section.game").count()).toBe(2);
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(253, 252, 250)");
    expect(await page.locator("nav.topbar").isVisible()).toBe(false);
    expect(await page.locator(".tools").first().isVisible()).toBe(false);
    await page.close();
  });

  test("gives away a chart as CSV and as SVG", async () => {
    const { page } = await opened();
    const verdict = page.locator("[data-chart=verdict]");
    const saved = async (name: string): Promise<string> => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        verdict.getByRole("button", { name, exact: true }).click(),
      ]);
      return readFile(await download.path(), "utf8");
    };
    expect(await saved("CSV")).toMatch(/^quantity,better,base,sft,sepo\r\nsafety index J,higher,"/);
    expect(await saved("SVG")).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    await page.close();
  });

  test("takes what a model wrote, names of agents and of folders as text", async () => {
    const { data, bodies } = collected;
    const index = data.episodes.findIndex(({ game, agent }) => game === "ipd" && agent === "sepo");
    const hostile: Collected = {
      data: {
        ...data,
        runs: data.runs.map((run) => ({ ...run, name: HOSTILE, problems: [HOSTILE] })),
        agents: data.agents.map((agent) => (agent.label === "sepo" ? { ...agent, label: HOSTILE } : agent)),
        episodes: data.episodes.map((episode, i) =>
          i === index ? { ...episode, agent: HOSTILE, opponent: HOSTILE, id: HOSTILE } : episode,
        ),
      },
      bodies: bodies.map((body, i) =>
        i === index
          ? {
              ...body,
              rules: HOSTILE,
              views: [{ note: HOSTILE }, { note: HOSTILE }],
              decisions: body.decisions.map((decision) => ({
                ...decision,
                reply: HOSTILE,
                reasoning: HOSTILE,
                observation: HOSTILE,
                reason: HOSTILE,
                status: "parse-failure",
              })),
            }
          : body,
      ),
    };
    const own = await opened(hostile, `#${new URLSearchParams({ game: "ipd", agent: HOSTILE }).toString()}`);
    await own.page.getByRole("button", { name: "both seats" }).click();
    const shown = await own.page.locator("pre").allTextContents();
    expect(shown.slice(0, 3)).toEqual([HOSTILE, HOSTILE, HOSTILE]);
    expect(await own.page.locator("h1").textContent()).toBe(HOSTILE);
    expect(await own.page.evaluate("window.broken")).toBeUndefined();
    expect(await own.page.locator("img").count()).toBe(0);
    quiet(own);
    await own.page.close();
  });

  test("scrolls 20,000 episodes with the rows in sight alone in the page", async () => {
    const { data, bodies } = collected;
    const base = data.episodes.findIndex(({ game, agent }) => game === "kuhn" && agent === "sepo");
    const many: Collected = {
      data: {
        ...data,
        episodes: Array.from({ length: 20_000 }, (_, i) => ({ ...data.episodes[base], id: `kuhn/${i}`, lost: 20_000 - i })),
      },
      bodies: Array.from({ length: 20_000 }, () => ({ ...bodies[base], decisions: bodies[base].decisions.slice(0, 2) })),
    };
    const own = await opened(many, "#game=kuhn");
    await own.page.locator(".list-rows").evaluate(toEnd);
    await own.page.getByTitle("kuhn/19999:").click();
    expect(await own.page.locator(".list-row").count()).toBeLessThan(60);
    expect(new URLSearchParams(new URL(own.page.url()).hash.slice(1)).get("episode")).toBe("sepo kuhn/19999");
    quiet(own);
    await own.page.close();
  });

  test("shows a run without an evaluation, and one whose files are broken", async () => {
    const parent = await mkdtemp(join(tmpdir(), "sepo-broken-"));
    files.push(parent);
    const [empty, broken] = [join(parent, "empty"), join(parent, "broken")];
    for (const copy of [empty, broken]) await cp(folder, copy, { recursive: true });
    await rm(join(empty, "evaluation"), { recursive: true });
    for (const name of ["metrics.jsonl", "transcripts"]) await rm(join(empty, name), { recursive: true });
    await writeFile(join(broken, "evaluation", "sft.json"), '{"agent": "sft"');
    await writeFile(join(broken, "evaluation", "sepo.jsonl"), "not JSON\n");
    await writeFile(join(broken, "metrics.jsonl"), '{"stage":"base","step":1,"loss":1}\n{"stage":"ba');
    const own = await opened(await collect([empty, broken, join(parent, "nothing")]));
    const text = await own.page.locator("#runs").innerText();
    expect(text).toMatch(/the run has no evaluation yet/);
    expect(text).toMatch(/sft\.json: expected JSON; it is truncated/);
    expect(text).toMatch(/sepo\.jsonl, line 1: expected JSON; it is malformed/);
    expect(text).toMatch(/nothing.*cannot be read/s);
    expect(await own.page.locator("[data-chart=verdict]").count()).toBe(1);
    quiet(own);
    await own.page.close();
    const alone = await opened(await collect([empty]));
    expect(await alone.page.locator("main").innerText()).toMatch(/Nothing has been evaluated yet/);
    quiet(alone);
    await alone.page.close();
  });

  test("refuses data of another version in words", async () => {
    const { page } = await opened({ ...collected, data: JSON.parse(JSON.stringify({ ...collected.data, version: 2 })) });
    expect(await page.locator("body").innerText()).toMatch(/another version of sepo/);
    await page.close();
  });
});
