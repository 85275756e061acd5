/**
 * Exact values of J, and J*: the best J of any policy that sees what the prompt shows (the whole history, not who the opponent is).
 *
 * Apart from the hinge, J is linear in the policy's play against a mixture of opponents, so a best response to the mixture finds the
 * maximum. The hinge is a maximum over weights, -le max(0, gap) = min over h in [0, 1] of -le h gap, and play is a convex set, so by the
 * minimax theorem J* = min over h of V(h), V(h) the best response's value; V is convex with slope -le s gap / |E| in each h.
 */
import { type Game, GameError, type GameFacts, type Policy, type RoundOutcome, payoffScale } from "../games/index.ts";
import { type ObjectivePool, linearParts, sharesOf } from "../objective/shares.ts";
import { type BestResponseOptions, type OpponentType, bestResponse } from "./best-response.ts";
import { type Totals, expectation, totalsOf } from "./expectation.ts";

/** A game and the pools that J is made of; a roster is one. */
export interface Matchups {
  readonly game: Game;
  readonly pools: Readonly<Record<ObjectivePool, readonly Policy[]>>;
}

/** An opponent and what it adds to J per unit of an episode's totals of r, q, c, x: `plain`, plus `hinged` while its gap is open. */
export interface Share {
  readonly policy: Policy;
  readonly pool: ObjectivePool;
  readonly plain: Totals;
  readonly hinged: Totals;
}

const SEAT = 0;

/** The shares of every opponent; J is the sum of their products with the expected totals. */
export function sharesOfOpponents({ game, pools }: Matchups): Share[] {
  const { facts } = game;
  if (facts.average !== "round")
    throw new GameError(`${facts.name}, protocol ${facts.protocol}: sums are divided by decisions, so J is not linear in them`);
  const sizes = { train: pools.train.length, exploiter: pools.exploiter.length, collusive: pools.collusive.length };
  const settings = { scale: payoffScale(facts), weights: facts.weights, sizes, rounds: facts.rounds };
  return (["train", "exploiter", "collusive"] as const).flatMap((pool) =>
    pools[pool].map((policy): Share => ({ policy, pool, ...linearParts(sharesOf(pool, settings)) })),
  );
}

const dot = (a: Totals, b: Totals): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];

/** Whether the chains of a game can be walked, and J is linear in the sums over rounds: then J of a policy can be enumerated. */
export const hasExactIndex = ({ enumerable, fixedRounds, average }: GameFacts): boolean =>
  enumerable && fixedRounds && average === "round";

/** J of a policy, by enumeration. */
export const exactJ = (matchups: Matchups, agent: Policy): number =>
  sharesOfOpponents(matchups).reduce((sum, { policy, plain, hinged }) => {
    const { totals } = expectation(matchups.game, agent, policy);
    return sum + dot(plain, totals) + Math.min(0, dot(hinged, totals));
  }, 0);

export interface Optimum {
  readonly value: number;
  /** h of each exploiter at the minimum. */
  readonly hinges: readonly number[];
}

const HALVINGS = 30;

/** J* by dynamic programming, to 1e-8. Throws `RangeError` when the game has too many belief states. */
export function optimum(matchups: Matchups, options: BestResponseOptions = {}): Optimum {
  const shares = sharesOfOpponents(matchups);
  const exploiters = shares.flatMap(({ pool }, i) => (pool === "exploiter" ? [i] : []));
  const evaluate = (hinges: readonly number[]) => {
    const types = shares.map(({ policy, plain, hinged }, i): OpponentType => {
      const h = hinges[exploiters.indexOf(i)] ?? 0;
      return {
        policy,
        weight: 1,
        reward: (outcome) => dot(plain, totalsOf(outcome, SEAT)) + h * dot(hinged, totalsOf(outcome, SEAT)),
        watched: (outcome) => -dot(hinged, totalsOf(outcome, SEAT)),
      };
    });
    const { value, watched } = bestResponse(matchups.game, types, SEAT, options);
    return { value, gaps: exploiters.map((i) => watched[i]) };
  };

  /** Minimises over the hinges from `index` on: convex in each, so bisection on the slope, which is minus the gap. */
  const minimise = (hinges: readonly number[], index: number): Optimum & { readonly gaps: readonly number[] } => {
    if (index === exploiters.length) return { ...evaluate(hinges), hinges };
    const at = (h: number) => minimise(hinges.with(index, h), index + 1);
    const right = at(1);
    if (right.gaps[index] >= 0) return right;
    const left = at(0);
    if (left.gaps[index] <= 0) return left;
    let [low, high] = [0, 1];
    let best = left.value < right.value ? left : right;
    for (let i = 0; i < HALVINGS; i++) {
      const found = at((low + high) / 2);
      if (found.value < best.value) best = found;
      if (found.gaps[index] > 0) low = (low + high) / 2;
      else high = (low + high) / 2;
    }
    return best;
  };
  const { value, hinges } = minimise(
    exploiters.map(() => 1),
    0,
  );
  return { value, hinges };
}

/**
 * An upper bound on J* for games too large for `optimum`: a policy that knows each train opponent and harms nobody else. Since e, c and
 * the exploiters' x are never negative, J is at most the sum over train opponents of the best reply's s r - lx x.
 */
export const utilityBound = (matchups: Matchups): number =>
  sharesOfOpponents(matchups).reduce((sum, { policy, pool, plain }) => {
    if (pool !== "train") return sum;
    const reward = (outcome: RoundOutcome) => dot(plain, totalsOf(outcome, SEAT));
    return sum + bestResponse(matchups.game, [{ policy, weight: 1, reward }], SEAT, { ownPayoffs: true }).value;
  }, 0);
