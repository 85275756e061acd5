/** Runs the code of docs/adding-a-game.md as it stands there, in a folder of its own. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gameConformance, playthrough } from "../testing.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { seedKey } from "../random.ts";
import type { Game } from "./index.ts";

const SOURCES: Record<string, string> = {
  sepo: "../src/index.ts",
  "sepo/games": "../src/games/index.ts",
  "sepo/solvers": "../src/solvers/index.ts",
  "sepo/testing": "../src/testing.ts",
};

/** The page's code blocks by the file name in their first line; package imports become imports of the sources. */
function filesOf(page: string): Map<string, string> {
  const blocks = [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
  return new Map(
    blocks.map(([, name, code]) => [
      name,
      code.replaceAll(/from "(sepo[^"]*)"/g, (_, from: string) => `from "${SOURCES[from]}"`),
    ]),
  );
}

describe("the game of docs/adding-a-game.md", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(resolve(".adding-a-game-"));
    for (const [name, code] of filesOf(await readFile("docs/adding-a-game.md", "utf8")))
      await writeFile(join(folder, name), code);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const load = <T>(name: string): Promise<T> => import(pathToFileURL(join(folder, name)).href);

  test("keeps the contract", async () => {
    const { chicken } = await load<{ chicken: Game }>("chicken.ts");
    const checks = gameConformance(chicken, seedKey(1));
    for (const check of checks) check.run();
    expect(checks.length).toBeGreaterThan(7);
    expect(playthrough(chicken, seedKey(1))).toContain("Round 2 of 2.");
  });

  test("is measured and solved", async () => {
    const { report, mirrorJ, best } = await load<{ report: AgentReport; mirrorJ: number; best: number }>("chicken-report.ts");
    // Scale 3 / 2. Against mirror and dove all swerve: u = 3. Against daredevil SWERVE, then STRAIGHT: q - r = (3 - 1 + 0) / 2 = 1, so
    // e = 1.5; one crash in two rounds against one of three opponents: x = 1 / 6. J = 3 - 1.5 - 1 / 6.
    expect(mirrorJ).toBeCloseTo(3 - 1.5 - 1 / 6, 12);
    expect(report.games[0].objective.safetyIndex.value).toBeCloseTo(mirrorJ, 9);
    expect(best).toBeGreaterThanOrEqual(mirrorJ);
  });
});
