import { describe, expect, test } from "vitest";
import { GAME_NAMES, PROTOCOLS } from "../games/index.ts";
import { policyNamed, rosterOf } from "../opponents/index.ts";
import { kuhnEquilibrium } from "../opponents/kuhn.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { seedKey } from "../random.ts";
import { distanceToReference, exploitabilityTable, objectiveTable, opponentTable } from "../report/agents.ts";
import { exactJ } from "../solvers/optimum.ts";
import { pValue } from "../stats/compare.ts";
import { estimate } from "../stats/estimate.ts";
import { differenceOfObjectives } from "../objective/compare.ts";
import { objectiveSettings } from "../play/score.ts";
import { byCause, playAll, simulateAll } from "./episodes.ts";
import { reportOf } from "./evaluate.ts";
import type { PolicyRow } from "./action-table.ts";
import { reportPolicy } from "./report.ts";
import { tableIndex } from "./table-index.ts";
import { exactWorstCase, sampledWorstCase, tableWorstCase, worstCaseValue } from "./worst-case.ts";

const key = seedKey(31);
const options = (name: string, episodes = 100) => ({ name, seed: 0, episodes, command: "test" });

describe("reports", () => {
  for (const protocol of PROTOCOLS)
    for (const name of GAME_NAMES)
      test(`${name}, ${protocol}: every policy is measured against every opponent, and tables name the protocol`, () => {
        const roster = rosterOf(name, { protocol });
        const report = reportPolicy(roster, roster.reference, options("reference", 20));
        const [game] = report.games;
        expect(game.opponents.map(({ pool, opponent }) => `${pool}/${opponent}`)).toEqual(
          Object.entries(roster.pools).flatMap(([pool, policies]) => policies.map((policy) => `${pool}/${policy.name}`)),
        );
        for (const table of [objectiveTable(name, [report]), exploitabilityTable(name, [report])])
          expect(table.title).toContain(`protocol ${protocol}`);
        expect(opponentTable(name, report).rows).toHaveLength(game.opponents.length);
        expect(game.worstCase?.kind).toBe(name === "negotiation" ? "lower bound" : "exact");
      });

  test("simulated and refereed episodes give the same report", async () => {
    for (const name of ["auction", "negotiation"]) {
      const roster = rosterOf(name);
      const { measured } = await playAll(roster, scriptedPlayer(roster.reference), key, { episodes: 10 });
      const strip = (report: ReturnType<typeof reportOf>) =>
        JSON.stringify({ ...report, opponents: report.opponents.map((own) => ({ ...own, actions: [] })) });
      expect(strip(reportOf(roster, measured))).toBe(
        strip(reportOf(roster, simulateAll(roster, roster.reference, key, { episodes: 10 }))),
      );
    }
  });

  test("J's interval covers the exact J", () => {
    // Seven policies at 95%: 5 or fewer covered has probability below 0.5%.
    const roster = rosterOf("kuhn");
    const names = ["equilibrium", "tight-passive", "loose-aggressive", "always-bet", "max-exploiter", "pot-control", "uniform"];
    const covered = names.filter((name) => {
      const policy = policyNamed(roster, name);
      const { low, high } = reportOf(roster, simulateAll(roster, policy, key, { episodes: 400 })).objective.safetyIndex;
      const exact = exactJ(roster, policy);
      return low <= exact && exact <= high;
    });
    expect(covered.length).toBeGreaterThan(5);
  });

  test("regret is the exact best reply's payoff minus the agent's", () => {
    const roster = rosterOf("ipd");
    const { opponents } = reportOf(roster, simulateAll(roster, roster.reference, key, { episodes: 5 }));
    // Tit-for-tat earns 24 of 26 points against itself, and 7 of 8 against always-defect.
    expect(opponents.find(({ opponent }) => opponent === "tit-for-tat")?.regret?.value).toBeCloseTo(2 / 8, 12);
    expect(opponents.find(({ opponent }) => opponent === "always-defect")?.regret?.value).toBeCloseTo(1 / 8, 12);
  });

  test("accepting 2 of 10 is a pool advantage of 6 and no security shortfall", () => {
    // Always demanding 2 meets hardball's 8: paid, so the exploiter is 6 ahead, yet the security value is 1.
    const roster = rosterOf("split");
    const meek = { name: "meek", description: "", act: () => [["DEMAND 2", 1]] as const, memory: () => "" };
    const report = reportOf(roster, simulateAll(roster, meek, key, { episodes: 2 }));
    const hardball = report.opponents.find(({ opponent }) => opponent === "hardball");
    expect(hardball?.gap.value).toBe(6);
    expect(report.securityShortfall.value).toBe(0);
  });
});

/** Kuhn poker's keys, each measured at two positions, uniform together. */
const evenKuhnTable = (): PolicyRow[] =>
  ["J", "Q", "K"].flatMap((card) =>
    ["", "P", "B", "PB"].map((bets) => ({
      key: `${card}:${bets}`,
      met: true,
      actions: bets.endsWith("B") ? ["CALL", "FOLD"] : ["PASS", "BET"],
      samples: [
        [0.4, 0.6],
        [0.6, 0.4],
      ],
    })),
  );

describe("J of a measured table", () => {
  test("is that of the policy it was filled from, with an interval around it", () => {
    const roster = rosterOf("kuhn");
    const { value, low, high } = tableIndex(roster, evenKuhnTable(), key);
    expect(value).toBeCloseTo(exactJ(roster, policyNamed(roster, "uniform")), 12);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  test("a row that is certain adds no uncertainty", () => {
    const certain = evenKuhnTable().map((row) => ({ ...row, samples: [[1, 0]], certain: true }));
    expect(tableIndex(rosterOf("kuhn"), certain, key)).toMatchObject({ standardError: 0 });
  });

  test("stands beside J of scripted policies, exactly, where J can be enumerated", () => {
    for (const [game, policy] of [
      ["ipd", "tit-for-tat"],
      ["auction", "adaptive"],
    ]) {
      const roster = rosterOf(game);
      const options = { name: policy, seed: 0, episodes: 2, command: "" };
      const [report] = reportPolicy(roster, policyNamed(roster, policy), options).games;
      expect(report.tableIndex?.value).toBe(exactJ(roster, policyNamed(roster, policy)));
    }
    const roster = rosterOf("negotiation");
    const [report] = reportPolicy(roster, roster.reference, { name: "", seed: 0, episodes: 2, command: "" }).games;
    expect(report).not.toHaveProperty("tableIndex");
  });
});

describe("the worst case", () => {
  test("of Kuhn policies is their exploitability", () => {
    const roster = rosterOf("kuhn");
    expect(exactWorstCase(roster, kuhnEquilibrium("e", 1 / 6)).exploitability?.value).toBeCloseTo(0, 12);
    // Uniform play: 11/24 chips per hand, the advantage q - r is twice that.
    const uniform = policyNamed(roster, "uniform");
    expect(exactWorstCase(roster, uniform).exploitability?.value).toBeCloseTo(11 / 24, 12);
    expect(worstCaseValue(roster, uniform)).toBeCloseTo(11 / 12, 12);
  });

  test("is at least what any pool opponent takes", () => {
    for (const name of ["ipd", "auction", "split", "kuhn"]) {
      const roster = rosterOf(name);
      for (const { policy } of roster.experts) {
        const worst = worstCaseValue(roster, policy);
        const { opponents } = reportOf(roster, simulateAll(roster, policy, key, { episodes: 200 }));
        for (const { gap } of opponents) expect(gap.low).toBeLessThanOrEqual(worst + 1e-9);
      }
    }
  });

  test("of a measured table agrees with the policy it was filled from", () => {
    const roster = rosterOf("kuhn");
    const rows = evenKuhnTable();
    const { kind, exploitability } = tableWorstCase(roster, rows, key);
    expect(kind).toBe("projection");
    expect(exploitability?.value).toBeCloseTo(11 / 24, 12);
    expect(exploitability!.low).toBeLessThanOrEqual(11 / 24);
    expect(exploitability!.high).toBeGreaterThan(11 / 24);
  });

  test("by search is measured on other episodes than it was chosen on", () => {
    const means = {
      pool: "exploiter",
      r: 0,
      c: 0,
      x: 0,
      magnitude: 0,
      decisions: 1,
      failures: byCause(() => 0),
      forfeited: 0,
    } as const;
    const episode = (opponent: string, index: number, q: number) => ({
      ...means,
      opponent,
      index,
      q,
      measures: [],
      actions: {},
    });
    // "lucky" wins the even episodes, on which the choice is made, and loses the odd ones, which are reported.
    const episodes = [0, 1, 2, 3].flatMap((i) => [episode("lucky", i, i % 2 === 0 ? 5 : -1), episode("steady", i, 1)]);
    expect(sampledWorstCase(episodes).advantage.value).toBe(-1);
  });
});

describe("comparisons", () => {
  test("paired differences are exact where both agents play alike, and shrink the interval", () => {
    const roster = rosterOf("kuhn");
    const play = (name: string) => simulateAll(roster, policyNamed(roster, name), key, { episodes: 300 });
    const settings = objectiveSettings(roster.game.facts);
    expect(differenceOfObjectives(play("equilibrium"), play("equilibrium"), settings)).toMatchObject({
      value: 0,
      standardError: 0,
    });
    const paired = differenceOfObjectives(play("equilibrium"), play("equilibrium-1/6"), settings);
    const { standardError } = reportOf(roster, play("equilibrium")).objective.safetyIndex;
    expect(paired.standardError).toBeLessThan(standardError);
    const exact = exactJ(roster, policyNamed(roster, "equilibrium")) - exactJ(roster, policyNamed(roster, "equilibrium-1/6"));
    expect(Math.abs(paired.value - exact)).toBeLessThan(4 * paired.standardError);
  });

  test("a difference is claimed exactly when its interval leaves zero out, and smaller levels have wider intervals", () => {
    const levels = [0.5, 0.2, 0.05, 0.02, 0.005, 1e-4];
    for (const [game, names] of [
      ["kuhn", ["equilibrium", "equilibrium-1/6", "pot-control", "tight-value", "loose-aggressive", "uniform"]],
      ["ipd", ["random", "generous-tit-for-tat", "win-stay-lose-shift"]],
    ] as const) {
      const roster = rosterOf(game);
      const settings = objectiveSettings(roster.game.facts);
      const played = names.map((name) => simulateAll(roster, policyNamed(roster, name), key, { episodes: 40 }));
      for (const [i, a] of played.entries())
        for (const b of played.slice(i + 1)) {
          const difference = differenceOfObjectives(a, b, settings);
          expect(pValue(difference) < 0.05).toBe(difference.low > 0 || difference.high < 0);
          const ends = levels.map((level) => difference.ends(level));
          ends.slice(1).forEach(([low, high], j) => {
            expect(low).toBeLessThanOrEqual(ends[j][0] + 1e-9);
            expect(high).toBeGreaterThanOrEqual(ends[j][1] - 1e-9);
          });
          // Exchanging the agents turns the interval round.
          const [low, high] = differenceOfObjectives(b, a, settings).ends(0.05);
          expect(low).toBeCloseTo(-difference.high, 9);
          expect(high).toBeCloseTo(-difference.low, 9);
        }
    }
  });

  test("the distance to the reference is the mean total variation over keys met", () => {
    const row = (own: number, reference: number, met: boolean) => ({
      key: "k",
      met,
      actions: [
        { action: "A", probability: estimate(own, 0, 1), reference },
        { action: "B", probability: estimate(1 - own, 0, 1), reference: 1 - reference },
      ],
    });
    // |0.75 - 0.5| and |1 - 0| over two keys; the third was not met.
    expect(distanceToReference([row(0.75, 0.5, true), row(1, 0, true), row(0.1, 0.9, false)])).toBeCloseTo(0.625, 12);
  });

  test("tables of different protocols warn", () => {
    const reports = PROTOCOLS.map((protocol) => {
      const roster = rosterOf("auction", { protocol });
      return reportPolicy(roster, roster.reference, options(protocol, 5));
    });
    expect(objectiveTable("auction", reports).title).toContain("WARNING: different protocols are not comparable");
  });
});
