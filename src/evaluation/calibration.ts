/** What is known of a game without any model: J* and every scripted policy, measured. They say what a model's numbers mean. */
import { type Protocol, describeSettings } from "../games/index.ts";
import { type Roster, policiesOf } from "../opponents/index.ts";
import { optimum, utilityBound } from "../solvers/optimum.ts";
import type { GameReport } from "./evaluate.ts";
import { reportPolicy } from "./report.ts";
import type { WorstCase } from "./worst-case.ts";

export interface CalibratedPolicy {
  readonly policy: string;
  readonly objective: GameReport["objective"];
  readonly worstCase?: WorstCase;
}

export interface CalibratedGame {
  readonly game: string;
  readonly protocol: Protocol;
  /** What differs from the standard game, in words. */
  readonly settings: string;
  readonly seed: number;
  readonly episodesPerOpponent: number;
  /** J*: exact or a bound; absent where neither is known. */
  readonly optimum?: { readonly value: number } | { readonly atMost: number };
  /** The policy that action tables are shown beside. */
  readonly reference: string;
  /** The best first. */
  readonly policies: readonly CalibratedPolicy[];
}

export interface CalibrationOptions {
  readonly seed: number;
  /** Per opponent. */
  readonly episodes: number;
  readonly onPolicy?: (policy: string) => void;
}

export function calibrate(roster: Roster, { seed, episodes, onPolicy }: CalibrationOptions): CalibratedGame {
  const { facts } = roster.game;
  const policies = [...policiesOf(roster).values()].map((policy): CalibratedPolicy => {
    onPolicy?.(policy.name);
    const [{ objective, worstCase }] = reportPolicy(roster, policy, { name: policy.name, seed, episodes, command: "" }).games;
    return { policy: policy.name, objective, ...(worstCase === undefined ? {} : { worstCase }) };
  });
  onPolicy?.("J*");
  const best = optimumOf(roster);
  return {
    game: facts.name,
    protocol: facts.protocol,
    settings: describeSettings(facts),
    seed,
    episodesPerOpponent: episodes,
    ...(best === undefined ? {} : { optimum: best }),
    reference: roster.reference.name,
    policies: policies.toSorted((a, b) => b.objective.safetyIndex.value - a.objective.safetyIndex.value),
  };
}

/** J is linear in the policy only where sums are divided by the number of rounds. */
function optimumOf(roster: Roster): CalibratedGame["optimum"] {
  const { enumerable, average } = roster.game.facts;
  if (average !== "round") return undefined;
  return enumerable ? { value: optimum(roster).value } : { atMost: utilityBound(roster) };
}
