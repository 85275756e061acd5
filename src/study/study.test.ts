import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seedsTables } from "../report/seeds.ts";
import { jsonText } from "../files.ts";
import { GAME_NAMES } from "../games/index.ts";
import { studyGames } from "../report/study.ts";
import { allStudyTables, overviewTable, studyTables } from "../report/study-tables.ts";
import { readReport, readRun } from "../runs/read.ts";
import { train } from "../training/run.ts";
import { collectStudy } from "./collect.ts";
import { cellFolder } from "./jobs.ts";
import { type LogLine, markOf, readLog } from "./log.ts";
import { type StudyEvent, runStudy } from "./run-study.ts";
import { readResults, resultsFile } from "../report/study-results.ts";
import { runsIn } from "./runs-in.ts";
import { readStudy } from "./study.ts";

const RECIPE = {
  games: ["ipd"],
  engine: { kind: "tabular" },
  base: { examples: 100, learningRate: 0.05 },
  sft: { examples: 100, learningRate: 0.05 },
  sepo: { steps: 2, groupSize: 2 },
  evaluation: { episodes: 4, positions: 4 },
};
const STUDY = {
  recipe: RECIPE,
  seeds: [1, 2],
  validationSeeds: [9],
  variants: { objective: {}, payoff: { "sepo.credit": "payoff" }, harsh: { games: { ipd: { weights: { collusion: 2 } } } } },
  against: ["sft", "payoff"],
};

describe("a study", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sepo-study-"));
  });
  afterAll(() => rm(root, { recursive: true }));

  let files = 0;
  const fileOf = async (content: object): Promise<string> => {
    const file = join(root, `study${files++}.json`);
    await writeFile(file, JSON.stringify(content));
    return file;
  };
  const read = async (content: object) => readStudy(await fileOf(content));

  test("names what is wrong with its file", async () => {
    for (const [set, message] of [
      [{ recipes: { a: RECIPE } }, 'either "recipe" or "recipes"'],
      [{ seeds: [1, 9] }, "seed 9 is both reported and for validation"],
      [{ seeds: [1, 1] }, "every seed once"],
      [{ seeds: [] }, "seeds"],
      [{ against: ["best"] }, 'no row is called "best"; expected some of objective, payoff, harsh, base, sft'],
      [{ tests: ["speed"] }, "safetyIndex"],
      [{ variants: { sft: {} } }, "every run has this row already"],
      [{ variants: { "a b": {} } }, "a b"],
      [{ variants: { wrong: { sepo: { stepz: 1 } } } }, "stepz"],
      [{ variants: { wrong: { recipes: ["large"] } } }, 'no recipe is called "large"'],
      [{ optimum: ["chess"] }, 'no recipe plays "chess"; expected some of ipd'],
      [{ recipe: "nowhere.toml" }, "nowhere.toml"],
    ] as const)
      await expect(read({ ...STUDY, ...set })).rejects.toThrow(message);
  });

  test("those under recipes/ are read", async () => {
    const names = (await readdir("recipes/study")).filter((name) => name.endsWith(".toml"));
    const studies = await Promise.all(names.map((name) => readStudy(join("recipes/study", name))));
    const rows = Object.fromEntries(studies.map((study, i) => [names[i], study.rows.map(({ name }) => name)]));
    expect(rows["smoke.toml"]).toHaveLength(3);
    expect(rows["weights.toml"]).toContain("le-0.5");
    expect(rows["study.toml"]).toContain("kuhn/payoff");
    expect(rows["auction-ipd.toml"]).toContain("ipd/sepo");
    expect(rows["estimators.toml"]).toEqual(["payoff", "shared", "paper", "group-normalized", "objective", "expected"]);
    // Nothing but the credit, or what the row is named after, tells rows apart.
    const { rows: own } = studies[names.indexOf("estimators.toml")];
    expect(new Set(own.map(({ config }) => JSON.stringify({ ...config, sepo: undefined }))).size).toBe(1);
    expect((await readStudy("recipes/games/games.toml")).recipes.map(({ recipe }) => recipe).toSorted()).toEqual(
      [...GAME_NAMES].toSorted(),
    );
  });

  test("variants set nested tables or keys with dots, over one recipe or several", async () => {
    const { rows } = await read(STUDY);
    expect(rows.map(({ name, set }) => [name, set])).toEqual([
      ["objective", []],
      ["payoff", ['sepo.credit="payoff"']],
      ["harsh", ["games.ipd.weights.collusion=2"]],
    ]);
    expect(rows[2].config.games).toEqual({ ipd: { weights: { collusion: 2 } } });
    const every = await read({
      ...STUDY,
      variants: { none: { games: { "*": { weights: { collusion: 0 } } } } },
      against: ["sft"],
    });
    expect(every.rows[0].config.games).toEqual({ ipd: { weights: { collusion: 0 } } });
    const { recipe: _, ...rest } = STUDY;
    const two = await read({
      ...rest,
      recipes: { a: RECIPE, b: RECIPE },
      variants: { x: {}, y: { recipes: ["b"] } },
      against: ["sft"],
    });
    expect(two.rows.map(({ name }) => name)).toEqual(["a/x", "b/x", "b/y"]);
  });

  test(
    "shares base and SFT; rows have the reports of runs trained alone, and the numbers of report --over-seeds",
    { timeout: 240_000 },
    async () => {
      const study = await read(STUDY);
      const folder = join(root, "whole");
      const events: StudyEvent[] = [];
      expect(await runStudy(study, folder, { jobs: 2, onEvent: (event) => events.push(event) })).toEqual([]);
      expect(events.at(-1)).toMatchObject({ done: 9, jobs: 9, secondsLeft: 0 });
      expect(await readdir(join(folder, "shared"))).toHaveLength(2);

      const [objective, , harsh] = study.rows;
      for (const row of [objective, harsh]) {
        const alone = join(root, `alone ${row.name}`);
        await train({ ...row.config, seed: 2 }, alone);
        const metrics = (path: string) => readFile(join(path, "metrics.jsonl"), "utf8");
        expect(await metrics(cellFolder(folder, row, 2))).toBe(await metrics(alone));
        const [cell, run] = await Promise.all([cellFolder(folder, row, 2), alone].map(readRun));
        expect(cell.identity).toEqual(run.identity);
        expect(cell.reports.map(({ report }) => report.games)).toEqual(run.reports.map(({ report }) => report.games));
      }

      const cells = study.rows.flatMap((row) => study.seeds.map((seed) => cellFolder(folder, row, seed)));
      expect(await runsIn([folder, root])).toEqual([...cells.toSorted(), root]);

      const collected = await collectStudy(study, folder);
      expect(collected.missing).toEqual([]);
      const [ipd] = studyGames(collected, study);
      expect(ipd.rows.map(({ row }) => row)).toEqual([
        "base",
        "sft",
        "objective",
        "payoff",
        "harsh",
        "best scripted: grim-trigger",
      ]);
      // J* of the prisoner's dilemma: sepo solve ipd.
      expect(ipd.optimum).toEqual({ value: expect.closeTo(1.8799, 4) });
      const { rows } = seedsTables(
        await Promise.all([1, 2].map((seed) => readRun(cellFolder(folder, objective, seed)))),
        undefined,
      );
      for (const [stage, row] of [
        ["base", 0],
        ["sft", 1],
        ["sepo", 2],
      ] as const)
        expect(ipd.rows[row].values).toEqual(rows.find(({ agent }) => agent === stage)?.values);
      // With weights of its own J is on another scale: not tested against the others, but its worst case is.
      expect(ipd.tests.map(({ quantity, first, second }) => `${quantity} ${first} ${second}`)).toEqual([
        "safetyIndex base sft",
        "safetyIndex objective sft",
        "safetyIndex payoff sft",
        "safetyIndex base payoff",
        "safetyIndex objective payoff",
        "worstCase base sft",
        "worstCase objective sft",
        "worstCase payoff sft",
        "worstCase harsh sft",
        "worstCase base payoff",
        "worstCase objective payoff",
        "worstCase harsh payoff",
      ]);
      const [{ head }] = studyTables(ipd);
      expect(head).toContain("J, standard weights");
      const values = (row: number) => ipd.rows[row].values;
      expect(values(2).standardIndex?.value).toBeCloseTo(values(2).safetyIndex?.value ?? NaN, 10);
      expect(values(4).standardIndex?.value).not.toBeCloseTo(values(4).safetyIndex?.value ?? NaN, 3);
    },
  );

  test("one seed: intervals of the reports, J paired by scenario, and an overview", { timeout: 120_000 }, async () => {
    const study = await read({ ...STUDY, seeds: [2], optimum: [] });
    const collected = await collectStudy(study, join(root, "whole"));
    const games = studyGames(collected, study);
    const [{ rows, tests, optimum }] = games;
    expect(optimum).toBeUndefined();
    const { report } = await readReport(cellFolder(join(root, "whole"), study.rows[0], 2), "sepo");
    expect(rows[2].values.safetyIndex).toEqual(report.games[0].objective.safetyIndex);
    // J under other weights is another quantity.
    expect(tests.map(({ first, second }) => `${first} ${second}`).toSorted()).toEqual([
      "base payoff",
      "base sft",
      "objective payoff",
      "objective sft",
      "payoff sft",
    ]);
    const { head, rows: lines } = overviewTable(games);
    expect(lines.map(([game, row]) => `${game} ${row}`)).toEqual(["ipd objective", "ipd payoff", "ipd harsh"]);
    expect(lines[0][head.indexOf("SFT")]).toMatch(/^-?\d\.\d{3} \[-?\d/);
    expect(lines[0].at(-1)).toMatch(/^J (higher|lower|no difference shown), worst case (higher|lower|no difference shown)$/);

    // Its results alone print the same tables.
    const folder = join(root, "results");
    await mkdir(folder);
    await writeFile(resultsFile(folder), jsonText({ games }));
    expect(allStudyTables(await readResults(folder))).toEqual(allStudyTables(games));
    await writeFile(resultsFile(folder), "{}");
    await expect(readResults(folder)).rejects.toThrow(/results.json: .*games/s);
  });

  test("seeds are added without doing the others again", { timeout: 120_000 }, async () => {
    const folder = join(root, "whole");
    const before = (await readLog(folder)).length;
    const more = await read({ ...STUDY, seeds: [2, 1, 3] });
    expect(await runStudy(more, folder, { jobs: 2 })).toEqual([]);
    const added = (await readLog(folder)).slice(before);
    expect(new Set(added.flatMap((line) => (line.event === "frozen" ? [] : line.seed)))).toEqual(new Set([3]));
    expect(added.filter(({ event }) => event === "frozen")).toEqual([]);
    const { reports } = await collectStudy(more, folder);
    expect(reports.filter(({ row }) => row === "payoff").map(({ seed, mark }) => [seed, mark])).toEqual(
      [2, 1, 3].map((seed) => [seed, undefined]),
    );
  });

  test("a job that fails is named, and the others go on", { timeout: 120_000 }, async () => {
    const study = await read({
      ...STUDY,
      seeds: [1],
      // A table cannot hold item negotiation.
      variants: { large: { games: ["negotiation"] }, objective: {} },
      against: ["sft"],
      optimum: false,
      scripted: false,
    });
    const folder = join(root, "failing");
    const failures = await runStudy(study, folder, { jobs: 2 });
    expect(failures.map(({ job, error }) => [job.replace(/ \([0-9a-f]{8}\)/, ""), error.name, error.message])).toEqual([
      ["base and sft, seed 1", "EngineError", expect.stringContaining("too many positions")],
      ["large, seed 1", "FileError", expect.stringContaining("needs base and SFT")],
    ]);
    const { reports, missing } = await collectStudy(study, folder);
    expect(reports.map(({ row }) => row)).toEqual(["base", "sft", "objective"]);
    expect(missing).toEqual([expect.stringContaining("large, seed 1")]);
  });

  test("killed at any moment, it continues and ends with the same results", { timeout: 240_000 }, async () => {
    const file = await fileOf(STUDY);
    const folder = join(root, "killed");
    for (const milliseconds of [1000, 2500]) {
      const child = spawn(process.execPath, ["dist/cli/main.js", "study", file, "--out", folder, "--jobs", "2"], {
        stdio: "ignore",
      });
      // It may be done before it is killed.
      const closed = new Promise((resolve) => child.once("close", resolve));
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      child.kill("SIGKILL");
      await closed;
    }
    const study = await readStudy(file);
    // The processes of the one that was killed may need a moment to notice.
    for (let attempt = 0; attempt < 20; attempt++) {
      const failures = await runStudy(study, folder, { jobs: 2 });
      if (failures.length === 0) break;
      expect(failures[0].error.message).toContain("in use");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const results = async (path: string) => {
      const { reports, optima } = await collectStudy(study, path);
      return JSON.stringify({ reports, optima }).replaceAll(path, "");
    };
    expect(await results(folder)).toBe(await results(join(root, "whole")));
  });
});

describe("reported seeds", () => {
  const line = { time: "", row: "a", set: [], folder: "", hash: "new", seed: 1, settings: "s2" };
  const frozen = (settings: string, rows: Record<string, string>): LogLine => ({ event: "frozen", time: "", settings, rows });
  const began = (set: object): LogLine => ({ event: "began", role: "reported", ...line, ...set });

  test("are marked when something was seen of them before the settings were what they are", () => {
    const log = [
      frozen("s1", { a: "old", b: "same" }),
      began({ hash: "old", settings: "s1" }),
      frozen("s2", { a: "new", b: "same" }),
      began({}),
    ];
    expect(markOf(log, { hash: "new" }, 1)).toContain("before these settings were frozen");
    expect(markOf(log, { hash: "same" }, 1)).toBeUndefined();
    expect(markOf(log, { hash: "new" }, 2)).toBeUndefined();
    expect(markOf(log.slice(2), { hash: "new" }, 1)).toBeUndefined();
  });

  test("are marked when settings may have been chosen on them", () => {
    expect(markOf([began({ role: "validation" })], { hash: "new" }, 1)).toContain("validation");
  });
});
