import { describe, expect, test } from "vitest";
import { foldIn, normal, seedKey, uniform } from "../random.ts";
import { bootstrap, quantile } from "./bootstrap.ts";
import { holm, overSeeds, pValue, pairedDifference, planEpisodes, verdict } from "./compare.ts";
import {
  type Estimate,
  combine,
  estimate,
  estimateMean,
  estimateRatio,
  hinge,
  normalDistribution,
  variance,
} from "./estimate.ts";

const TRIALS = 2000;

/** Share of trials whose interval covers the truth; its own standard error over 2,000 trials is 0.5%. */
function coverage(truth: number, trial: (draw: (i: number) => number) => Estimate): number {
  let covered = 0;
  for (let t = 0; t < TRIALS; t++) {
    const { low, high } = trial((i) => normal(foldIn(seedKey(21), t), i));
    if (low <= truth && truth <= high) covered++;
  }
  return covered / TRIALS;
}

const numbers = (n: number, value: (i: number) => number) => Array.from({ length: n }, (_, i) => value(i));

describe("95% intervals cover 93 to 97% of the time", () => {
  const cases: Record<string, () => number> = {
    mean: () => coverage(2, (draw) => estimateMean(numbers(100, (i) => 2 + draw(i)))),
    "mean of skewed units": () => coverage(1, (draw) => estimateMean(numbers(200, (i) => draw(i) ** 2))),
    "sum of means": () =>
      coverage(1 - 3, (draw) =>
        combine([
          { weight: 1, of: estimateMean(numbers(80, (i) => 1 + draw(i))) },
          { weight: -1.5, of: estimateMean(numbers(80, (i) => 2 + 3 * draw(1000 + i))) },
        ]),
      ),
    "ratio of means": () =>
      coverage(0.4, (draw) => {
        const bottom = numbers(200, (i) => 3 + draw(i));
        return estimateRatio(
          bottom.map((b, i) => 0.4 * b + draw(1000 + i)),
          bottom,
        );
      }),
    "sum with an open hinge": () =>
      coverage(1 - 2 * 0.3, (draw) =>
        combine([
          { weight: 1, of: estimateMean(numbers(100, (i) => 1 + draw(i))) },
          { weight: -2, of: hinge(estimateMean(numbers(100, (i) => 0.3 + draw(1000 + i)))) },
        ]),
      ),
    "paired difference": () =>
      coverage(0.5, (draw) => {
        const luck = numbers(60, (i) => 5 * draw(i));
        return pairedDifference(
          luck.map((x, i) => x + 0.5 + draw(1000 + i)),
          luck.map((x, i) => x + draw(2000 + i)),
        );
      }),
    "mean over 4 seeds": () => coverage(1, (draw) => overSeeds(numbers(4, (i) => 1 + draw(i)))),
  };
  for (const [name, run] of Object.entries(cases))
    test(name, () => {
      const share = run();
      expect(share).toBeGreaterThanOrEqual(0.93);
      expect(share).toBeLessThanOrEqual(0.97);
    });

  test("bootstrap of a deviation", { timeout: 60_000 }, () => {
    let covered = 0;
    for (let t = 0; t < 400; t++) {
      const key = foldIn(seedKey(22), t);
      const units = numbers(200, (i) => 2 * normal(key, i));
      const { low, high } = bootstrap(units, (all) => Math.sqrt(variance(all)), foldIn(key, "b"), { draws: 200 });
      if (low <= 2 && 2 <= high) covered++;
    }
    // 400 trials: standard error 1.1%, so two of them on either side.
    expect(covered / 400).toBeGreaterThan(0.91);
    expect(covered / 400).toBeLessThan(0.98);
  });

  test("a closed hinge is covered at least as often, on its open side only", () => {
    // max(0, mu) at mu = 0: the interval [max(0, low), max(0, high)] misses only when low > 0, 2.5% of the time.
    const share = coverage(0, (draw) => hinge(estimateMean(numbers(100, draw))));
    expect(share).toBeGreaterThan(0.965);
    expect(share).toBeLessThan(0.985);
  });
});

describe("comparisons by hand", () => {
  test("a difference is claimed only when its interval leaves zero out", () => {
    expect(verdict(estimate(1, 0.6, 10), "a", "b")).toBe("no difference shown");
    expect(verdict(estimate(1, 0.4, 10), "a", "b")).toBe("a is higher");
    expect(verdict(estimate(-1, 0.4, 10), "a", "b")).toBe("b is higher");
    expect(verdict(estimate(1, Infinity, 1), "a", "b")).toBe("no difference shown");
  });

  test("Holm's adjustment", () => {
    // Sorted 0.01, 0.02, 0.04 times 3, 2, 1, made monotone: 0.03, 0.04, 0.04 (R: p.adjust(c(0.02, 0.01, 0.04), "holm")).
    expect(holm([0.02, 0.01, 0.04])).toEqual([0.04, 0.03, 0.04]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
  });

  test("the normal distribution", () => {
    // R: pnorm(c(0, 1, -1.5)) = 0.5, 0.8413447, 0.0668072.
    expect(normalDistribution(0)).toBeCloseTo(0.5, 6);
    expect(normalDistribution(1)).toBeCloseTo(0.8413447, 6);
    expect(normalDistribution(-1.5)).toBeCloseTo(0.0668072, 6);
  });

  test("p-values and Student's quantile", () => {
    // R: 2 * pnorm(-1.959964) = 0.05; mean(1, 3) = 2 with t(1) = 12.7062 and standard error 1.
    expect(pValue(estimate(1.959964, 1, 5))).toBeCloseTo(0.05, 6);
    expect(overSeeds([1, 3])).toMatchObject({ value: 2, standardError: 1 });
    expect(overSeeds([1, 3]).high).toBeCloseTo(2 + 12.7062, 6);
    // R: qt(0.975, 40) = 2.021075.
    const forty = numbers(41, (i) => i % 2);
    expect((overSeeds(forty).high - overSeeds(forty).value) / overSeeds(forty).standardError).toBeCloseTo(2.021, 2);
    expect(overSeeds([1]).high).toBe(Infinity);
  });

  test("the planner scales with the square of the precision", () => {
    // A half-width of 0.1 at 100 episodes: 0.05 needs four times as many.
    const pilot = { ...estimate(0, 0, 100), low: -0.1, high: 0.1 };
    expect(planEpisodes(pilot, 100, 0.05)).toBe(400);
    expect(() => planEpisodes(pilot, 100, 0)).toThrow(/above 0, got 0/);
  });

  test("planned episodes give the planned precision", () => {
    const sample = (n: number, seed: number) => estimateMean(numbers(n, (i) => uniform(seedKey(seed), i)));
    const n = planEpisodes(sample(200, 1), 200, 0.01);
    const { low, high } = sample(n, 2);
    expect((high - low) / 2).toBeLessThan(0.011);
    expect((high - low) / 2).toBeGreaterThan(0.009);
  });

  test("quantiles interpolate", () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1], 0.9)).toBe(1);
  });
});
