/** The difference in J between two agents that played the same scenarios. */
import { type Estimate, combine, estimateMean } from "../stats/estimate.ts";
import { type EpisodeMeans, type ObjectiveSettings, byOpponent, gapOf } from "./objective.ts";
import { mean } from "../stats/estimate.ts";
import { hingedAmount, plainAmount, sharesOf } from "./shares.ts";

type Indexed = EpisodeMeans & { readonly index: number };

/**
 * J of `a` minus J of `b`. Episodes with the same opponent and index were played in the same scenario; the interval uses their
 * differences, which removes the luck that both shared. Each hinge is held at its agent's estimated side.
 */
export function differenceOfObjectives(a: readonly Indexed[], b: readonly Indexed[], settings: ObjectiveSettings): Estimate {
  const [first, second] = [contributions(a, settings), contributions(b, settings)];
  return combine(
    [...first].map(([name, own]) => {
      const other = second.get(name);
      if (other === undefined || other.length !== own.length)
        throw new RangeError(
          `the agents have ${own.length} and ${other?.length ?? 0} episodes against ${name}; expected equally many`,
        );
      return { weight: 1, of: estimateMean(own.map((value, i) => value - other[i])) };
    }),
  );
}

/** Per opponent of the pools of J, what each episode adds to J; its mean over episodes, summed over opponents, is J. */
function contributions(episodes: readonly Indexed[], { scale, weights }: ObjectiveSettings): Map<string, number[]> {
  const named = episodes
    .filter(({ pool }) => pool !== "held-out")
    .map((e) => ({ ...e, opponent: `${e.pool}/${e.opponent}` }))
    .toSorted((x, y) => x.index - y.index);
  const groups = byOpponent(named);
  const size = (pool: string) => [...groups.values()].filter(([{ pool: own }]) => own === pool).length;
  const sizes = { train: size("train"), exploiter: size("exploiter"), collusive: size("collusive") };
  const valueOf = (own: readonly Indexed[]): ((e: Indexed) => number) => {
    const [{ pool }] = own;
    if (pool === "held-out") return () => 0;
    const shares = sharesOf(pool, { scale, weights, sizes, open: mean(own.map(gapOf)) > 0 ? 1 : 0 });
    return (e) => plainAmount(shares, e) + hingedAmount(shares, e);
  };
  return new Map([...groups].map(([name, own]) => [name, own.map(valueOf(own))]));
}
