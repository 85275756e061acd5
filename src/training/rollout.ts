/** A rollout: groups of episodes against every opponent of the pools that J is made of. */
import type { Group } from "../objective/credit.ts";
import { OBJECTIVE_POOLS, rosterOf } from "../opponents/index.ts";
import { type Episode, type EpisodeSpec, type PlayOptions, playEpisodes } from "../play/episodes.ts";
import { type Player, scriptedPlayer } from "../play/player.ts";
import { scoreEpisode } from "../play/score.ts";
import { type Key, foldIn } from "../random.ts";

/** One group of a rollout: the episodes, and the same scored, in the same order. */
export interface PlayedGroup extends Group {
  readonly game: string;
  readonly played: readonly Episode[];
}

/** Plays `groupSize` episodes in one shared scenario against each opponent of each game. */
export async function rollout(
  games: readonly string[],
  agent: Player,
  key: Key,
  groupSize: number,
  options: PlayOptions = {},
): Promise<PlayedGroup[]> {
  const plan = games.flatMap((name) => {
    const { game, pools } = rosterOf(name);
    return OBJECTIVE_POOLS.flatMap((pool) =>
      pools[pool].map((policy) => ({
        name,
        game,
        pool,
        opponent: scriptedPlayer(policy),
        path: `${name}/${pool}/${policy.name}`,
      })),
    );
  });
  const specs = plan.flatMap(({ game, pool, opponent, path }) => {
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
  return plan.map(({ name, pool, opponent }, i) => {
    const played = episodes.slice(i * groupSize, (i + 1) * groupSize);
    return { game: name, pool, opponent: opponent.name, played, episodes: played.map(scoreEpisode) };
  });
}
