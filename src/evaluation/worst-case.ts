/**
 * The worst opponent of an agent: the largest expected q - r per round that a responder who knows the agent's policy can reach, q the
 * responder's payoff and r the agent's. It is the value that the pool advantage approaches from below as pools grow.
 */
import type { Game, GameFacts, Policy } from "../games/index.ts";
import { byOpponent, rangeOf } from "../objective/objective.ts";
import type { Roster } from "../opponents/index.ts";
import { objectiveSettings } from "../play/score.ts";
import { type Key, foldIn } from "../random.ts";
import { bestResponse, bestResponseValue } from "../solvers/best-response.ts";
import { quantile } from "../stats/bootstrap.ts";
import { type Estimate, Z95, estimate, estimateMean, mean, variance } from "../stats/estimate.ts";
import type { MeasuredEpisode } from "./episodes.ts";
import { type PolicyRow, tablePolicy } from "./action-table.ts";
import { redrawnTable } from "./redrawn-table.ts";

export interface WorstCase {
  /**
   * `exact`: the policy itself was given to a best response; `projection`: its measured action probabilities per information key
   * were, so what it does differently after different histories of one key is averaged; `lower bound`: the best of a family of responders, chosen on half of the episodes and measured on the others.
   */
  readonly kind: "exact" | "projection" | "lower bound";
  /** q - r per round, in the game's cycle. */
  readonly advantage: Estimate;
  /** In zero-sum games with alternating seats: what the responder wins per round above the value, half the advantage. */
  readonly exploitability?: Estimate;
}

const RESPONDER = 1;

/** Exact worst case of a policy, per round; the game's cycle of rounds stands for the game where there is one. */
export function worstCaseValue({ game, cycle = game }: Pick<Roster, "game" | "cycle">, policy: Policy): number {
  const { rounds, sum } = cycle.facts;
  if (sum === "zero") return (2 * bestResponseValue(cycle, policy, RESPONDER)) / rounds;
  const reward = ({ payoffs }: { readonly payoffs: readonly [number, number] }) => payoffs[RESPONDER] - payoffs[0];
  return bestResponse(cycle, [{ policy, weight: 1, reward }], RESPONDER).value / rounds;
}

/** Whether a best response to policies of this game can be computed. */
export const hasExactWorstCase = ({ facts }: Game): boolean => facts.enumerable && facts.fixedRounds;

export const exactWorstCase = (roster: Roster, policy: Policy): WorstCase =>
  withExploitability(roster, "exact", estimate(worstCaseValue(roster, policy), 0, 1));

const BOOTSTRAP_DRAWS = 100;

/**
 * The worst case of a measured table. Its interval comes from drawing every row's distribution again (`redrawn-table.ts`).
 *
 * A maximum over responses is biased upwards. Where the truth is a least value, a table of error s is off by a multiple of s and one that is
 * redrawn from it, of error sqrt(2) s, by as much more again: sqrt(2) - 1 of the bias. So the lower end is also taken from the value less the
 * bias that this tells, and the outer one counts.
 */
export function tableWorstCase(roster: Roster, rows: readonly PolicyRow[], key: Key): WorstCase {
  const value = (table: readonly PolicyRow[]): number => worstCaseValue(roster, tablePolicy(roster.game, table));
  const draws = Array.from({ length: BOOTSTRAP_DRAWS }, (_, b) => value(redrawnTable(rows, foldIn(key, b)))).toSorted(
    (a, b) => a - b,
  );
  const point = value(rows);
  const [below, above] = [0.025, 0.975].map((share) => quantile(draws, share));
  const deviation = Math.sqrt(variance(draws));
  const bias = Math.max(0, mean(draws) - point) / (Math.SQRT2 - 1);
  // Seats alternate in a cycle of a zero-sum game, so that a responder wins nothing less than 0.
  const least = roster.cycle === undefined ? -Infinity : Math.min(0, point);
  return withExploitability(roster, "projection", {
    ...estimate(point, deviation, rows.length),
    low: Math.max(least, Math.min(point, below, point - bias - Z95 * deviation)),
    high: Math.max(point, above, 2 * point - below),
  });
}

const withExploitability = ({ cycle }: Roster, kind: WorstCase["kind"], advantage: Estimate): WorstCase => {
  if (cycle === undefined) return { kind, advantage };
  const { value, standardError, low, high, n } = advantage;
  const exploitability = { value: value / 2, standardError: standardError / 2, low: low / 2, high: high / 2, n };
  return { kind, advantage, exploitability };
};

/** The roster whose opponents are the responders; its episodes go to `sampledWorstCase`. */
export const responderRoster = (roster: Roster): Roster => ({
  ...roster,
  pools: { train: [], exploiter: roster.responders ?? [], collusive: [], "held-out": [] },
});

/**
 * The best responder on even episodes, measured on odd ones, so that choosing it does not bias its value. The facts of the game say what an
 * episode's gap can be, which bounds the interval where all episodes are alike.
 */
export function sampledWorstCase(episodes: readonly MeasuredEpisode[], facts?: GameFacts): WorstCase {
  const byName = byOpponent(episodes);
  const half = (name: string, parity: number) => (byName.get(name) ?? []).filter(({ index }) => index % 2 === parity);
  const gaps = (name: string, parity: number) => half(name, parity).map(({ q, r }) => q - r);
  const [best] = [...byName.keys()].toSorted((a, b) => mean(gaps(b, 0)) - mean(gaps(a, 0)));
  const bounds = facts && objectiveSettings(facts).bounds;
  const advantage = estimateMean(gaps(best, 1), {
    range: bounds && rangeOf([-1, 1, 0, 0], bounds),
    certain: half(best, 1).every(({ certain = false }) => certain),
  });
  return { kind: "lower bound", advantage };
}
