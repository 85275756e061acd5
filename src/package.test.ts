/** The package as a stranger gets it: packed, installed by a plain `npm install` in an empty folder, imported and type-checked. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { VERSION } from "./version.ts";

const manifest = z
  .object({ version: z.string(), exports: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync("package.json", "utf8")));

/** A program of somebody else, with every type that the documentation names. */
const CONSUMER = `
import {
  type AgentReport, type Decision, type DecisionRequest, type Player, type PolicyRow, type WorstCase,
  compareAgents, evaluationKey, policyTable, reportAgent, responderRoster, rosterOf, sampledWorstCase,
  scoreEpisode, tableWorstCase,
} from "sepo";
import { ConfigError } from "sepo/runs";
import { type Game, parse } from "sepo/games";
import type { IpdView } from "sepo/games/ipd";
import { exactJ } from "sepo/solvers";
import { TabularEngine } from "sepo/engines";
import { gameConformance } from "sepo/testing";

const always: Player = {
  name: "always",
  decide: (requests: readonly DecisionRequest[]): Promise<readonly Decision[]> =>
    Promise.resolve(requests.map(({ game, view }) => {
      const [action] = game.legal(view);
      return { action, parsed: parse(action, game.grammar, game.legal(view)) };
    })),
};
const roster = rosterOf("ipd");
const report: AgentReport = await reportAgent([roster], { player: always }, { name: "always", seed: 0, episodes: 4, command: "" });
const worst: WorstCase | undefined = report.games[0].worstCase;
console.log(report.games[0].objective.safetyIndex.value.toFixed(3), exactJ(roster, roster.reference).toFixed(3));
export const used = { worst, compareAgents, evaluationKey, policyTable, responderRoster, sampledWorstCase, scoreEpisode,
  tableWorstCase, ConfigError, TabularEngine, gameConformance };
export type Used = [Game, IpdView, PolicyRow];
`;

function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

describe("the package", () => {
  let folder = "";
  let files: string[] = [];
  const run = (command: string, args: readonly string[]) =>
    execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: "pipe" });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sepo-package-"));
    // The build is there already; prepack would make it again under the other tests.
    const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
      encoding: "utf8",
    });
    const [{ filename, files: listed }] = z
      .array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }))
      .parse(JSON.parse(packed));
    files = listed.map(({ path }) => path);
    writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }');
    run("npm", ["install", "--no-audit", "--no-fund", `./${filename}`]);
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("holds what it needs and nothing that only tests need", () => {
    for (const path of Object.values(manifest.exports).filter((each) => !each.includes("*")))
      expect(files).toContain(path.slice(2));
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "CITATION.cff", "README.md", "dist/cli/main.js"]));
    expect(files.filter((path) => /\.map$|\.test\.|\/testing\/|golden/.test(path) && path.startsWith("dist"))).toEqual([]);
    expect(manifest.version).toBe(VERSION);
  });

  test("is small without the training engine, which says how to get it", () => {
    const modules = join(folder, "node_modules");
    expect(readdirSync(modules)).not.toContain("onnxruntime-node");
    expect(bytesBelow(modules)).toBeLessThan(25 * 1024 * 1024); // six of them are the pages
    const set = ["base.examples=50", "sft.epochs=0", "sepo.steps=0", 'games=["ipd"]'].flatMap((each) => ["--set", each]);
    let message = "";
    try {
      run(process.execPath, ["node_modules/sepo/dist/cli/main.js", "train", "--out", "run", ...set]);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("npm install --ignore-scripts onnxruntime-node");
    expect(readdirSync(folder)).not.toContain("run");
  }, 120_000);

  test("works and type-checks in a strict program", () => {
    writeFileSync(join(folder, "main.ts"), CONSUMER);
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUnusedLocals: true,
      module: "nodenext",
      target: "es2023",
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...options, types: [] }, files: ["main.ts"] }),
    );
    run(process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", "."]);
    expect(run(process.execPath, ["main.js"])).toMatch(/^-?\d+\.\d{3} 1\.739\n$/);
    expect(run("npx", ["sepo", "--version"]).trim()).toBe(VERSION);
  }, 120_000);

  test("loads neither the training engine nor tokenizers until they are used", () => {
    // Every module that Node loads is a file that it opens.
    const probe = `
      import { registerHooks } from "node:module";
      import * as module from "node:module";
      module.register("data:text/javascript," + encodeURIComponent(
        'export async function resolve(name, context, next) { const found = await next(name, context);' +
        ' if (/onnxruntime|tokenizers|protobuf|commander|ai-sdk/.test(found.url)) throw new Error("loaded " + found.url); return found; }'));
      await import("sepo");
      await import("sepo/solvers");
      console.log("light");`;
    writeFileSync(join(folder, "probe.mjs"), probe.replace('import { registerHooks } from "node:module";', ""));
    expect(run(process.execPath, ["probe.mjs"])).toBe("light\n");
  });
});
