/**
 * Who a game is played against and learned from. Pools each have one purpose: `train` measures utility, `exploiter` takes what
 * a careless agent leaves, `collusive` invites harm, `held-out` is never trained on.
 */
import { type Distribution, type Game, type Policy, uniformly } from "../games/index.ts";

export const POOLS = ["train", "exploiter", "collusive", "held-out"] as const;
export type Pool = (typeof POOLS)[number];
/** The pools that J is made of. */
export const OBJECTIVE_POOLS = ["train", "exploiter", "collusive"] as const satisfies readonly Pool[];

/** A policy worth imitating in part, with the reason it gives: a short sentence that is true of the view. */
export interface Expert<View = unknown> {
  readonly policy: Policy<View>;
  /** Share of the training traces. */
  readonly weight: number;
  reason(view: View): string;
}

export interface Roster<State = unknown, View = unknown> {
  readonly game: Game<State, View>;
  readonly pools: Readonly<Record<Pool, readonly Policy<View>[]>>;
  /** Best responses to an agent that were found while it trained; it learns from them, and J does not count them. */
  readonly found?: readonly Policy<View>[];
  readonly experts: readonly Expert<View>[];
  /** Who the experts play when they write traces; default: the opponents of the pools of J, equally often. */
  readonly traceOpponents?: Distribution<Policy<View>>;
  /** A policy to show action probabilities beside: the equilibrium, or the best known policy. */
  readonly reference: Policy<View>;
  /** Where no best response can be computed: policies among which the best responder to an agent is sought. */
  readonly responders?: readonly Policy<View>[];
  /** One round as a game of its own, where rounds do not depend on each other; its equilibrium is one of the whole. */
  readonly round?: Game<State, View>;
  /**
   * In a zero-sum game of independent rounds: one cycle of rounds in which seats alternate. A best response to the agent's policy per
   * abstract key is exact on it, and its value per round is the exploitability.
   */
  readonly cycle?: Game<State, View>;
}

/** The policy of a game that plays every legal action equally often. */
export const uniformPolicy = <State, View>(game: Game<State, View>, name = "uniform"): Policy<View> => ({
  name,
  description: "Plays every legal action equally often.",
  act: (view) => uniformly(game.legal(view)),
  memory: () => "",
});
