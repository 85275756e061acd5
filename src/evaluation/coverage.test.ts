import { describe, expect, test } from "vitest";
import { policyNamed, rosterOf } from "../opponents/index.ts";
import {
  type Cell,
  type CoverageOptions,
  differenceCoverage,
  policyCoverage,
  rateCoverage,
  tableCoverage,
  trembling,
} from "./testing/coverage.ts";

// `bench/coverage.ts` has more policies, episodes and seeds. Seeds are fixed, so a result never changes by chance.
const options: CoverageOptions = {
  episodes: [2, 5, 20, 50],
  seeds: (episodes) => (episodes > 10 ? 60 : 200),
};

/** 95%, less three of the deviations that a share of so many seeds has. */
const least = ({ seeds }: Cell) => 0.95 - 3 * Math.sqrt((0.95 * 0.05) / seeds);
const most = ({ seeds }: Cell) => 0.05 + 3 * Math.sqrt((0.95 * 0.05) / seeds);
const name = ({ what, quantity, episodes }: Cell) => `${what}, ${quantity}, ${episodes} episodes`;

function expectCovered(cells: readonly Cell[]): void {
  expect(cells.filter((cell) => cell.covered < least(cell)).map(name)).toEqual([]);
  expect(cells.filter((cell) => cell.claimed !== undefined && cell.claimed > most(cell)).map(name)).toEqual([]);
}

describe("intervals cover the exact value, from 2 episodes on", () => {
  // pot-control's gap against max-exploiter is exactly 0, at the kink of the hinge; uniform's gaps are open.
  for (const [game, policy] of [
    ["kuhn", "pot-control"],
    ["kuhn", "uniform"],
    ["ipd", "random"],
    ["auction", "half-value"],
  ] as const)
    test(`${game}: ${policy}`, () => {
      const cells = policyCoverage(game, policy, options);
      expect(cells).toHaveLength(4 * options.episodes.length);
      expectCovered(cells);
    });

  test("shares of replies, those of 1 in 500 too", () => {
    for (const rate of [0.002, 0.05, 0.5])
      for (const clusters of [false, true]) expectCovered(rateCoverage(rate, clusters, { ...options, seeds: () => 400 }));
  });

  test("two policies of equal J are told apart 5% of the time at most", () => {
    expectCovered(differenceCoverage("kuhn", ["pot-control", "equilibrium-1/6"], options));
    expectCovered(differenceCoverage("kuhn", ["uniform", "uniform"], { ...options, episodes: [2, 5, 20] }, true));
  });

  test("worst cases and J of tables of answers, where hardly any differs and where the truth is the least value", () => {
    const roster = rosterOf("kuhn");
    for (const [name, error, positions] of [
      ["always-bet", 0.02, 4],
      ["equilibrium", 0, 32],
    ] as const) {
      const policy = trembling(roster, policyNamed(roster, name), error);
      const cells = tableCoverage(roster, policy, 1, { episodes: [positions], seeds: () => 20 });
      expect(cells.map(({ quantity }) => quantity)).toEqual(["worst case", "J of the table"]);
      expectCovered(cells);
    }
  });

  test("at many episodes an interval is no wider than its standard error asks for", () => {
    // All gaps are far from 0: 1.972 / 1.960 = 1.006 is Student's quantile at 199 degrees of freedom.
    const once: CoverageOptions = { episodes: [200], seeds: () => 3 };
    const [safetyIndex] = policyCoverage("kuhn", "uniform", once);
    expect(safetyIndex.width / safetyIndex.plain).toBeLessThan(1.05);
    const [paired] = differenceCoverage("kuhn", ["always-pass", "uniform"], once);
    expect(paired.width / paired.plain).toBeLessThan(1.05);
  });
});
