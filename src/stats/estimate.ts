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

/** A weighted sum of independent estimates: variances add with squared weights. */
export function combine(parts: readonly { readonly weight: number; readonly of: Estimate }[]): Estimate {
  const value = parts.reduce((sum, { weight, of }) => sum + weight * of.value, 0);
  const spread = parts.reduce((sum, { weight, of }) => sum + (weight * of.standardError) ** 2, 0);
  return estimate(
    value,
    Math.sqrt(spread),
    parts.reduce((sum, { of }) => sum + of.n, 0),
  );
}

/** Ratio of two means over the same units, by the delta method; 0 where the denominator is 0. */
export function estimateRatio(numerators: readonly number[], denominators: readonly number[]): Estimate {
  const bottom = mean(denominators);
  if (bottom === 0) return estimate(0, 0, numerators.length);
  const value = mean(numerators) / bottom;
  const residuals = numerators.map((top, i) => (top - value * denominators[i]) / bottom);
  return estimate(value, estimateMean(residuals).standardError, numerators.length);
}
