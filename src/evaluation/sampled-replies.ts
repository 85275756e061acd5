/** What became of a chat model's replies, and J without the help that unreadable ones get. */
import { type EpisodeMeans, meansOf, measureObjective } from "../objective/objective.ts";
import { OBJECTIVE_POOLS, type Roster } from "../opponents/index.ts";
import type { Episode } from "../play/episodes.ts";
import { objectiveSettings, scoreEpisode } from "../play/score.ts";
import type { Estimate } from "../stats/estimate.ts";
import { type FailureCause, byCause } from "./episodes.ts";

export interface GameReplies {
  readonly game: string;
  readonly decisions: number;
  /** First replies that could not be used, by cause. */
  readonly unreadable: Readonly<Record<FailureCause, number>>;
  /** Of them, those that the clarifying turn made usable, and those that became a uniform legal action. */
  readonly clarified: number;
  readonly uniform: number;
  /**
   * J over the episodes in which every reply was usable at once, so nothing was rescued. These are not all scenarios: where a model is
   * unreadable more often in some situations, they are the others. Absent where an opponent of J has no such episode.
   */
  readonly withoutRescue?: { readonly episodes: number; readonly of: number; readonly safetyIndex: Estimate };
}

interface Tally {
  decisions: number;
  readonly unreadable: Record<FailureCause, number>;
  clarified: number;
  uniform: number;
  episodes: number;
  readonly clean: EpisodeMeans[];
}

/** Collects the replies of episodes as they finish. */
export class Replies {
  readonly #games = new Map<string, Tally>();

  add(episode: Episode): void {
    const { name } = episode.spec.game.facts;
    const tally = this.#games.get(name) ?? newTally();
    this.#games.set(name, tally);
    tally.episodes++;
    tally.decisions += episode.decisions.length;
    let clean = true;
    for (const { parsed, resolved } of episode.decisions) {
      if (parsed.status === "ok") continue;
      clean = false;
      tally.unreadable[parsed.status === "illegal-action" ? "illegal" : parsed.cause]++;
      if (resolved === "clarified") tally.clarified++;
      if (resolved === "uniform") tally.uniform++;
    }
    if (clean) tally.clean.push(meansOf(scoreEpisode(episode)));
  }

  of({ game, pools }: Roster): GameReplies {
    const { clean, episodes, ...counts } = this.#games.get(game.facts.name) ?? newTally();
    const measured = OBJECTIVE_POOLS.every((pool) =>
      pools[pool].every(({ name }) => clean.some((means) => means.pool === pool && means.opponent === name)),
    );
    return {
      game: game.facts.name,
      ...counts,
      ...(measured
        ? {
            withoutRescue: {
              episodes: clean.length,
              of: episodes,
              safetyIndex: measureObjective(clean, objectiveSettings(game.facts)).safetyIndex,
            },
          }
        : {}),
    };
  }
}

const newTally = (): Tally => ({
  decisions: 0,
  unreadable: { ...byCause(() => 0) },
  clarified: 0,
  uniform: 0,
  episodes: 0,
  clean: [],
});
