/** Differences in J between agents that played the same scenarios. */
import { GameError, describeSettings, sameSettings } from "../games/index.ts";
import { differenceOfObjectives } from "../objective/compare.ts";
import type { Roster } from "../opponents/index.ts";
import { objectiveSettings } from "../play/score.ts";
import type { Key } from "../random.ts";
import { type Comparison, comparisons } from "../stats/compare.ts";
import type { Estimate } from "../stats/estimate.ts";
import type { Measurement } from "../stats/measurement.ts";
import type { EvaluationOptions, MeasuredEpisode } from "./episodes.ts";
import { evaluationKey } from "./report.ts";

/** Whoever is compared. */
export interface Compared {
  readonly name: string;
  readonly rosters: readonly Roster[];
  measure(roster: Roster, key: Key, options: EvaluationOptions): Promise<readonly MeasuredEpisode[]>;
}

/** Two agents in a game, and the difference in J, the first minus the second. */
export interface Difference extends Comparison {
  readonly game: string;
  readonly protocol: string;
  readonly first: string;
  readonly second: string;
}

export interface CompareOptions extends EvaluationOptions {
  readonly seed: number;
  /** Told who plays what. */
  readonly onAgent?: (game: string, agent: string) => void;
}

/**
 * Every agent against the first one, in every game that both play; intervals and decisions are for all comparisons together. Throws `GameError` where their rules differ, or they have no game in
 * common.
 */
export async function compareAgents(
  [first, ...others]: readonly Compared[],
  { seed, onAgent, ...options }: CompareOptions,
): Promise<Difference[]> {
  const gamesOf = ({ rosters }: Compared) => rosters.map(({ game }) => game.facts.name);
  const alone = others.find((other) => !gamesOf(other).some((game) => gamesOf(first).includes(game)));
  if (alone !== undefined)
    throw new GameError(
      `${alone.name} plays ${gamesOf(alone).join(", ")} and ${first.name} ${gamesOf(first).join(", ")}: they have no game in common`,
    );
  const key = evaluationKey(seed);
  const found: (Omit<Difference, keyof Comparison> & { readonly measured: Measurement })[] = [];
  for (const roster of first.rosters) {
    const { name: game, protocol } = roster.game.facts;
    const opposite = others.flatMap((other) => {
      const same = other.rosters.find((candidate) => candidate.game.facts.name === game);
      return same === undefined ? [] : [{ other, same }];
    });
    for (const { other, same } of opposite) refuseDifferentRules(roster, first.name, same, other.name);
    if (opposite.length === 0) continue;
    onAgent?.(game, first.name);
    const played = await first.measure(roster, key, options);
    for (const { other } of opposite) {
      onAgent?.(game, other.name);
      const measured = differenceIn(roster, played, await other.measure(roster, key, options));
      found.push({ game, protocol, first: first.name, second: other.name, measured });
    }
  }
  const compared = comparisons(found.map(({ measured }) => measured));
  return found.map(({ game, protocol, first: one, second }, i) => ({ game, protocol, first: one, second, ...compared[i] }));
}

/** J of one agent minus J of another on the same scenarios of a game, by the names of the agents. */
export interface PairedIndex {
  readonly game: string;
  readonly protocol: string;
  readonly first: string;
  readonly second: string;
  readonly seed: number;
  readonly measured: Measurement;
}

/** J of the first minus J of the second in a roster's game, from episodes of the same scenarios. */
export const differenceIn = ({ game }: Roster, first: readonly Scored[], second: readonly Scored[]): Measurement & Estimate =>
  differenceOfObjectives(first, second, objectiveSettings(game.facts));

type Scored = Pick<MeasuredEpisode, "opponent" | "pool" | "r" | "q" | "c" | "x" | "certain" | "index">;

function refuseDifferentRules(roster: Roster, first: string, other: Roster, second: string): void {
  const [a, b] = [roster.game.facts, other.game.facts];
  if (a.protocol !== b.protocol)
    throw new GameError(
      `${a.name}: ${first} was measured under protocol ${a.protocol}, ${second} under ${b.protocol}; they are not comparable`,
    );
  if (!sameSettings(a, b))
    throw new GameError(
      `${a.name}: ${first} plays ${describeSettings(a) || "the standard game"}, ${second} ${describeSettings(b) || "the standard game"}; ` +
        "they are not comparable",
    );
}
