/** The difference in J between two agents that played the same scenarios. */
import { type Estimate, estimateOf } from "../stats/estimate.ts";
import { ALPHA, type Measurement, type Part, measureMean, measureSum, partOf, sideOf } from "../stats/measurement.ts";
import {
  type EpisodeMeans,
  type Matchup,
  type ObjectiveSettings,
  matchupsOf,
  measureLinear,
  objectiveRange,
  poolSizes,
  rangeOf,
  sidesOf,
  valueOf,
} from "./objective.ts";

type Indexed = EpisodeMeans & { readonly index: number };
/** A difference with its 95% interval, and with that of every other level. */
export type Difference = Estimate & Measurement;
/** Whether the hinges of the first and of the second agent are open. */
type Hinges = readonly [boolean, boolean];

const CLOSED: Hinges = [false, false];
const OPEN: Hinges = [true, true];

/**
 * J of `a` minus J of `b`. Episodes with the same opponent and index were played in the same scenario; the interval uses their
 * differences, which removes the luck that both shared. It is the outermost over the hinges that may be open or closed.
 */
export function differenceOfObjectives(a: readonly Indexed[], b: readonly Indexed[], settings: ObjectiveSettings): Difference {
  const [first, second] = [a, b].map((own) => matchupsOf(own.toSorted((x, y) => x.index - y.index)));
  const sizes = poolSizes(first);
  const [least, greatest] = objectiveRange(first, settings);
  const difference = measureSum(
    first.map((own) => {
      const other = second.find(({ pool, opponent }) => pool === own.pool && opponent === own.opponent);
      if (other === undefined || other.episodes.length !== own.episodes.length)
        throw new RangeError(
          `the agents have ${own.episodes.length} and ${other?.episodes.length ?? 0} episodes against ` +
            `${own.pool}/${own.opponent}; expected equally many`,
        );
      return differencePart(own, other, settings, sidesOf(own.pool, settings, sizes));
    }),
    [least - greatest, greatest - least],
  );
  return { ...difference, ...estimateOf(difference) };
}

/**
 * What an opponent adds to the difference. The part under the hinges is max(0, g) - max(0, h) of the agents' gaps g and h, which is
 * theta (g - h) for a theta in [0, 1]. For every theta this is a mean of paired differences, and the ends of its interval are outermost at
 * theta = 0 or 1: both hinges closed, or both open. So where neither side is known these two are enough, and the luck that both agents
 * shared does not widen the interval.
 */
function differencePart(
  first: Matchup<Indexed>,
  second: Matchup<Indexed>,
  { bounds }: ObjectiveSettings,
  { closed, open }: ReturnType<typeof sidesOf>,
): Part {
  const certain = [first, second].every(({ episodes }) => episodes.every((episode) => episode.certain === true));
  const measure = ([a, b]: Hinges): Measurement => {
    const [own, other] = [a ? open : closed, b ? open : closed];
    const range = (coefficients: typeof own) => (bounds === undefined ? undefined : rangeOf(coefficients, bounds));
    const [of, minus] = [range(own), range(other)];
    return measureMean(
      first.episodes.map((episode, i) => valueOf(own, episode) - valueOf(other, second.episodes[i])),
      { certain, range: of && minus && [of[0] - minus[1], of[1] - minus[0]] },
    );
  };
  if (first.pool !== "exploiter") return partOf(measure(CLOSED));
  const gaps = [first, second].map((own) => measureLinear(own, [-1, 1, 0, 0], bounds));
  const measured = [false, true].map((one) => [false, true].map((two) => measure([one, two])));
  const at = ([one, two]: Hinges): Measurement => measured[Number(one)][Number(two)];
  return {
    estimated: at([gaps[0].value > 0, gaps[1].value > 0]),
    options: (alpha) => hingesOf(gaps, alpha).map(at),
  };
}

/** The hinges that may be the right ones; those of a smaller alpha contain those of a larger. */
function hingesOf(gaps: readonly Measurement[], alpha: number): readonly Hinges[] {
  const sidesAt = (level: number) => gaps.map((gap) => sideOf(gap, level));
  // As for one agent, intervals above the level that is shown decide a side no sooner than it.
  const [a, b] = sidesAt(Math.min(alpha, ALPHA));
  if (a === "either" && b === "either")
    return sidesAt(ALPHA).every((side) => side === "either") ? [CLOSED, OPEN] : [CLOSED, OPEN, [true, false], [false, true]];
  const possible = (side: typeof a) => (side === "either" ? [false, true] : [side === "above"]);
  return possible(a).flatMap((one) => possible(b).map((two): Hinges => [one, two]));
}
