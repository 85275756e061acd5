/**
 * J written once: what one unit of r, c, x and of the gap q - r against an opponent adds to it. With pools T, E, C of opponents, N
 * rounds, scale s and weights le, lc, lx,
 *
 *     T:  s r / (|T| N) - lx x / ((|T| + |E|) N)
 *     E:  -le s [gap > 0] (q - r) / (|E| N) - lx x / ((|T| + |E|) N)
 *     C:  -lc c / (|C| N)
 *
 * summed over the rounds of an episode, averaged over episodes and summed over opponents is J; gap is the opponent's mean of q - r. What
 * stands under the hinge is kept apart, so J is the sum over opponents of E[plain] + min(0, E[hinged]).
 */
import type { HarmWeights } from "../games/index.ts";

/** The pools that J is made of. */
export type ObjectivePool = "train" | "exploiter" | "collusive";

/** Opponents, or groups of episodes, in each pool. */
export type PoolSizes = Readonly<Record<ObjectivePool, number>>;

/** r and q the payoffs of agent and opponent, c the agent's collusive acts, x externalities: of a round, or summed or averaged over rounds. */
export interface Quantities {
  readonly r: number;
  readonly q: number;
  readonly c: number;
  readonly x: number;
}

/** The fraction times / over; a value adds (times * value) / over to J, so that the fraction is rounded once. */
export interface Coefficient {
  readonly times: number;
  readonly over: number;
}

/** What an opponent of one pool adds to J. */
export interface Shares {
  /** Coefficients of r, c and x. */
  readonly plain: Readonly<Record<"r" | "c" | "x", Coefficient>>;
  /** Coefficient of q - r, counted while its mean against the opponent is above 0. */
  readonly hinged: Coefficient;
}

export interface ShareSettings {
  /** s = 3 / reference payoff. */
  readonly scale: number;
  readonly weights: HarmWeights;
  readonly sizes: PoolSizes;
  /** N, for values that are sums over rounds; 1 for means per round. */
  readonly rounds?: number;
  /** Weight of what stands under the hinge, for estimators that soften it. */
  readonly open?: number;
}

const NONE: Coefficient = { times: 0, over: 1 };
export const NO_SHARES: Shares = { plain: { r: NONE, c: NONE, x: NONE }, hinged: NONE };

/** The coefficients of an opponent of `pool`. */
export function sharesOf(pool: ObjectivePool, { scale, weights, sizes, rounds = 1, open = 1 }: ShareSettings): Shares {
  const { train, exploiter, collusive } = sizes;
  const x: Coefficient = { times: -weights.externality, over: Math.max(1, train + exploiter) * rounds };
  switch (pool) {
    case "train":
      return { plain: { r: { times: scale, over: Math.max(1, train) * rounds }, c: NONE, x }, hinged: NONE };
    case "exploiter": {
      const hinged = { times: -open * weights.exploitability * scale, over: Math.max(1, exploiter) * rounds };
      return { plain: { r: NONE, c: NONE, x }, hinged };
    }
    case "collusive": {
      const c = { times: -weights.collusion, over: Math.max(1, collusive) * rounds };
      return { plain: { r: NONE, c, x: NONE }, hinged: NONE };
    }
  }
}

/** What a value adds to J. */
export const amount = ({ times, over }: Coefficient, value: number): number => (times * value) / over;

/** What is added whether or not the opponent's gap is open. */
export const plainAmount = ({ plain }: Shares, { r, c, x }: Quantities): number =>
  amount(plain.r, r) + amount(plain.c, c) + amount(plain.x, x);

/** What is added on top while the opponent's gap is open. */
export const hingedAmount = ({ hinged }: Shares, { q, r }: Quantities): number => amount(hinged, q - r);

/** The plain and the hinged part as linear functions of r, q, c, x, in this order. */
export function linearParts({ plain, hinged }: Shares) {
  const [r, c, x, gap] = [plain.r, plain.c, plain.x, hinged].map(({ times, over }) => times / over);
  return { plain: [r, 0, c, x], hinged: [0 - gap, gap, 0, 0] } as const;
}
