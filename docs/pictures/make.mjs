/**
 * Makes the pictures of README.md and docs/seeing.md: `npm run pictures`. Charts are drawn by `sepo figure` from the committed results, with the
 * same bytes each time. The pictures of pages are taken in chromium of a tabular run that this trains first, seed 0, about 20 seconds.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const sepo = (...args) =>
  execFileSync(process.execPath, ["dist/cli/main.js", ...args], { stdio: ["ignore", "ignore", "inherit"] });
const picture = (name) => join("docs", "pictures", name);

const games = ["ipd", "auction", "split", "negotiation", "kuhn"].map((game) => `recipes/games/results/${game}`);
sepo("figure", "summary", ...games, "--out", picture("games.svg"));
const small = "recipes/small/results";
sepo("figure", "summary", small, "--out", picture("small.svg"));
sepo("figure", "policy", small, "--game", "kuhn", "--out", picture("kuhn-policy.svg"));
sepo("figure", "opponents", small, "--game", "ipd", "--measure", "gap", "--out", picture("ipd-opponents.svg"));
sepo("figure", "front", small, "--game", "kuhn", "--out", picture("kuhn-front.svg"));

const executablePath = "/usr/bin/chromium";
if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing: the pictures of pages were not made again`);
const folder = mkdtempSync(join(tmpdir(), "sepo-pictures-"));
try {
  const [run, page] = [join(folder, "run"), join(folder, "report.html")];
  const settings = ['games=["ipd","kuhn"]', "sepo.steps=40", "evaluation.episodes=200", "sft.epochs=1"];
  sepo("train", "recipes/tabular/config.toml", ...settings.flatMap((one) => ["--set", one]), "--out", run);
  sepo("report", run, "--html", page);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const shoot = async (name, { hash, selector, width = 1100, dark = false }) => {
    const tab = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: dark ? "dark" : "light" });
    await tab.goto(`${pathToFileURL(page).href}${hash}`);
    await tab.addStyleTag({ content: ".topbar { position: static !important }" });
    const { y, height } = await tab.locator(selector).boundingBox();
    await tab.screenshot({ path: picture(name), fullPage: true, clip: { x: 0, y, width, height: Math.min(height, 900) } });
    await tab.close();
  };
  await shoot("replay.png", { hash: "#game=kuhn&agent=sepo&decision=1", selector: "#episodes" });
  await shoot("phone-dark.png", { hash: "#game=ipd", selector: "#verdict", width: 380, dark: true });
  await browser.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
