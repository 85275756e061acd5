/** The built site in a real browser: games to their end, what is revealed, training to its end. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { GAME_NAMES, gameNamed } from "../games/index.ts";
import { type Opened, noBrowser, openBrowser } from "./testing/browser.ts";

const CHOICES = ".play .actions button[aria-disabled=false], .play .numbers button[type=submit][aria-disabled=false]";

/** Waits until the person is to choose, or the game is over; whether it goes on. */
async function goesOn(page: Page): Promise<boolean> {
  const found = page
    .locator(CHOICES)
    .or(page.getByRole("heading", { name: "The end" }))
    .first();
  await found.waitFor();
  return (await page.locator(CHOICES).count()) > 0;
}

/** Chooses the first action until the game is over; the number of choices. */
async function playToTheEnd(page: Page, choose = (): Promise<void> => page.locator(CHOICES).first().click()): Promise<number> {
  let choices = 0;
  for (; await goesOn(page); choices++) await choose();
  return choices;
}

/** What the same lesson in Node prints. */
const resultSchema = z.object({ rows: z.array(z.record(z.string(), z.number())), model: z.string() });

const numbersOf = (texts: readonly string[]): readonly number[] => texts.map((text) => Number(text.replace("\u2212", "-")));
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe.skipIf(noBrowser !== undefined)(
  `the site in a browser${noBrowser === undefined ? "" : ` (skipped: ${noBrowser})`}`,
  () => {
    let browser: Opened;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(async () => {
      await browser?.close();
    });

    test.each(GAME_NAMES)(
      "%s is played to its end, with the worth of actions on demand and the cost of choices after",
      async (name) => {
        const { facts } = gameNamed(name);
        const page = await browser.open("#play");
        await page.getByRole("button", { name: facts.title }).click();
        await goesOn(page);
        await page.getByRole("button", { name: "Show the best reply" }).click();
        await page.locator(".values tbody tr").first().waitFor();
        expect(await page.locator(".values tr.best").count()).toBeGreaterThan(0);
        await page.getByRole("button", { name: "Hide the best reply" }).click();
        const choices = await playToTheEnd(page);
        expect(choices).toBeGreaterThanOrEqual(facts.rounds);
        await page.locator(".review tfoot").waitFor();
        expect(await page.locator(".review tbody tr").count()).toBe(choices);
        // No choice is better than the best, and the last line is their sum.
        const costs = numbersOf(await page.locator(".review tbody td.number").allTextContents());
        expect(Math.min(...costs)).toBeGreaterThanOrEqual(0);
        const [total] = numbersOf(await page.locator(".review tfoot td.number").allTextContents());
        expect(Math.abs(total - sum(costs))).toBeLessThan(0.01 * choices + 0.01);
        const history = page.locator(".history");
        expect(await history.locator("tbody tr").count()).toBe(facts.rounds);
        for (const column of [0, 1]) {
          const payoffs = numbersOf(await history.locator(`tbody tr td.number:nth-child(${3 + column})`).allTextContents());
          const [all] = numbersOf([await history.locator("tfoot td.number").nth(column).innerText()]);
          expect(all).toBeCloseTo(sum(payoffs), 6);
        }
        await page.context().close();
      },
    );

    test("a model plays a whole game by keyboard; what it holds and writes is hidden until the end", async () => {
      const page = await browser.open("#play");
      await page.getByRole("button", { name: "Kuhn poker" }).click();
      await page.getByLabel("Opponent").selectOption({ label: "the small trained model" });
      await goesOn(page);
      await page.locator(CHOICES).first().focus();
      await playToTheEnd(page, async () => {
        expect(await page.locator(".seen").count()).toBe(0);
        await page.keyboard.press("Enter");
      });
      const seen = await page.locator(".seen").allTextContents();
      expect(seen.length).toBeGreaterThanOrEqual(6);
      for (const text of seen) expect(text).toMatch(/They saw .*You hold [JQK].*They wrote/);
      await page.locator(".review tfoot").waitFor();
      await page.context().close();
    });

    test("J* is revealed, and said to be out of reach where it is", async () => {
      const page = await browser.open("#play");
      await page.getByRole("button", { name: "Split bargaining" }).click();
      await page.getByRole("button", { name: "Show J*" }).click();
      // sepo solve split: J* = 1.830000
      await page.getByText("J* = 1.8300").waitFor();
      await page.getByRole("button", { name: "Multi-issue item negotiation" }).click();
      await page.getByText("J* of this game is out of reach").waitFor();
      await page.context().close();
    });

    test("a file that is no model is refused with a reason", async () => {
      const page = await browser.open("#play");
      await page.getByLabel("Open a model").setInputFiles({
        name: "<img src=x onerror=alert(1)>.safetensors",
        mimeType: "application/octet-stream",
        buffer: Buffer.from("<html>"),
      });
      await page
        .getByText("<img src=x onerror=alert(1)>.safetensors: truncated")
        .or(page.getByText("got a page of the web"))
        .waitFor();
      expect(await page.locator("img").count()).toBe(0);
      await page.context().close();
    });

    test("trains to the end, pausing on the way, to the bytes of Node on the same runtime, and plays what it trained", async () => {
      const lesson = { game: "ipd", seed: 3, examples: 64, epochs: 1, steps: 2, scenarios: 1, groupSize: 2 };
      const script = `
      import { lesson } from ${JSON.stringify(new URL("../../dist/training/lesson.js", import.meta.url).href)};
      import { packModel } from ${JSON.stringify(new URL("../../dist/play/packed-model.js", import.meta.url).href)};
      const rows = [];
      let model;
      for await (const event of lesson(${JSON.stringify(lesson)}, { threads: 1 })) {
        rows.push(event.metrics);
        model = await event.model();
      }
      process.stdout.write(JSON.stringify({ rows, model: Buffer.concat(packModel(model)).toString("base64") }));`;
      const env = { ...process.env, NODE_OPTIONS: "--conditions=sepo-wasm" };
      const node = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env, maxBuffer: 1e8 });
      const page = await browser.open("?examples=64&epochs=1&scenarios=1&groupSize=2#train");
      await page.locator(".train").getByLabel("Game").selectOption("ipd");
      await page.locator(".train").getByLabel("Seed").fill("3");
      await page.getByLabel("Steps of SEPO").fill("2");
      await page.getByRole("button", { name: "Train", exact: true }).click();
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByText("SEPO 2 of 2, done").waitFor();
      expect(await page.locator(".policy tbody tr").count()).toBe(5);
      expect(await page.locator("figure svg").count()).toBe(5);
      const downloaded = async (name: string): Promise<Buffer> => {
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
        return readFile(await download.path());
      };
      const { rows, model } = resultSchema.parse(JSON.parse((await node).stdout));
      expect((await downloaded("Download the model")).equals(Buffer.from(model, "base64"))).toBe(true);
      // The file's weights are rounded. The metrics are not, and every one of them is the same to the last bit.
      const table = (await downloaded("Download the numbers")).toString("utf8").trim().split("\n");
      const [head, ...lines] = table.map((line) => line.split(","));
      const found = lines.map((line) => Object.fromEntries(head.map((key, i) => [key, line[i]])));
      expect(found.length).toBe(rows.length);
      for (const [i, metrics] of rows.entries())
        for (const [key, value] of Object.entries(metrics)) expect(found[i][key]).toBe(String(value));
      await page.getByRole("button", { name: "Play against it" }).click();
      await page.getByLabel("Opponent").selectOption({ label: "sepo-ipd-seed3 (trained here)" });
      expect(await playToTheEnd(page)).toBe(8);
      await page.context().close();
    }, 120_000);

    test("training can be stopped, what was learned so far is kept, and a host may unpack the runtime itself", async () => {
      const page = await browser.open("?examples=640#train", { host: "encoded" });
      await page.getByRole("button", { name: "Train", exact: true }).click();
      await page.getByText(/Imitating experts \d+ of/).waitFor();
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByText(/Imitating experts \d+ of \d+, stopped/).waitFor();
      await page.getByRole("button", { name: "Play against it" }).waitFor();
      await page.getByRole("button", { name: "Train again" }).waitFor();
      await page.context().close();
    });

    test.each(["light", "dark"] as const)("fits a screen 380 pixels wide, %s", async (colorScheme) => {
      const page = await browser.open("#play", { viewport: { width: 380, height: 800 }, colorScheme });
      const width = () => page.evaluate("document.documentElement.scrollWidth");
      for (const name of GAME_NAMES) {
        await page.getByRole("button", { name: gameNamed(name).facts.title }).click();
        await goesOn(page);
        expect(await width()).toBe(380);
      }
      const brightness = await page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])");
      expect(Number(brightness) < 128).toBe(colorScheme === "dark");
      await page.getByRole("link", { name: "Train" }).click();
      expect(await width()).toBe(380);
      await page.context().close();
    });

    test("nothing was said on the console, and no request left the site or failed", () => {
      expect(browser.said).toEqual([]);
      expect(browser.strayed).toEqual([]);
    });
  },
);
