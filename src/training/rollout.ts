/** A rollout: groups of episodes against every opponent of the pools that J is made of. */
import type { Group } from "../objective/credit.ts";
import type { Policy } from "../games/index.ts";
import { OBJECTIVE_POOLS, type Roster } from "../opponents/index.ts";
import { type Episode, type EpisodeSpec, type PlayOptions, playEpisodes } from "../play/episodes.ts";
import type { Player } from "../play/player.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { scoreEpisode } from "../play/score.ts";
import { endTogether } from "../concurrency.ts";
import { type Key, foldIn, shuffle } from "../random.ts";

/** One group of a rollout: the episodes, and the same scored, in the same order. */
export interface PlayedGroup extends Group {
  readonly roster: Roster;
  readonly policy: Policy;
  /** Whether the opponent is a best response found in training, which J does not count. */
  readonly found: boolean;
  readonly played: readonly Episode[];
}

/** The groups of a game, in their order; exploiters may have joined its roster since they began. */
export const groupsOf = <G extends PlayedGroup>(roster: Roster, groups: readonly G[]): readonly G[] =>
  groups.filter((group) => group.roster.game === roster.game);

/** A group that is being played. */
export interface StartedGroup {
  readonly game: string;
  readonly pool: Group["pool"];
  readonly result: Promise<PlayedGroup>;
}

export interface RolloutOptions extends Pick<PlayOptions, "signal"> {
  /** Called as episodes finish, with the number finished so far and the number of all. */
  readonly onProgress?: (finished: number, episodes: number) => void;
}

export interface RolloutSize {
  /** Groups per opponent, each in a scenario of its own. */
  readonly scenarios: number;
  /** Episodes that share a scenario. */
  readonly groupSize: number;
}

/** Who is learned from in a game. */
const opponentsOf = ({ pools, found = [] }: Roster) => [
  ...OBJECTIVE_POOLS.flatMap((pool) => pools[pool].map((policy) => ({ pool, policy, found: false }))),
  ...found.map((policy) => ({ pool: "exploiter" as const, policy, found: true })),
];

/** Plays `scenarios` groups of `groupSize` episodes against each opponent of each game. */
export const rollout = (
  rosters: readonly Roster[],
  agent: Player,
  key: Key,
  size: RolloutSize,
  options: RolloutOptions = {},
): Promise<PlayedGroup[]> =>
  endTogether(options.signal, (signal) =>
    Promise.all(startRollout(rosters, agent, key, size, { ...options, signal }).map(({ result }) => result)),
  );

/**
 * The same, each group when it is finished: one by one where the agent decides independently, otherwise all together.
 */
export function startRollout(
  rosters: readonly Roster[],
  agent: Player,
  key: Key,
  { scenarios, groupSize }: RolloutSize,
  { onProgress, ...options }: RolloutOptions = {},
): StartedGroup[] {
  const plan = rosters.flatMap((roster) =>
    opponentsOf(roster).flatMap(({ pool, policy, found }) => {
      const opponent = scriptedPlayer(policy);
      return Array.from({ length: scenarios }, (_, s) => ({
        roster,
        pool,
        policy,
        found,
        opponent,
        path: `${roster.game.facts.name}/${pool}/${policy.name}/${s}`,
      }));
    }),
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
  const groupOf = (i: number, playing: Promise<readonly Episode[]>): StartedGroup => {
    const { roster, pool, policy, found } = plan[i];
    const scored = (played: readonly Episode[]): PlayedGroup => ({
      roster,
      pool,
      policy,
      found,
      opponent: policy.name,
      played,
      episodes: played.map(scoreEpisode),
    });
    return { game: roster.game.facts.name, pool, result: playing.then(scored) };
  };
  if (!agent.independent) {
    const together = play(specs.flat());
    return plan.map((_, i) =>
      groupOf(
        i,
        together.then((all) => all.slice(i * groupSize, (i + 1) * groupSize)),
      ),
    );
  }
  // Where a server is the bottleneck, those that ask last end last: no pool should always be among them.
  const groups: StartedGroup[] = [];
  for (const i of shuffle(foldIn(key, "order"), [...plan.keys()])) groups[i] = groupOf(i, play(specs[i]));
  return groups;
}
