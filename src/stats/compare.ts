/** Comparisons: paired differences, several seeds, several comparisons at once, and how they are put into words. */
import { type Estimate, estimateOf } from "./estimate.ts";
import { ALPHA, type MeanOptions, type Measurement, type Range, measureMean, within } from "./measurement.ts";

/** Mean of a - b over units that were measured under the same conditions. */
export function pairedDifference(a: readonly number[], b: readonly number[], options: MeanOptions = {}): Measurement {
  if (a.length !== b.length) throw new RangeError(`paired values must be equally many, got ${a.length} and ${b.length}`);
  return measureMean(
    a.map((value, i) => value - b[i]),
    options,
  );
}

/**
 * The mean over training runs that differ by their seed alone, with Student's t interval over runs: it covers what another seed would
 * give, which no number of episodes of one run does. Its ends stay inside `range`. One run, and runs that are all equal, have an
 * interval without other ends.
 */
export function overSeeds(values: readonly number[], range: Range = [-Infinity, Infinity]): Estimate {
  if (values.length === 0) throw new RangeError("there is no mean over 0 runs; expected at least 1");
  return estimateOf(within(measureMean(values), range));
}

const excludesZero = ({ ends }: Measurement, alpha: number): boolean => {
  const [low, high] = ends(alpha);
  return low > 0 || high < 0;
};

const HALVINGS = 50;
const SMALLEST = 1e-12;

/**
 * Two-sided p-value against zero: the level at which the interval begins to touch zero, to 12 digits; below 0.05 exactly when the 95%
 * interval leaves zero out. 1 where zero is in every interval.
 */
export function pValue(measurement: Measurement): number {
  const shown = excludesZero(measurement, ALPHA);
  if (!shown && !excludesZero(measurement, 1)) return 1;
  if (excludesZero(measurement, SMALLEST)) return excludesZero(measurement, 0) ? 0 : SMALLEST;
  // Zero is inside at `inside` and outside at `outside`.
  let [inside, outside] = shown ? [SMALLEST, ALPHA] : [ALPHA, 1];
  for (let i = 0; i < HALVINGS && outside / inside > 1 + 1e-12; i++) {
    const middle = Math.sqrt(inside * outside);
    if (excludesZero(measurement, middle)) outside = middle;
    else inside = middle;
  }
  return shown ? inside : outside;
}

/**
 * Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979): adjusted p-values that bound the chance of any false claim
 * in the family.
 */
export const holm = (pValues: readonly number[]): number[] =>
  holmFactors(pValues).map((factor, i) => Math.min(1, factor * pValues[i]));

/** What each p-value is multiplied by, before it is cut off at 1. */
function holmFactors(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).toSorted((a, b) => pValues[a] - pValues[b]);
  const factors: number[] = [];
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    const remaining = pValues.length - rank;
    largest = Math.max(largest, pValues[i] * remaining);
    factors[i] = pValues[i] === 0 ? remaining : largest / pValues[i];
  }
  return factors;
}

export const VERDICTS = ["first", "second", "none"] as const;
/** Which of two agents is shown to be higher. */
export type Verdict = (typeof VERDICTS)[number];

export interface Comparison {
  /** The difference with its own 95% interval, as if it were the only one. */
  readonly difference: Estimate;
  /** p-value of the difference, as if it were the only one. */
  readonly p: number;
  /** p-value adjusted by Holm's method for all comparisons. */
  readonly adjusted: number;
  /** Ends of the interval that goes with `verdict`. */
  readonly low: number;
  readonly high: number;
  /** `none` unless `adjusted` is below 0.05, which is so exactly when the interval leaves zero out. */
  readonly verdict: Verdict;
}

/**
 * Comparisons that are made together. The chance that any verdict is wrong is at most 5%. The intervals are Bonferroni's, which all hold
 * together with 95%; only where Holm's method claims what Bonferroni's interval does not show, the interval is that of the claim's level.
 */
export function comparisons(differences: readonly Measurement[]): Comparison[] {
  const pValues = differences.map(pValue);
  const factors = holmFactors(pValues);
  return differences.map((difference, i): Comparison => {
    const claimed = excludesZero(difference, ALPHA / factors[i]);
    const together = ALPHA / differences.length;
    const level = claimed && !excludesZero(difference, together) ? ALPHA / factors[i] : together;
    const [low, high] = difference.ends(level);
    return {
      difference: estimateOf(difference),
      p: pValues[i],
      adjusted: Math.min(1, factors[i] * pValues[i]),
      low,
      high,
      verdict: claimed ? (low > 0 ? "first" : "second") : "none",
    };
  });
}

/** A verdict in words. */
export function inWords(verdict: Verdict, first: string, second: string): string {
  if (verdict === "none") return "no difference shown";
  return verdict === "first" ? `${first} is higher` : `${second} is higher`;
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
