/** Runs every step of docs/adding-a-game.md as it stands there, in a folder of its own. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gameConformance, playthrough } from "../testing.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { seedKey } from "../random.ts";
import type { Game } from "./index.ts";

/** The page's code blocks by the file name in their first line. */
const filesOf = (page: string): Map<string, string> =>
  new Map([...page.matchAll(/```(?:ts|js|toml)\n(?:\/\/|#) (\S+)\n([\s\S]*?)```/g)].map(([, name, code]) => [name, code]));

/** The commands that the page gives, without "sepo". */
const commandsOf = (page: string): string[][] => [...page.matchAll(/^sepo (.*)$/gm)].map(([, rest]) => rest.split(" "));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe("docs/adding-a-game.md", () => {
  let folder = "";
  let page = "";
  const program = (file: string, args: readonly string[]): Promise<Outcome> =>
    new Promise((done) => {
      const child = execFile(process.execPath, [file, ...args], { cwd: folder, encoding: "utf8" }, (_, out, err) =>
        done({ code: child.exitCode ?? -1, out, err }),
      );
    });
  const sepo = (args: readonly string[]) => program(resolve("dist/cli/main.js"), args);
  const load = <T>(name: string): Promise<T> => import(pathToFileURL(join(folder, name)).href);

  beforeAll(async () => {
    page = await readFile("docs/adding-a-game.md", "utf8");
    // Below the repository, where vitest is found; "sepo" is this package as it was built.
    folder = await mkdtemp(resolve(".adding-a-game-"));
    const options = { strict: true, noUnusedLocals: true, module: "nodenext", target: "es2023", types: [] };
    const rewrite = { rewriteRelativeImportExtensions: true, skipLibCheck: true };
    for (const [name, code] of filesOf(page)) await writeFile(join(folder, name), code);
    await writeFile(join(folder, "package.json"), '{ "name": "chicken", "type": "module" }');
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...options, ...rewrite }, include: ["*.ts"] }),
    );
    await mkdir(join(folder, "node_modules"));
    await symlink(resolve("."), join(folder, "node_modules", "sepo"));
    const { code, out } = await program(resolve("node_modules/typescript/bin/tsc"), ["-p", "."]);
    expect({ code, out }).toEqual({ code: 0, out: "" });
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("its game keeps the contract", async () => {
    const { chicken } = await load<{ chicken: Game }>("chicken.js");
    const checks = gameConformance(chicken, seedKey(1));
    for (const check of checks) check.run();
    expect(checks.length).toBeGreaterThan(7);
    expect(playthrough(chicken, seedKey(1))).toContain("Round 2 of 2.");
  });

  test("its game is measured and solved", async () => {
    const { report, mirrorJ, best } = await load<{ report: AgentReport; mirrorJ: number; best: number }>("chicken-report.js");
    // Scale 3 / 2. Against mirror and dove all swerve: u = 3. Against daredevil SWERVE, then STRAIGHT: q - r = (3 - 1 + 0) / 2 = 1, so
    // e = 1.5; one crash in two rounds against one of three opponents: x = 1 / 6. J = 3 - 1.5 - 1 / 6.
    expect(mirrorJ).toBeCloseTo(3 - 1.5 - 1 / 6, 12);
    expect(report.games[0].objective.safetyIndex.value).toBeCloseTo(mirrorJ, 9);
    expect(best).toBeGreaterThanOrEqual(mirrorJ);
  });

  test("its commands work, and what they leave can be moved", { timeout: 120_000 }, async () => {
    const commands = commandsOf(page);
    expect(commands.map(([name]) => name)).toEqual(["games", "solve", "train", "evaluate"]);
    for (const args of commands) {
      const { code, out, err } = await sepo(args);
      expect({ args, code, err: code === 0 ? "" : err }).toEqual({ args, code: 0, err: "" });
      expect(out).toContain("chicken");
    }
    // The module is in the run: without the original, the checkpoint still plays.
    await rm(join(folder, "chicken-roster.js"));
    await rm(join(folder, "chicken.js"));
    const { code, err } = await sepo(["evaluate", "runs/chicken", "--episodes", "4"]);
    expect({ code, err }).toMatchObject({ code: 0 });
  });

  test("its changed opponents, options and weights are those of the run", { timeout: 60_000 }, async () => {
    const { code, err, out } = await sepo(["train", "stranger.toml", "--out", "runs/stranger"]);
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("rounds 4");
    expect(out).toContain("exploitability weight 4");
    const refused = await sepo(["compare", "runs/stranger", "ipd:tit-for-tat"]);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/not comparable/);
    const report = await sepo(["report", "runs/stranger"]);
    expect(report.out).toContain("win-stay-lose-shift");
  });
});
