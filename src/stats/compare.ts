/** Comparisons: paired differences, several seeds, several comparisons at once, and how they are put into words. */
import { type Estimate, Z95, estimate, estimateMean, mean, normalDistribution, variance } from "./estimate.ts";

/** Mean of a - b over units that were measured under the same conditions. */
export function pairedDifference(a: readonly number[], b: readonly number[]): Estimate {
  if (a.length !== b.length) throw new RangeError(`paired values must be equally many, got ${a.length} and ${b.length}`);
  return estimateMean(a.map((value, i) => value - b[i]));
}

/**
 * The mean over training runs that differ by their seed alone, with Student's t interval over runs: it covers what another seed would
 * give, which no number of episodes of one run does. One run has an infinite interval.
 */
export function overSeeds(values: readonly number[]): Estimate {
  const n = values.length;
  if (n < 2) return estimate(mean(values), Infinity, n);
  const standardError = Math.sqrt(variance(values) / n);
  const margin = studentQuantile(n - 1) * standardError;
  return { value: mean(values), standardError, low: mean(values) - margin, high: mean(values) + margin, n };
}

/** Two-sided 95% quantiles of Student's t distribution for 1 to 30 degrees of freedom (R: `qt(0.975, 1:30)`). */
const STUDENT_95 = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199,
  2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
] as const;

/** Above 30 degrees of freedom the first correction to the normal quantile is exact to 0.001 (Hill, CACM 13, 1970). */
const studentQuantile = (freedom: number): number => STUDENT_95[freedom - 1] ?? Z95 + (Z95 ** 3 + Z95) / (4 * freedom);

/** Two-sided p-value of an estimate against zero, by the normal approximation; 1 for an unknown error. */
export function pValue({ value, standardError }: Estimate): number {
  if (standardError === 0) return value === 0 ? 1 : 0;
  return 2 * (1 - normalDistribution(Math.abs(value) / standardError));
}

/**
 * Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979): adjusted p-values that bound the chance of any false claim
 * in the family.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).toSorted((a, b) => pValues[a] - pValues[b]);
  const adjusted: number[] = [];
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[i] * (pValues.length - rank)));
    adjusted[i] = largest;
  }
  return adjusted;
}

/** What an interval of a difference allows to be said; "no difference shown" whenever it covers zero. */
export function verdict(difference: Estimate, first: string, second: string): string {
  if (!(difference.low > 0 || difference.high < 0)) return "no difference shown";
  return difference.low > 0 ? `${first} is higher` : `${second} is higher`;
}

/**
 * Episodes per opponent so that the 95% interval of a value is at most `precision` to each side, from a pilot's interval with
 * `episodes` per opponent: the half-width shrinks with the square root.
 */
export function planEpisodes(pilot: Estimate, episodes: number, precision: number): number {
  const half = Math.max(pilot.high - pilot.value, pilot.value - pilot.low);
  if (!(precision > 0)) throw new RangeError(`precision must be above 0, got ${precision}`);
  return Math.max(2, Math.ceil(episodes * (half / precision) ** 2));
}
