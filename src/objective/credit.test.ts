import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Group, RETURNS, SAMPLED_CREDITS, type SampledCredit, assignCredit, hasSignal } from "./credit.ts";
import type { ScoredEpisode, ScoredRound } from "./objective.ts";

const POOLS = ["train", "exploiter", "collusive"] as const;
const HORIZON = 8;
const settings = { scale: 0.6, weights: { exploitability: 2.4, collusion: 1, externality: 1.8 }, failureCost: 1 };

const groupOf = (pool: Group["pool"], opponent: string, rows: readonly (readonly ScoredRound[])[]): Group => ({
  pool,
  opponent,
  episodes: rows.map((rounds): ScoredEpisode => ({ pool, opponent, horizon: HORIZON, rounds })),
});

/** Payoffs and harms that are fractions of 3, 7 and 10, so that their sums are rounded. */
const round = fc.record({
  r: fc.integer({ min: -20, max: 50 }).map((value) => value / 10),
  q: fc.integer({ min: -20, max: 50 }).map((value) => value / 7),
  c: fc.integer({ min: 0, max: 3 }).map((value) => value / 3),
  x: fc.integer({ min: 0, max: 6 }).map((value) => value / 6),
  failures: fc.integer({ min: 0, max: 2 }),
});
const rounds = fc.array(round, { minLength: HORIZON, maxLength: HORIZON });
const groupSize = fc.integer({ min: 2, max: 16 });
const credits: readonly (readonly [SampledCredit, (typeof RETURNS)[number]])[] = [
  ...SAMPLED_CREDITS.map((credit) => [credit, "to-go"] as const),
  ["objective", "round"],
];

describe("a group whose episodes are equal has no signal", () => {
  for (const [credit, returns] of credits) {
    test(`${credit}, ${returns}: equal episodes`, () => {
      fc.assert(
        fc.property(rounds, groupSize, (episode, size) => {
          const groups = POOLS.map((pool) =>
            groupOf(
              pool,
              pool,
              Array.from({ length: size }, () => episode),
            ),
          );
          expect(assignCredit(groups, settings, { credit, returns }).some(hasSignal)).toBe(false);
        }),
      );
    });
  }

  for (const credit of SAMPLED_CREDITS)
    test(`${credit}: the same rounds in another order have the same return at the first round`, () => {
      fc.assert(
        fc.property(rounds, groupSize, fc.integer(), (episode, size, seed) => {
          const orders = Array.from({ length: size }, (_, i) =>
            episode.toSorted((a, b) => Math.sin(seed + i * a.r + a.q) - Math.sin(seed + i * b.r + b.q)),
          );
          const advantages = assignCredit(
            POOLS.map((pool) => groupOf(pool, pool, orders)),
            settings,
            { credit },
          );
          for (const row of advantages.flat()) expect(row[0]).toBe(0);
        }),
      );
    });

  test("terms that cancel leave no rounding behind", () => {
    // Externality 3 s / lx = 1 undoes a payoff of 3, 1/3 one of 1: every reward is 0 in exact arithmetic.
    const cancelling = (r: number): ScoredRound => ({ r, q: 0, c: 0, x: (r * settings.scale) / 1.8, failures: 0 });
    for (let size = 2; size <= 16; size++) {
      const rows = Array.from({ length: size }, (_, i) => Array.from({ length: HORIZON }, (_, t) => cancelling((i + t) % 4)));
      const groups = [groupOf("train", "a", rows)];
      expect(assignCredit(groups, settings).some(hasSignal)).toBe(false);
      expect(assignCredit(groups, settings, { credit: "group-normalized" }).some(hasSignal)).toBe(false);
    }
  });
});

const constant = (r: number, q: number, x: number): ScoredRound[] =>
  Array.from({ length: HORIZON }, () => ({ r, q, c: 0, x, failures: 0 }));

describe("a group with signal", () => {
  test("keeps its advantages beside groups without", () => {
    // One episode of G earns 1 less in every round, s / (|T| N) less per round: its advantage at the first is -s / |T|, that of
    // each other one is 1 / (G - 1) of it and positive, whatever else is in the batch.
    for (let size = 2; size <= 16; size++)
      for (const quiet of [0, 2, 6])
        for (const x of [0, 1 / 3]) {
          const real = Array.from({ length: size }, (_, i) => constant(i === 0 ? 2 : 3, 3, x));
          const equal = Array.from({ length: size }, () => constant(3, 3, x));
          const groups = [
            groupOf("train", "a", real),
            ...Array.from({ length: quiet }, (_, j) => groupOf("train", `quiet ${j}`, equal)),
          ];
          const sizes = groups.map(() => ({ train: 7, exploiter: 2, collusive: 1 }));
          const credit = assignCredit(groups, settings, { sizes });
          expect(credit.map(hasSignal)).toEqual([true, ...Array.from({ length: quiet }, () => false)]);
          expect(credit[0][0][0]).toBeCloseTo(-settings.scale / 7, 12);
          expect(credit[0][1][0]).toBeCloseTo(settings.scale / 7 / (size - 1), 12);
        }
  });

  test("an episode that is equal to the mean of the others gets exactly 0", () => {
    // Payoffs 2.9, 3, 3.1: the middle one is the mean of the others in every round.
    const rows = [2.9, 3, 3.1].map((r) => constant(r, 0, 1 / 6));
    const [[below, middle, above]] = assignCredit([groupOf("train", "a", rows)], settings);
    for (const value of middle) expect(value).toBe(0);
    for (const value of below) expect(value).toBeLessThan(-1e-3);
    for (const value of above) expect(value).toBeGreaterThan(1e-3);
  });

  test("keeps a difference of a millionth", () => {
    const rows = [3, 3, 3 + 3e-6].map((r) => constant(r, 0, 0));
    for (const credit of SAMPLED_CREDITS)
      expect(assignCredit([groupOf("train", "a", rows)], settings, { credit }).every(hasSignal)).toBe(true);
  });
});
