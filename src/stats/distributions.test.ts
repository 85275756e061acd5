import fc from "fast-check";
import { expect, test } from "vitest";
import { betaDistribution, betaQuantile, logGamma, normalDistribution, studentQuantile } from "./distributions.ts";

test("the normal distribution", () => {
  // R: pnorm(c(0, 1, -1.5)) = 0.5, 0.8413447, 0.0668072.
  expect(normalDistribution(0)).toBeCloseTo(0.5, 6);
  expect(normalDistribution(1)).toBeCloseTo(0.8413447, 6);
  expect(normalDistribution(-1.5)).toBeCloseTo(0.0668072, 6);
});

test("log Gamma of whole and half numbers", () => {
  // Gamma(n) = (n - 1)!, Gamma(1/2) = sqrt(pi).
  expect(logGamma(1)).toBeCloseTo(0, 12);
  expect(logGamma(6)).toBeCloseTo(Math.log(120), 12);
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12);
  expect(logGamma(0.25) + logGamma(0.75)).toBeCloseTo(Math.log(Math.PI * Math.SQRT2), 12);
});

test("beta distributions in closed form", () => {
  for (const x of [0.01, 0.3, 0.9]) {
    // P(max of n uniforms <= x) = x^n; P(min <= x) = 1 - (1 - x)^n; Beta(2, 2): 3 x^2 - 2 x^3.
    expect(betaDistribution(x, 5, 1)).toBeCloseTo(x ** 5, 12);
    expect(betaDistribution(x, 1, 200)).toBeCloseTo(1 - (1 - x) ** 200, 12);
    expect(betaDistribution(x, 2, 2)).toBeCloseTo(3 * x ** 2 - 2 * x ** 3, 12);
  }
  // Clopper and Pearson (1934) for 0 of 20: upper end 1 - 0.025^(1/20) = 0.16843.
  expect(betaQuantile(0.975, 1, 20)).toBeCloseTo(1 - 0.025 ** (1 / 20), 10);
});

test("quantiles undo distributions", () => {
  const shape = fc.double({ min: 1, max: 2000, noNaN: true });
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), shape, shape, (p, a, b) => {
      expect(betaDistribution(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 8);
    }),
  );
});

test("Student's quantiles", () => {
  // R: qt(0.975, c(1, 2, 4, 9, 30, 199)) = 12.70620, 4.302653, 2.776445, 2.262157, 2.042272, 1.971957; qt(0.9995, 4) = 8.610302.
  const expected: readonly (readonly [number, number])[] = [
    [1, 12.7062],
    [2, 4.302653],
    [4, 2.776445],
    [9, 2.262157],
    [30, 2.042272],
    [199, 1.971957],
  ];
  for (const [freedom, t] of expected) expect(studentQuantile(0.05, freedom)).toBeCloseTo(t, 4);
  expect(studentQuantile(0.001, 4)).toBeCloseTo(8.610302, 4);
  expect(studentQuantile(1, 7)).toBe(0);
  // R: qnorm(0.975) = 1.959964; the correction is (z^3 + z) / (4 nu) = 2.4e-6.
  expect(studentQuantile(0.05, 1e6)).toBeCloseTo(1.959966, 5);
});
