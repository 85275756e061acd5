/** Everything that is known exactly about a game. */
import type { Game, Policy, Protocol } from "../games/index.ts";
import { POOLS, type Roster, policiesOf } from "../opponents/index.ts";
import { bestResponseValue } from "./best-response.ts";
import { nashConv, solveZeroSum, symmetricEquilibria, typePolicy } from "./equilibrium.ts";
import { exactJ, optimum, utilityBound } from "./optimum.ts";
import { informationViews } from "./walk.ts";

/** What does not apply to a game is absent. */
export interface Solution {
  readonly game: string;
  readonly protocol: Protocol;
  /** J*: `value` exact, or `atMost` a bound. */
  readonly optimum: { readonly value: number } | { readonly atMost: number };
  /** Exact J of every scripted policy, the best first. */
  readonly scripted: readonly { readonly policy: string; readonly safetyIndex: number }[];
  /** Payoff per round of the exact best reply to each opponent. */
  readonly bestReplies: readonly { readonly pool: string; readonly opponent: string; readonly payoff: number }[];
  readonly equilibria: readonly Equilibrium[];
}

export interface Equilibrium {
  readonly kind: string;
  /** Payoff of the first seat in one round. */
  readonly value: number;
  readonly nashConv: number;
  readonly probabilities: readonly {
    readonly seat: number;
    readonly information: string;
    readonly actions: Readonly<Record<string, number>>;
  }[];
}

/** Solves a game; `onPart` is told what is being computed. */
export function solve(roster: Roster, onPart: (part: string) => void = () => {}): Solution {
  const { facts } = roster.game;
  const linear = facts.average === "round";
  const bestReplies = POOLS.flatMap((pool) =>
    roster.pools[pool].map((policy) => {
      onPart(`best reply to ${policy.name}`);
      return { pool, opponent: policy.name, payoff: bestResponseValue(roster.game, policy, 0) / facts.rounds };
    }),
  );
  onPart("J*");
  const best =
    facts.enumerable && linear ? { value: optimum(roster).value } : { atMost: linear ? utilityBound(roster) : Infinity };
  onPart("scripted policies");
  const scripted =
    facts.enumerable && linear
      ? [...policiesOf(roster).values()]
          .map((policy) => ({ policy: policy.name, safetyIndex: exactJ(roster, policy) }))
          .toSorted((a, b) => b.safetyIndex - a.safetyIndex)
      : [];
  const equilibria = equilibriaOf(roster);
  return { game: facts.name, protocol: facts.protocol, optimum: best, scripted, bestReplies, equilibria };
}

function equilibriaOf({ round }: Roster): Equilibrium[] {
  if (round === undefined) return [];
  if (round.facts.sum === "zero") {
    const { value, players } = solveZeroSum(round);
    return [equilibrium("one round, by linear programming", round, value, players)];
  }
  return symmetricEquilibria(round).map((strategies) => {
    const policy = typePolicy(round, strategies);
    const value = bestResponseValue(round, policy, 0);
    return equilibrium("one round, symmetric Bayes-Nash, by support enumeration", round, value, [policy, policy]);
  });
}

function equilibrium(kind: string, round: Game, value: number, players: readonly [Policy, Policy]): Equilibrium {
  const probabilities = ([0, 1] as const).flatMap((seat) =>
    [...informationViews(round, seat)].map(([information, view]) => ({
      seat,
      information,
      actions: Object.fromEntries(players[seat].act(view)),
    })),
  );
  return { kind, value, nashConv: nashConv(round, players), probabilities };
}
