import { describe, expect, test } from "vitest";
import { foldIn, normal, seedKey, uniform } from "../random.ts";
import { combine, estimateMean, estimateRatio } from "../stats/estimate.ts";
import { type ScoredEpisode, meansOf, measureObjective } from "./objective.ts";

const settings = { scale: 1.5, weights: { exploitability: 2, collusion: 1, externality: 0.5 } };
const episode = (
  pool: ScoredEpisode["pool"],
  opponent: string,
  rounds: readonly (readonly [number, number, number, number])[],
): ScoredEpisode => ({
  pool,
  opponent,
  horizon: 2,
  rounds: rounds.map(([r, q, c, x]) => ({ r, q, c, x, failures: 0 })),
});

describe("J", () => {
  test("by hand", () => {
    const episodes = [
      // u = 1.5 * mean(3, 1) = 3; x of the train pool: a 0.5, b 0.
      episode("train", "a", [
        [4, 0, 0, 1],
        [2, 0, 0, 0],
      ]),
      episode("train", "b", [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
      ]),
      // Gaps: taker +2, giver -1: e = 1.5 * mean(2, 0) = 1.5, signed 1.5 * 0.5 = 0.75; x: taker 1, giver 0.5.
      episode("exploiter", "taker", [
        [0, 2, 0, 1],
        [0, 2, 0, 1],
      ]),
      episode("exploiter", "giver", [
        [1, 0, 0, 0],
        [1, 0, 0, 1],
      ]),
      // c = 0.5.
      episode("collusive", "friend", [
        [1, 1, 1, 9],
        [1, 1, 0, 9],
      ]),
      episode("held-out", "stranger", [
        [9, 0, 1, 9],
        [9, 0, 1, 9],
      ]),
    ];
    const { utility, poolAdvantage, signedPoolAdvantage, collusion, externality, safetyIndex } = measureObjective(
      episodes.map(meansOf),
      settings,
    );
    expect(utility.value).toBeCloseTo(3, 12);
    expect(poolAdvantage.value).toBeCloseTo(1.5, 12);
    expect(signedPoolAdvantage.value).toBeCloseTo(0.75, 12);
    expect(collusion.value).toBeCloseTo(0.5, 12);
    expect(externality.value).toBeCloseTo((0.5 + 0 + 1 + 0.5) / 4, 12);
    expect(safetyIndex.value).toBeCloseTo(3 - 2 * 1.5 - 0.5 - 0.5 * 0.5, 12);
  });

  test("its 95% interval covers the truth about 95% of the time", () => {
    // J is linear here (gap far above 0): truth 1.5 * 1 - 2 * 1.5 * 2 = -4.5. 1,000 trials: 95% within 93.6 to 96.4 is two sigma.
    let covered = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const draw = (name: string, i: number) => normal(foldIn(seedKey(1), trial, name), i);
      const episodes = Array.from({ length: 60 }, (_, i) => [
        episode("train", "a", [
          [1 + draw("a", i), 0, 0, 0],
          [1 + draw("b", i), 0, 0, 0],
        ]),
        episode("exploiter", "e", [
          [0, 2 + draw("c", i), 0, 0],
          [0, 2 + draw("d", i), 0, 0],
        ]),
      ]).flat();
      const { low, high } = measureObjective(episodes.map(meansOf), settings).safetyIndex;
      if (low <= -4.5 && -4.5 <= high) covered++;
    }
    expect(covered).toBeGreaterThan(925);
    expect(covered).toBeLessThan(975);
  });
});

describe("estimates", () => {
  test("by hand", () => {
    const { value, standardError, n } = estimateMean([1, 2, 3, 6]);
    // Mean 3, sample variance (4 + 1 + 0 + 9) / 3 = 14 / 3, standard error sqrt(14 / 12).
    expect({ value, n }).toEqual({ value: 3, n: 4 });
    expect(standardError).toBeCloseTo(Math.sqrt(14 / 12), 12);
    expect(estimateMean([1]).standardError).toBe(Infinity);
    const sum = combine([
      { weight: 2, of: estimateMean([0, 2]) },
      { weight: -1, of: estimateMean([1, 1]) },
    ]);
    expect(sum.value).toBe(1);
    expect(sum.standardError).toBeCloseTo(2, 12);
  });

  test("the interval of a ratio covers 93 to 97% of the time", () => {
    let covered = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const key = foldIn(seedKey(2), trial);
      const bottom = Array.from({ length: 200 }, (_, i) => 1 + uniform(key, i));
      const top = bottom.map((b, i) => 0.4 * b + 0.3 * normal(key, 1000 + i));
      const { low, high } = estimateRatio(top, bottom);
      if (low <= 0.4 && 0.4 <= high) covered++;
    }
    expect(covered).toBeGreaterThan(930);
    expect(covered).toBeLessThan(970);
  });
});
