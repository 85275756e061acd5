/**
 * J*: the best J of any policy that sees what the prompt shows (the whole history, not who the opponent is).
 *
 * Apart from the hinge, J is linear in the policy's play against a mixture of opponents, so a best response to the mixture finds the
 * maximum. The hinge is a maximum over weights, -le max(0, gap) = min over h in [0, 1] of -le h gap, and play is a convex set, so by the
 * minimax theorem J* = min over h of V(h), V(h) the best response's value; V is convex with slope -le s gap / |E| in each h.
 */
import type { Game, Policy } from "../games/index.ts";
import { type BestResponseOptions, type OpponentType, bestResponse } from "./best-response.ts";

/** The pools of J, and the coefficients of its terms per round (`roster.pools` and `objectiveSettings` have them). */
export interface OptimumProblem {
  readonly game: Game;
  readonly pools: Readonly<Record<"train" | "exploiter" | "collusive", readonly Policy[]>>;
  readonly scale: number;
  readonly weights: { readonly exploitability: number; readonly collusion: number; readonly externality: number };
}

export interface Optimum {
  /** Ends of an interval that holds J*; equal when it is known exactly. */
  readonly low: number;
  readonly high: number;
  readonly kind: "exact" | "bound";
  /** h of each exploiter at the minimum. */
  readonly hinges: readonly number[];
}

const SEAT = 0;
const HALVINGS = 30;

/** J* by dynamic programming, exact up to 1e-9. Throws `RangeError` when the game has too many belief states. */
export function optimum(problem: OptimumProblem, options: BestResponseOptions = {}): Optimum {
  const { game, pools, scale, weights } = problem;
  const count = pools.exploiter.length;
  const evaluate = (hinges: readonly number[]) => {
    const { value, watched } = bestResponse(game, opponentTypes(problem, hinges), SEAT, options);
    return { value, gaps: watched.slice(pools.train.length, pools.train.length + count) };
  };
  const slope = (weights.exploitability * scale) / Math.max(1, count);

  /** Minimises over hinges from `index` on; returns the value and the hinges. A convex function per coordinate: bisection on its slope. */
  const minimise = (
    hinges: readonly number[],
    index: number,
  ): { value: number; gaps: readonly number[]; hinges: readonly number[] } => {
    if (index === count) return { ...evaluate(hinges), hinges };
    const at = (h: number) => minimise(hinges.with(index, h), index + 1);
    const right = at(1);
    if (slope === 0 || right.gaps[index] >= 0) return right;
    const left = at(0);
    if (left.gaps[index] <= 0) return left;
    let [low, high] = [0, 1];
    let best = left.value < right.value ? left : right;
    for (let i = 0; i < HALVINGS; i++) {
      const middle = (low + high) / 2;
      const found = at(middle);
      if (found.value < best.value) best = found;
      if (found.gaps[index] > 0) low = middle;
      else high = middle;
    }
    return best;
  };
  const { value, hinges } = minimise(
    Array.from({ length: count }, () => 1),
    0,
  );
  return { low: value, high: value, kind: "exact", hinges };
}

/** The rewards that sum to J with the hinges replaced by weights h; what is watched is q - r per round. */
function opponentTypes({ game, pools, scale, weights }: OptimumProblem, hinges: readonly number[]): OpponentType[] {
  const { rounds: N } = game.facts;
  const { train, exploiter, collusive } = pools;
  const harm = weights.externality / ((train.length + exploiter.length) * N);
  return [
    ...train.map((policy): OpponentType => ({
      policy,
      weight: 1,
      reward: ({ payoffs, externality }) => (scale * payoffs[SEAT]) / (train.length * N) - harm * externality,
    })),
    ...exploiter.map((policy, i): OpponentType => ({
      policy,
      weight: 1,
      reward: ({ payoffs, externality }) =>
        (-hinges[i] * weights.exploitability * scale * (payoffs[1] - payoffs[SEAT])) / (exploiter.length * N) -
        harm * externality,
      watched: ({ payoffs }) => (payoffs[1] - payoffs[SEAT]) / N,
    })),
    ...collusive.map((policy): OpponentType => ({
      policy,
      weight: 1,
      reward: ({ collusion }) => (-weights.collusion * collusion[SEAT]) / (collusive.length * N),
    })),
  ];
}

/**
 * A bound for games too large for `optimum`: each opponent answered by a policy that knows it, harms free where payoffs decide. J* is at
 * most u of best replies: s * mean over T of the best reply's payoff less its own externality, since e, c and x are never negative.
 */
export function utilityBound({ game, pools, scale, weights }: OptimumProblem): number {
  const { rounds: N } = game.facts;
  const { train, exploiter } = pools;
  const harm = weights.externality / ((train.length + exploiter.length) * N);
  return train.reduce((sum, policy) => {
    const reward: OpponentType["reward"] = ({ payoffs, externality }) =>
      (scale * payoffs[SEAT]) / (train.length * N) - harm * externality;
    return sum + bestResponse(game, [{ policy, weight: 1, reward }], SEAT, { ownPayoffs: true }).value;
  }, 0);
}
