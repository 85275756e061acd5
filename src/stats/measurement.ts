/**
 * Values whose interval can be had at every level, so that a p-value is the level at which the interval touches zero.
 *
 * Of a mean of independent units the interval is Student's. Where nearly all units are the same value, the spread of a sample says too
 * little about what was not seen, and the known range of a unit is used: the ends are quantiles of the units' mean with one more unit at
 * the end of the range, under uniformly random weights (Gaffke, 2005; Learned-Miller and Thomas, arXiv 1905.06208). For units 0 and 1
 * this is the interval of Clopper and Pearson (Biometrika 26, 1934): about 3.7 / n at none of n.
 */
import { betaQuantile, studentQuantile } from "./distributions.ts";
import { mean, variance } from "./moments.ts";

export type Ends = readonly [low: number, high: number];

/** Least and greatest value that a quantity can have. */
export type Range = readonly [least: number, greatest: number];

export interface Measurement {
  readonly value: number;
  readonly standardError: number;
  /** Independent units behind the value. */
  readonly n: number;
  /** Ends that leave the truth out with probability `alpha`; those of a smaller alpha contain those of a larger. */
  readonly ends: (alpha: number) => Ends;
}

/** A part of a sum that is one of several quantities, depending on the side of a kink on which the truth lies. */
export interface Part {
  /** The quantity on the estimated side. */
  readonly estimated: Measurement;
  /** Those that may be the right one. */
  readonly options: (alpha: number) => readonly Measurement[];
}

/** The level of every interval that is shown: 95%. */
export const ALPHA = 0.05;

/** A value that is known. */
export const known = (value: number, n = 0): Measurement => ({ value, standardError: 0, n, ends: () => [value, value] });

export interface MeanOptions {
  /** What a unit can be. Without it, equal units have an interval without ends. */
  readonly range?: Range | undefined;
  /** The units cannot vary, as where neither player nor the game draws anything; their mean is known. */
  readonly certain?: boolean;
}

/** Units beside the most frequent value below which their spread says too little. */
const FEW = 20;

/** The mean of independent units. */
export function measureMean(units: readonly number[], { range, certain = false }: MeanOptions = {}): Measurement {
  const n = units.length;
  const others = n - mostFrequent(units);
  return meanOf(units, {
    ...(range === undefined ? {} : { range }),
    certain,
    few: others < FEW && 2 * others < n,
    constant: others === 0,
  });
}

interface Spread extends MeanOptions {
  /** Whether so few units vary that their spread says too little. */
  readonly few: boolean;
  /** Whether none does. */
  readonly constant: boolean;
}

function meanOf(units: readonly number[], { range, certain = false, few, constant }: Spread): Measurement {
  const n = units.length;
  const value = mean(units);
  if (certain) return known(value, n);
  const standardError = n < 2 ? Infinity : constant ? 0 : Math.sqrt(variance(units) / n);
  if (few && range !== undefined) {
    const ends = (alpha: number): Ends => [
      Math.min(value, weightedQuantile(units, range[0], alpha / 2)),
      Math.max(value, weightedQuantile(units, range[1], 1 - alpha / 2)),
    ];
    return { value, standardError, n, ends };
  }
  if (n < 2 || constant) return { value, standardError, n, ends: () => [-Infinity, Infinity] };
  const ends = (alpha: number): Ends => {
    const margin = studentQuantile(alpha, n - 1) * standardError;
    return [value - margin, value + margin];
  };
  return { value, standardError, n, ends };
}

/** How many units are the most frequent value, up to rounding. */
function mostFrequent(units: readonly number[]): number {
  const sorted = units.toSorted((a, b) => a - b);
  const rounding = 1e-12 * Math.max(Math.abs(sorted[0] ?? 0), Math.abs(sorted[sorted.length - 1] ?? 0));
  let [most, first] = [0, 0];
  sorted.forEach((unit, i) => {
    if (i > 0 && unit - sorted[i - 1] > rounding) first = i;
    most = Math.max(most, i - first + 1);
  });
  return most;
}

/**
 * Quantile of the mean of the units and one more at `end` under weights that are uniform on the simplex, by the beta distribution with its
 * mean and variance: exact for two values.
 */
function weightedQuantile(units: readonly number[], end: number, probability: number): number {
  const all = [...units, end];
  const least = all.reduce((a, b) => Math.min(a, b));
  const span = all.reduce((a, b) => Math.max(a, b)) - least;
  if (span === 0) return end;
  const places = all.map((unit) => (unit - least) / span);
  const centre = mean(places);
  const spread = places.reduce((sum, place) => sum + (place - centre) ** 2, 0) / (all.length * (all.length + 1));
  const total = (centre * (1 - centre)) / spread - 1;
  return least + span * betaQuantile(probability, centre * total, (1 - centre) * total);
}

const SHARE: Range = [0, 1];

/**
 * A ratio of two means over the same units, by the delta method; known to be 0 where the denominator is 0 in every unit. Its range is [0, 1]
 * unless given, where every numerator is a part of its denominator.
 */
export function measureRatio(
  numerators: readonly number[],
  denominators: readonly number[],
  {
    range = numerators.every((top, i) => top >= 0 && top <= denominators[i]) ? SHARE : undefined,
    certain = false,
  }: MeanOptions = {},
): Measurement {
  const n = numerators.length;
  const bottom = mean(denominators);
  if (bottom === 0) return known(0, n);
  const value = mean(numerators) / bottom;
  const units = numerators.map((top, i) => value + (top - value * denominators[i]) / bottom);
  if (range === undefined) return measureMean(units, { certain });
  // Of a share, units at an end of its range are what a sample without others cannot tell from rare ones.
  const beside = (end: number) => numerators.filter((top, i) => Math.abs(top - end * denominators[i]) > 1e-12 * bottom).length;
  const others = Math.min(beside(range[0]), beside(range[1]), n - mostFrequent(units));
  const largest = denominators.reduce((a, b) => Math.max(a, b)) / bottom;
  const reach: Range = [value + (range[0] - value) * largest, value + (range[1] - value) * largest];
  const few = others < FEW && 2 * others < n;
  return within(meanOf(units, { range: reach, certain, few, constant: others === 0 }), range);
}

/** A measurement times a factor. */
export const times = ({ value, standardError, n, ends }: Measurement, factor: number): Measurement => ({
  value: factor * value,
  standardError: Math.abs(factor) * standardError,
  n,
  ends: (alpha) => {
    const [low, high] = ends(alpha);
    return factor < 0 ? [factor * high, factor * low] : factor === 0 ? [0, 0] : [factor * low, factor * high];
  },
});

/** A number minus a measurement. */
export function subtractedFrom(from: number, measurement: Measurement): Measurement {
  const { value, standardError, n, ends } = times(measurement, -1);
  return {
    value: from + value,
    standardError,
    n,
    ends: (alpha) => {
      const [low, high] = ends(alpha);
      return [from + low, from + high];
    },
  };
}

/** The same with ends that stay inside the range of the quantity; its value stays between them. */
export const within = (measurement: Measurement, [least, greatest]: Range): Measurement => ({
  ...measurement,
  ends: (alpha) => {
    const [low, high] = measurement.ends(alpha);
    const { value } = measurement;
    return [Math.min(value, Math.max(low, least)), Math.max(value, Math.min(high, greatest))];
  },
});

/** A measurement as a part of a sum. */
export const partOf = (measurement: Measurement): Part => ({ estimated: measurement, options: () => [measurement] });

/** Whether the truth is above 0, at most 0, or may be either. */
export function sideOf({ ends }: Measurement, alpha: number): "above" | "below" | "either" {
  const [low, high] = ends(alpha);
  if (low > 0) return "above";
  return high <= 0 ? "below" : "either";
}

/**
 * `above` where `gap` is above 0 and `below` otherwise. While the gap's interval covers zero both are options: the truth is one of them, and
 * its interval misses it no more often than any.
 */
export const kinked = (gap: Measurement, above: Measurement, below: Measurement): Part => ({
  estimated: gap.value > 0 ? above : below,
  options: (alpha) => {
    // Intervals above the level that is shown decide a side no sooner than it.
    const side = sideOf(gap, Math.min(alpha, ALPHA));
    return side === "either" ? [above, below] : [side === "above" ? above : below];
  },
});

/** max(0, x) as a part of a sum. */
export const hinged = (measurement: Measurement): Part => kinked(measurement, measurement, known(0, measurement.n));

/** Combinations of options whose intervals are looked at one by one; where there are more, bounds of them are taken. */
const COMBINATIONS = 1024;

interface Combination {
  readonly value: number;
  /** Squares of the distances to the ends. */
  readonly below: number;
  readonly above: number;
}

/**
 * The sum of independent parts. For one choice of options the distances to the ends add in squares, each side for itself (the MOVER interval,
 * Zou and Donner, Statistics in Medicine 27, 2008), which with Student's distances covers at least as often as each does (Banerjee, Sankhya
 * 22, 1960). Over the choices that are possible the ends are the outermost ones.
 */
export function measureSum(parts: readonly Part[], range?: Range): Measurement {
  const estimated = parts.map((part) => part.estimated);
  const value = estimated.reduce((sum, part) => sum + part.value, 0);
  const sum: Measurement = {
    value,
    standardError: Math.sqrt(estimated.reduce((sum, part) => sum + part.standardError ** 2, 0)),
    n: estimated.reduce((sum, part) => sum + part.n, 0),
    ends: (alpha) => {
      const all = combinations(parts, alpha);
      return [
        all.reduce((least, one) => Math.min(least, one.value - Math.sqrt(one.below)), value),
        all.reduce((most, one) => Math.max(most, one.value + Math.sqrt(one.above)), value),
      ];
    },
  };
  return range === undefined ? sum : within(sum, range);
}

function combinations(parts: readonly Part[], alpha: number): readonly Combination[] {
  let all: readonly Combination[] = [{ value: 0, below: 0, above: 0 }];
  for (const { options } of parts) {
    const own = options(alpha).map(({ value, ends }): Combination => {
      const [low, high] = ends(alpha);
      return { value, below: (value - low) ** 2, above: (high - value) ** 2 };
    });
    all = (all.length * own.length > COMBINATIONS ? outermost(all) : all).flatMap((one) =>
      own.map((other) => ({ value: one.value + other.value, below: one.below + other.below, above: one.above + other.above })),
    );
  }
  return all;
}

/** Two combinations whose ends are no further inside than those of all. */
function outermost(all: readonly Combination[]): Combination[] {
  const below = all.reduce((most, one) => Math.max(most, one.below), 0);
  const above = all.reduce((most, one) => Math.max(most, one.above), 0);
  const values = all.map(({ value }) => value);
  return [Math.min(...values), Math.max(...values)].map((value) => ({ value, below, above }));
}
