/** Point estimates with 95% intervals. The unit of sampling is the episode: decisions and rounds inside one are not independent. */

/** Two-sided 95% quantile of the standard normal distribution. */
export const Z95 = 1.959963984540054;

export interface Estimate {
  readonly value: number;
  readonly standardError: number;
  /** Ends of the 95% interval, value +- 1.96 standard errors unless the estimate says otherwise. */
  readonly low: number;
  readonly high: number;
  /** Independent units (episodes) behind the value. */
  readonly n: number;
}

export const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Unbiased sample variance; 0 for fewer than two values. */
export function variance(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (values.length - 1);
}

export const estimate = (value: number, standardError: number, n: number): Estimate => ({
  value,
  standardError,
  low: value - Z95 * standardError,
  high: value + Z95 * standardError,
  n,
});

/** The mean of independent units. With one unit the standard error is unknown and the interval infinite. */
export const estimateMean = (units: readonly number[]): Estimate =>
  estimate(mean(units), units.length < 2 ? Infinity : Math.sqrt(variance(units) / units.length), units.length);

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

/** Ratio of two means over the same units, by the delta method; 0 where the denominator is 0. */
export function estimateRatio(numerators: readonly number[], denominators: readonly number[]): Estimate {
  const bottom = mean(denominators);
  if (bottom === 0) return estimate(0, 0, numerators.length);
  const value = mean(numerators) / bottom;
  const residuals = numerators.map((top, i) => (top - value * denominators[i]) / bottom);
  return estimate(value, estimateMean(residuals).standardError, numerators.length);
}

/** P(Z <= z) of the standard normal distribution; Abramowitz and Stegun, formula 7.1.26: absolute error below 1.5e-7. */
export function normalDistribution(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const upper = 0.5 * poly * Math.exp((-z * z) / 2);
  return z < 0 ? upper : 1 - upper;
}
