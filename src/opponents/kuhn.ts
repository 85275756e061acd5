/** Opponents and experts of Kuhn poker. Each plays a hand from its own card and the betting alone. */
import { type Distribution, type MakerOptions, type Policy, either, kuhn, uniformly } from "../games/index.ts";
import type { KuhnAction, KuhnCard, KuhnState, KuhnView } from "../games/kuhn.ts";
import type { Expert, Roster } from "./roster.ts";

type KuhnPolicy = Policy<KuhnView>;
/** A probability per card, in the order J Q K. */
type ByCard = readonly [number, number, number];

interface KuhnTable {
  /** P(BET) when acting first. */
  readonly open: ByCard;
  /** P(BET) after the other's PASS. */
  readonly afterPass: ByCard;
  /** P(CALL) as second player, after a BET. */
  readonly callSecond: ByCard;
  /** P(CALL) as first player, after PASS and BET. */
  readonly callFirst: ByCard;
}

const CARD_INDEX: Record<KuhnCard, 0 | 1 | 2> = { J: 0, Q: 1, K: 2 };
const handMemory = (view: KuhnView): string => `${view.card ?? ""}${view.bets.join("")}`;

/** A policy given by its probabilities of betting and calling per card. */
export function kuhnTable(name: string, description: string, table: KuhnTable): KuhnPolicy {
  return {
    name,
    description,
    act: (view): Distribution<KuhnAction> => {
      if (view.card === undefined) return uniformly(["PASS", "BET"]);
      const card = CARD_INDEX[view.card];
      if (view.bets.length === 0) return either("BET", table.open[card], "PASS");
      if (view.bets.length === 2) return either("CALL", table.callFirst[card], "FOLD");
      return view.bets[0] === "BET"
        ? either("CALL", table.callSecond[card], "FOLD")
        : either("BET", table.afterPass[card], "PASS");
    },
    memory: handMemory,
  };
}

/**
 * The equilibria of Kuhn poker (Kuhn 1950): as first player J bets with alpha in [0, 1/3], Q never bets and calls with
 * alpha + 1/3, K bets with 3 alpha; as second player J bluffs and Q calls with 1/3.
 */
export const kuhnEquilibrium = (name: string, alpha: number): KuhnPolicy =>
  kuhnTable(name, `Equilibrium with alpha = ${alpha.toFixed(3)}.`, {
    open: [alpha, 0, 3 * alpha],
    afterPass: [1 / 3, 0, 1],
    callSecond: [0, 1 / 3, 1],
    callFirst: [0, alpha + 1 / 3, 1],
  });

const never: ByCard = [0, 0, 0];
const ever: ByCard = [1, 1, 1];
const kingOnly: ByCard = [0, 0, 1];
const queenUp: ByCard = [0, 1, 1];

const equilibrium = kuhnEquilibrium("equilibrium", 1 / 3);
/** The paper's: as first player it calls with Q at 1/3 instead of alpha + 1/3, for which it can be exploited for 1/18 as first player. */
export const paperEquilibrium = kuhnTable(
  "equilibrium",
  "The paper's equilibrium: alpha = 1/3, but calls with Q at 1/3 in both seats.",
  {
    open: [1 / 3, 0, 1],
    afterPass: [1 / 3, 0, 1],
    callSecond: [0, 1 / 3, 1],
    callFirst: [0, 1 / 3, 1],
  },
);
const tightPassive = kuhnTable("tight-passive", "Never bets; calls only with K.", {
  open: never,
  afterPass: never,
  callSecond: kingOnly,
  callFirst: kingOnly,
});
const looseAggressive = kuhnTable("loose-aggressive", "Bets Q and K and half of its J; calls with Q and K.", {
  open: [0.5, 1, 1],
  afterPass: [0.5, 1, 1],
  callSecond: queenUp,
  callFirst: queenUp,
});
const alwaysBet = kuhnTable("always-bet", "Bets and calls with every card.", {
  open: ever,
  afterPass: ever,
  callSecond: ever,
  callFirst: ever,
});
const maxExploiter = kuhnTable("max-exploiter", "Bets Q and K; calls only with K.", {
  open: queenUp,
  afterPass: queenUp,
  callSecond: kingOnly,
  callFirst: kingOnly,
});
const alwaysPass = kuhnTable("always-pass", "Passes and folds with every card.", {
  open: never,
  afterPass: never,
  callSecond: never,
  callFirst: never,
});
const half: ByCard = [0.5, 0.5, 0.5];
export const kuhnUniform = kuhnTable("uniform", "Plays every legal action equally often.", {
  open: half,
  afterPass: half,
  callSecond: half,
  callFirst: half,
});
const tightValue = kuhnTable("tight-value", "Bets and calls only with K.", {
  open: kingOnly,
  afterPass: kingOnly,
  callSecond: kingOnly,
  callFirst: kingOnly,
});
const potControl = kuhnTable("pot-control", "Never bets; calls with Q and K.", {
  open: never,
  afterPass: never,
  callSecond: queenUp,
  callFirst: queenUp,
});
const queenPasser = kuhnTable("always-pass-q", "Equilibrium, but passes and folds every Q.", {
  open: [1 / 3, 0, 1],
  afterPass: [1 / 3, 0, 1],
  callSecond: kingOnly,
  callFirst: kingOnly,
});

/** The position in one sentence: own card, and what the opponent did in this hand. */
function position(view: KuhnView): string {
  const their = view.bets[view.bets.length - 1];
  if (their === undefined) return `I hold ${view.card} and act first.`;
  return `I hold ${view.card} and they ${their === "BET" ? "bet" : "passed"}.`;
}

const expert = (policy: KuhnPolicy, weight: number): Expert<KuhnView> => ({ policy, weight, reason: position });

export const kuhnRoster = (options: MakerOptions<"kuhn">): Roster<KuhnState, KuhnView> => ({
  game: kuhn(options),
  pools: {
    train: [options.protocol === "paper" ? paperEquilibrium : equilibrium, tightPassive, looseAggressive],
    exploiter: [alwaysBet, maxExploiter],
    collusive: [looseAggressive],
    "held-out": [alwaysPass, kuhnEquilibrium("equilibrium-0", 0), kuhnEquilibrium("equilibrium-1/6", 1 / 6), kuhnUniform],
  },
  experts: [
    expert(equilibrium, 0.45),
    expert(tightValue, 0.25),
    expert(potControl, 0.2),
    expert(kuhnUniform, 0.08),
    expert(queenPasser, 0.02),
  ],
  reference: equilibrium,
  round: kuhn({ ...options, hands: 1 }),
  cycle: kuhn({ ...options, hands: 2 }),
});
