import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { calibrate } from "../evaluation/calibration.ts";
import { reportPolicy } from "../evaluation/report.ts";
import { chatModel } from "../models/adapter.ts";
import { rosterOf } from "../opponents/index.ts";
import { evaluateModel } from "../runs/model-evaluation.ts";
import { estimate } from "../stats/estimate.ts";
import { type Entry, readEntry } from "./entries.ts";
import { leaderboard, placesOf } from "./leaderboard.ts";
import { leaderboardTables } from "./leaderboard-tables.ts";

const kuhn = rosterOf("kuhn");

function entry(
  policy: string,
  {
    rosters = [kuhn],
    episodes = 200,
    ...rest
  }: { rosters?: readonly (typeof kuhn)[]; episodes?: number } & Partial<Entry> = {},
): Entry {
  const reports = rosters.map((roster) => {
    const found = [...Object.values(roster.pools).flat(), ...roster.experts.map((expert) => expert.policy)];
    const named = found.find(({ name }) => name === policy) ?? found[0];
    return reportPolicy(roster, named, { name: policy, seed: 0, episodes, command: "" }).games[0];
  });
  return {
    folder: `runs/${policy}`,
    agent: policy,
    settings: "maxTokens 8",
    seed: 0,
    version: "1",
    date: "2026-11-28",
    games: reports,
    ...rest,
  };
}

describe("places", () => {
  const named = (values: readonly (readonly [string, number, number])[]) =>
    values.map(([agent, value, error]) => ({ agent, estimate: estimate(value, error, 1000) }));

  test("those that are not shown to differ are tied, by name", () => {
    // Three pairs: the level is 5% / 3, of which the normal quantile is 2.394. A difference of errors 0.1 and 0.1 is shown above 2.394 * 0.1414 = 0.339.
    const places = placesOf(
      named([
        ["a", 1.34, 0.1],
        ["b", 1, 0.1],
        ["c", 0.67, 0.1],
      ]),
    );
    expect(places).toEqual([
      { rank: [1, 1], tied: [] },
      { rank: [2, 3], tied: ["c"] },
      { rank: [2, 3], tied: ["b"] },
    ]);
  });

  test("being tied is not handed on", () => {
    const places = placesOf(
      named([
        ["a", 1.3, 0.1],
        ["b", 1, 0.1],
        ["c", 0.7, 0.1],
      ]),
    );
    expect(places.map(({ rank, tied }) => [rank, tied])).toEqual([
      [[1, 2], ["b"]],
      [
        [1, 3],
        ["a", "c"],
      ],
      [[2, 3], ["b"]],
    ]);
  });

  test("one agent alone has rank 1, equal ones share all ranks", () => {
    expect(placesOf(named([["a", 1, 0.1]]))).toEqual([{ rank: [1, 1], tied: [] }]);
    expect(
      placesOf(
        named([
          ["a", 1, 0],
          ["b", 1, 0],
        ]),
      )[0],
    ).toEqual({ rank: [1, 2], tied: ["b"] });
  });
});

describe("a leaderboard", () => {
  test("sorts by J, with calibration rows of the same rules and a mean over the games", () => {
    const short = rosterOf("ipd", { options: { rounds: 2 } });
    const options = { seed: 0, episodes: 20 };
    const calibrated = [calibrate(rosterOf("ipd", { options: { rounds: 1 } }), options), calibrate(short, options)];
    const both = { rosters: [short, kuhn] };
    const board = leaderboard(
      [entry("always-defect", both), entry("tit-for-tat", both), entry("always-cooperate", { rosters: [short] })],
      calibrated,
    );
    const [first, second] = board.games;
    expect([first.game, second.game]).toEqual(["ipd", "kuhn"]);
    const indices = first.standings.map(({ report }) => report.objective.safetyIndex.value);
    expect(indices).toEqual(indices.toSorted((a, b) => b - a));
    expect(first.calibration).toBe(calibrated[1]);
    expect(second.calibration).toBeUndefined();
    expect(board.overall?.incomplete).toEqual(["always-cooperate"]);
    const mean = board.overall?.standings.find(({ agent }) => agent === "always-defect")?.safetyIndex.value;
    const own = board.games.flatMap(({ standings }) =>
      standings.filter(({ agent }) => agent === "always-defect").map(({ report }) => report.objective.safetyIndex.value),
    );
    expect(mean).toBeCloseTo((own[0] + own[1]) / 2, 12);
    const [table] = leaderboardTables(board);
    const column = table.rows.map(([, agent]) => agent);
    expect(column).toContain("(J*, the best of any policy)");
    expect(column).toContain(`(policy ${short.reference.name})`);
    expect(table.rows.every((row) => row.length === table.head.length)).toBe(true);
  });

  test.each<[string, Entry, RegExp]>([
    [
      "another protocol",
      entry("a", { rosters: [rosterOf("kuhn", { protocol: "paper" })] }),
      /protocol \(corrected and paper\)/,
    ],
    [
      "other options",
      entry("a", { rosters: [rosterOf("kuhn", { options: { hands: 2 } })] }),
      /settings \(the standard game and hands 2\)/,
    ],
    ["another wording", entry("a", { rosters: [rosterOf("kuhn", { options: { wording: "brief" } })] }), /wording "brief"/],
    ["another version", entry("a", { version: "2" }), /version \(1 and 2\)/],
    ["the same folder", entry("always-bet"), /given twice/],
  ])("refuses %s, naming it", (_, other, message) => {
    expect(() => leaderboard([entry("always-bet"), other])).toThrow(message);
  });

  test("agents of one name are told apart by their folders", () => {
    const board = leaderboard([entry("m", { folder: "runs/a" }), entry("m", { folder: "runs/b" })]);
    expect(board.games[0].standings.map(({ agent }) => agent)).toEqual(["m (runs/a)", "m (runs/b)"]);
    expect(board.games[0].standings[0].tied).toEqual(["m (runs/b)"]);
  });

  test("the folder of a model's evaluation says what was in force, when and for how much", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sepo-board-"));
    const before = new Date();
    const model = chatModel(() => "DEFECT", { settings: { maxTokens: 9, temperature: 0.5 } });
    const roster = rosterOf("ipd", { options: { rounds: 1 } });
    await evaluateModel(folder, model, [roster], {
      name: "defector",
      seed: 4,
      episodes: 2,
      positions: 1,
      samples: 1,
      system: "You are a broker.",
      price: { input: 1, output: 1 },
      command: () => "",
    });
    const found = await readEntry(folder);
    const days = [before, new Date()].map((date) => date.toISOString().slice(0, 10));
    await rm(folder, { recursive: true, force: true });
    expect(found).toMatchObject({ agent: "defector", seed: 4 });
    expect(found.settings).toBe('maxTokens 9, temperature 0.5, system prompt "You are a broker.", 1 answers at 1 positions');
    expect(days).toContain(found.date);
    expect(found.cost).toBeGreaterThan(0);
  });
});
