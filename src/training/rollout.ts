/** A rollout: groups of episodes against every opponent of the pools that J is made of. */
import type { Group } from "../objective/credit.ts";
import { OBJECTIVE_POOLS, type Roster } from "../opponents/index.ts";
import { type Episode, type EpisodeSpec, type PlayOptions, playEpisodes } from "../play/episodes.ts";
import { type Player, scriptedPlayer } from "../play/player.ts";
import { scoreEpisode } from "../play/score.ts";
import { type Key, foldIn } from "../random.ts";

/** One group of a rollout: the episodes, and the same scored, in the same order. */
export interface PlayedGroup extends Group {
  readonly roster: Roster;
  readonly played: readonly Episode[];
}

export interface RolloutSize {
  /** Groups per opponent, each in a scenario of its own. */
  readonly scenarios: number;
  /** Episodes that share a scenario. */
  readonly groupSize: number;
}

/** Plays `scenarios` groups of `groupSize` episodes against each opponent of each game. */
export async function rollout(
  rosters: readonly Roster[],
  agent: Player,
  key: Key,
  { scenarios, groupSize }: RolloutSize,
  options: PlayOptions = {},
): Promise<PlayedGroup[]> {
  const plan = rosters.flatMap((roster) =>
    OBJECTIVE_POOLS.flatMap((pool) =>
      roster.pools[pool].flatMap((policy) => {
        const opponent = scriptedPlayer(policy);
        return Array.from({ length: scenarios }, (_, s) => ({
          roster,
          pool,
          opponent,
          path: `${roster.game.facts.name}/${pool}/${policy.name}/${s}`,
        }));
      }),
    ),
  );
  const specs = plan.flatMap(({ roster: { game }, pool, opponent, path }) => {
    const group = foldIn(key, path);
    return Array.from({ length: groupSize }, (_, i): EpisodeSpec => ({
      game,
      agent,
      opponent,
      pool,
      scenario: foldIn(group, "scenario"),
      sampling: foldIn(group, "episode", i),
      id: `${path}/${i}`,
    }));
  });
  const episodes = await playEpisodes(specs, options);
  return plan.map(({ roster, pool, opponent }, i) => {
    const played = episodes.slice(i * groupSize, (i + 1) * groupSize);
    return { roster, pool, opponent: opponent.name, played, episodes: played.map(scoreEpisode) };
  });
}
