/**
 * Point estimates with 95% intervals, as they are written to disk. The unit of sampling is the episode: decisions and rounds inside one are
 * not independent.
 */
import { ALPHA, type MeanOptions, type Measurement, measureMean, measureRatio } from "./measurement.ts";

export { mean, variance } from "./moments.ts";

/** Two-sided 95% quantile of the standard normal distribution. */
export const Z95 = 1.959963984540054;

export interface Estimate {
  readonly value: number;
  readonly standardError: number;
  /** Ends of the 95% interval; infinite where nothing bounds the value. */
  readonly low: number;
  readonly high: number;
  /** Independent units (episodes) behind the value. */
  readonly n: number;
}

/** An estimate whose error is normal, or 0. */
export const estimate = (value: number, standardError: number, n: number): Estimate => ({
  value,
  standardError,
  low: value - Z95 * standardError,
  high: value + Z95 * standardError,
  n,
});

/** A measurement as a record that can be written to disk: its 95% interval. */
export function estimateOf({ value, standardError, n, ends }: Measurement): Estimate {
  const [low, high] = ends(ALPHA);
  return { value, standardError, low, high, n };
}

/** The mean of independent units, with Student's interval; see `measureMean` for few units and units that are all equal. */
export const estimateMean = (units: readonly number[], options: MeanOptions = {}): Estimate =>
  estimateOf(measureMean(units, options));

/** Ratio of two means over the same units; 0 where the denominator is 0. */
export const estimateRatio = (
  numerators: readonly number[],
  denominators: readonly number[],
  options: MeanOptions = {},
): Estimate => estimateOf(measureRatio(numerators, denominators, options));

/**
 * A weighted sum of independent estimates. Deviations of the interval's ends add in squares, each side for itself: for symmetric
 * intervals this is the sum of variances, for others the MOVER interval (Zou and Donner, Statistics in Medicine 27, 2008).
 */
export function combine(parts: readonly { readonly weight: number; readonly of: Estimate }[]): Estimate {
  const sum = (term: (weight: number, of: Estimate) => number): number =>
    parts.reduce((total, { weight, of }) => total + term(weight, of), 0);
  const value = sum((weight, of) => weight * of.value);
  const below = sum((weight, of) => (weight * (of.value - (weight > 0 ? of.low : of.high))) ** 2);
  const above = sum((weight, of) => (weight * (of.value - (weight > 0 ? of.high : of.low))) ** 2);
  return {
    value,
    standardError: Math.sqrt(sum((weight, of) => (weight * of.standardError) ** 2)),
    low: value - Math.sqrt(below),
    high: value + Math.sqrt(above),
    n: sum((_, of) => of.n),
  };
}

/** `from` + sign * x of an estimate; a minus turns its interval round. */
export const shift = ({ value, standardError, low, high, n }: Estimate, from: number, sign: 1 | -1 = 1): Estimate => ({
  value: from + sign * value,
  standardError,
  low: from + sign * (sign > 0 ? low : high),
  high: from + sign * (sign > 0 ? high : low),
  n,
});

/** max(0, x) of an estimate; the interval's ends are hinged with it. */
export const hinge = ({ value, standardError, low, high, n }: Estimate): Estimate => ({
  value: Math.max(0, value),
  standardError: value > 0 ? standardError : 0,
  low: Math.max(0, low),
  high: Math.max(0, high),
  n,
});
