/** Intervals where no formula fits, by resampling the independent units. */
import { type Key, foldIn, uniformInteger } from "../random.ts";
import { type Estimate, estimate, variance } from "./estimate.ts";

export interface BootstrapOptions {
  readonly draws?: number;
}

/**
 * The percentile bootstrap (Efron, 1979) of a statistic of independent units: the 2.5% and 97.5% quantiles of the statistic over
 * resamples of the units with replacement. Keyed, so the same key gives the same interval.
 */
export function bootstrap<T>(
  units: readonly T[],
  statistic: (units: readonly T[]) => number,
  key: Key,
  { draws = 1000 }: BootstrapOptions = {},
): Estimate {
  if (units.length < 2) throw new RangeError(`a bootstrap needs at least 2 units, got ${units.length}`);
  const values = Array.from({ length: draws }, (_, b) => {
    const own = foldIn(key, b);
    return statistic(units.map((_unit, i) => units[uniformInteger(own, units.length, i)]));
  }).toSorted((a, b) => a - b);
  return {
    ...estimate(statistic(units), Math.sqrt(variance(values)), units.length),
    low: quantile(values, 0.025),
    high: quantile(values, 0.975),
  };
}

/** The quantile of ascending values, interpolated between neighbours. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
