import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldIn, normal, seedKey, uniform } from "../random.ts";
import { bootstrap, quantile } from "./bootstrap.ts";
import { comparisons, holm, inWords, overSeeds, pValue, pairedDifference, planEpisodes } from "./compare.ts";
import { type Estimate, combine, estimate, estimateMean, estimateOf, estimateRatio, hinge, variance } from "./estimate.ts";
import {
  type Measurement,
  hinged,
  kinked,
  known,
  measureMean,
  measureRatio,
  measureSum,
  partOf,
  subtractedFrom,
  times,
  within,
} from "./measurement.ts";

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
        return estimateOf(
          pairedDifference(
            luck.map((x, i) => x + 0.5 + draw(1000 + i)),
            luck.map((x, i) => x + draw(2000 + i)),
          ),
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
  test("Holm's adjustment", () => {
    // Sorted 0.01, 0.02, 0.04 times 3, 2, 1, made monotone: 0.03, 0.04, 0.04 (R: p.adjust(c(0.02, 0.01, 0.04), "holm")).
    expect(holm([0.02, 0.01, 0.04])).toEqual([0.04, 0.03, 0.04]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
  });

  test("Student's interval over seeds", () => {
    // mean(1, 3) = 2 with t(1) = 12.7062 and standard error 1.
    expect(overSeeds([1, 3])).toMatchObject({ value: 2, standardError: 1 });
    expect(overSeeds([1, 3]).high).toBeCloseTo(2 + 12.7062, 4);
    expect(overSeeds([0.1, 0.3], [0, 1])).toMatchObject({ low: 0, high: 1 });
    // R: qt(0.975, 40) = 2.021075.
    const forty = numbers(41, (i) => i % 2);
    expect((overSeeds(forty).high - overSeeds(forty).value) / overSeeds(forty).standardError).toBeCloseTo(2.021, 2);
    expect(overSeeds([1])).toMatchObject({ value: 1, low: -Infinity, high: Infinity });
    // Equal runs do not say how far another would be.
    expect(overSeeds([1, 1])).toMatchObject({ value: 1, low: -Infinity, high: Infinity });
    expect(() => overSeeds([])).toThrow(/0 runs; expected at least 1/);
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

describe("means of units that hardly vary", () => {
  const range = [0, 1] as const;

  test("none of n is Clopper and Pearson's interval", () => {
    // R: binom.test(0, n)$conf.int is [0, 1 - 0.025^(1/n)]; the mirror image at n of n.
    for (const n of [1, 2, 20, 1000]) {
      const zeros = estimateMean(
        numbers(n, () => 0),
        { range },
      );
      expect(zeros).toMatchObject({ value: 0, low: 0 });
      expect(zeros.high).toBeCloseTo(1 - 0.025 ** (1 / n), 9);
      expect(
        estimateMean(
          numbers(n, () => 1),
          { range },
        ).low,
      ).toBeCloseTo(0.025 ** (1 / n), 9);
    }
  });

  test("one of 20 is Clopper and Pearson's interval", () => {
    // R: binom.test(1, 20)$conf.int = [0.001265, 0.248733].
    const { low, high } = estimateMean(
      numbers(20, (i) => (i === 0 ? 1 : 0)),
      { range },
    );
    expect(low).toBeCloseTo(0.001265, 5);
    expect(high).toBeCloseTo(0.248733, 5);
  });

  test("without a range equal units have no ends, and known ones no width", () => {
    expect(estimateMean([1, 1, 1])).toMatchObject({ value: 1, low: -Infinity, high: Infinity });
    expect(estimateMean([1])).toMatchObject({ low: -Infinity, high: Infinity });
    expect(estimateMean([1, 1, 1], { range: [0, 5], certain: true })).toMatchObject({ value: 1, low: 1, high: 1 });
  });

  test("equal up to rounding is equal", () => {
    const units = [0.3, 0.1 + 0.2, 0.3];
    const { low, high } = estimateMean(units, { range: [0, 1] });
    expect(high - low).toBeGreaterThan(0.5);
  });

  test("units that vary have Student's interval", () => {
    // Mean 3, standard error sqrt(14 / 12), qt(0.975, 3) = 3.182446.
    const { low, high } = estimateMean([1, 2, 3, 6], { range: [0, 10] });
    expect(high - low).toBeCloseTo(2 * 3.182446 * Math.sqrt(14 / 12), 5);
  });

  test("a share of replies stays inside [0, 1], and none of 20 episodes is as one reply each", () => {
    const replies = numbers(20, () => 8);
    expect(
      estimateRatio(
        numbers(20, () => 0),
        replies,
        { range },
      ).high,
    ).toBeCloseTo(1 - 0.025 ** (1 / 20), 9);
    expect(
      estimateRatio(
        numbers(20, () => 0),
        replies,
      ).high,
    ).toBeCloseTo(1 - 0.025 ** (1 / 20), 9);
    expect(estimateRatio(replies, replies, { range })).toMatchObject({ value: 1, high: 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { minLength: 1, maxLength: 40 }), (pairs) => {
        const [counts, totals] = [pairs.map(([a]) => a), pairs.map(([a, b]) => a + b)];
        const { value, low, high } = estimateRatio(counts, totals, { range });
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
      }),
    );
  });
});

describe("measurements at every level", () => {
  const unit = fc.oneof(fc.integer({ min: -2, max: 3 }), fc.double({ min: -2, max: 3, noNaN: true }));
  const measured = fc.array(unit, { minLength: 2, maxLength: 30 }).map((units) => measureMean(units, { range: [-2, 3] }));
  /** Sums with a kinked part, as J is. */
  const sums = fc
    .tuple(measured, measured, measured, fc.double({ min: -2, max: 2, noNaN: true }))
    .map(([a, gap, b, weight]) =>
      measureSum([partOf(times(a, weight)), kinked(gap, subtractedFrom(0.5, gap), b), hinged(times(gap, 0.5))]),
    );

  test("intervals of a smaller alpha contain those of a larger", () => {
    // Quantiles are found to 1e-12 of their logit, so ends of nearly equal levels may be exchanged by as little.
    const precision = (end: number) => 1e-9 * Math.max(1, Math.abs(end));
    fc.assert(
      fc.property(
        sums,
        fc.double({ min: 1e-6, max: 1, noNaN: true }),
        fc.double({ min: 1e-6, max: 1, noNaN: true }),
        (sum, x, y) => {
          const [wide, narrow] = [sum.ends(Math.min(x, y)), sum.ends(Math.max(x, y))];
          expect(wide[0]).toBeLessThanOrEqual(narrow[0] + precision(narrow[0]));
          expect(wide[1]).toBeGreaterThanOrEqual(narrow[1] - precision(narrow[1]));
        },
      ),
    );
  });

  test("p is below 0.05 exactly when the 95% interval leaves zero out", () => {
    let claims = 0;
    fc.assert(
      fc.property(sums, fc.double({ min: -9, max: 9, noNaN: true }), (sum, from) => {
        const moved = subtractedFrom(from, sum);
        const { low, high } = estimateOf(moved);
        const outside = low > 0 || high < 0;
        if (outside) claims++;
        expect(pValue(moved) < 0.05).toBe(outside);
      }),
      // A fixed seed, so that both outcomes are met in every run.
      { seed: 1, numRuns: 300 },
    );
    expect(claims).toBeGreaterThan(20);
    expect(claims).toBeLessThan(280);
  });

  test("a p-value is where the interval touches zero", () => {
    // R: t.test(c(1, 2, 3, 6))$p.value = 0.06929 (t = 2.7775 at 3 degrees of freedom); every unit is inside the range either way.
    expect(pValue(measureMean([1, 2, 3, 6]))).toBeCloseTo(0.0692, 3);
    expect(pValue(known(0))).toBe(1);
    expect(pValue(known(0.1))).toBe(0);
    expect(pValue(measureMean([1]))).toBe(1);
  });

  test("a sum takes the outermost ends of what may be right", () => {
    // The gap's interval covers 0, so the sum may be 1 + 0 or 1 + gap.
    const gap: Measurement = { value: 0.1, standardError: 0.2, n: 9, ends: () => [-0.3, 0.5] };
    const sum = estimateOf(measureSum([partOf(known(1)), hinged(gap)]));
    expect(sum.value).toBeCloseTo(1.1, 12);
    expect(sum.low).toBeCloseTo(0.7, 12);
    expect(sum.high).toBeCloseTo(1.5, 12);
    expect(estimateOf(measureSum([hinged(gap)], [0, 9]))).toMatchObject({ low: 0, high: 0.5 });
    const closed: Measurement = { ...gap, value: -0.4, ends: () => [-0.6, -0.2] };
    expect(estimateOf(measureSum([partOf(known(1)), hinged(closed)]))).toMatchObject({ value: 1, low: 1, high: 1 });
  });

  test("with very many kinks the ends are no further inside than those of any choice", () => {
    const gap: Measurement = { value: 0.1, standardError: 0.2, n: 9, ends: () => [-0.3, 0.5] };
    const count = 14;
    const { low, high } = estimateOf(measureSum(numbers(count, () => 0).map(() => hinged(gap))));
    // All open: 14 * 0.1 +- 0.4 sqrt(14).
    expect(low).toBeLessThanOrEqual(1.4 - 0.4 * Math.sqrt(count) + 1e-9);
    expect(high).toBeGreaterThanOrEqual(1.4 + 0.4 * Math.sqrt(count) - 1e-9);
  });

  test("ends inside a range keep the value between them", () => {
    const wide: Measurement = { value: 0.3, standardError: 1, n: 4, ends: () => [-1, 2] };
    expect(estimateOf(within(wide, [0, 1]))).toMatchObject({ value: 0.3, low: 0, high: 1 });
    expect(estimateOf(within({ ...wide, value: -0.1 }, [0, 1]))).toMatchObject({ low: -0.1, high: 1 });
  });

  test("a ratio is certain where its units are", () => {
    expect(estimateOf(measureRatio([2, 2], [4, 4], { certain: true }))).toMatchObject({ value: 0.5, low: 0.5, high: 0.5 });
    expect(estimateOf(measureRatio([0, 0], [0, 0]))).toMatchObject({ value: 0, low: 0, high: 0 });
  });
});

describe("comparisons made together", () => {
  const differences = fc.array(
    fc
      .array(fc.double({ min: -1, max: 2, noNaN: true }), { minLength: 3, maxLength: 30 })
      .map((units) => measureMean(units, { range: [-9, 9] })),
    { minLength: 1, maxLength: 6 },
  );

  test("interval, adjusted p-value and verdict say the same, and p-values are Holm's", () => {
    fc.assert(
      fc.property(differences, (all) => {
        const rows = comparisons(all);
        expect(rows.map(({ adjusted }) => adjusted)).toEqual(holm(all.map(pValue)));
        for (const { difference, p, adjusted, low, high, verdict } of rows) {
          expect(adjusted < 0.05).toBe(verdict !== "none");
          expect(low > 0).toBe(verdict === "first");
          expect(high < 0).toBe(verdict === "second");
          expect(low).toBeLessThanOrEqual(difference.low + 1e-9);
          expect(high).toBeGreaterThanOrEqual(difference.high - 1e-9);
          expect(p).toBeLessThanOrEqual(adjusted);
        }
      }),
    );
  });

  test("one comparison has its own interval", () => {
    const [{ difference, low, high, p, adjusted }] = comparisons([measureMean([1, 2, 3, 6])]);
    expect({ low, high }).toEqual({ low: difference.low, high: difference.high });
    expect(adjusted).toBe(p);
  });

  test("in words", () => {
    expect(inWords("none", "a", "b")).toBe("no difference shown");
    expect(inWords("first", "a", "b")).toBe("a is higher");
    expect(inWords("second", "a", "b")).toBe("b is higher");
  });
});
