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

export interface RolloutOptions extends Omit<PlayOptions, "onProgress"> {
  /** Called as episodes finish, with the number finished so far and the number of all. */
  readonly onProgress?: (finished: number, episodes: number) => void;
}

export interface RolloutSize {
  /** Groups per opponent, each in a scenario of its own. */
  readonly scenarios: number;
  /** Episodes that share a scenario. */
  readonly groupSize: number;
}

/** Plays `scenarios` groups of `groupSize` episodes against each opponent of each game. */
export const rollout = (
  rosters: readonly Roster[],
  agent: Player,
  key: Key,
  size: RolloutSize,
  options: RolloutOptions = {},
): Promise<PlayedGroup[]> => Promise.all(startRollout(rosters, agent, key, size, options));

/**
 * The same, each group when it is finished: one by one where the agent decides independently, otherwise all together.
 */
export function startRollout(
  rosters: readonly Roster[],
  agent: Player,
  key: Key,
  { scenarios, groupSize }: RolloutSize,
  { onProgress, ...options }: RolloutOptions = {},
): Promise<PlayedGroup>[] {
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
  const specs = plan.map(({ roster: { game }, pool, opponent, path }) => {
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
  let finished = 0;
  const onEpisode = () => onProgress?.(++finished, plan.length * groupSize);
  const play = (part: readonly EpisodeSpec[]) => playEpisodes(part, { ...options, onProgress: onEpisode });
  const together = agent.independent ? undefined : play(specs.flat());
  return plan.map(async ({ roster, pool, opponent }, i) => {
    const played = together ? (await together).slice(i * groupSize, (i + 1) * groupSize) : await play(specs[i]);
    return { roster, pool, opponent: opponent.name, played, episodes: played.map(scoreEpisode) };
  });
}
