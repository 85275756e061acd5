/** Agents as the command line names them: `game:policy` for a scripted one, otherwise a checkpoint or the folder of a run. */
import type { Connection } from "../engines/driver.ts";
import { type EvaluationOptions, type MeasuredEpisode, playAll, simulateAll } from "../evaluation/episodes.ts";
import { GAME_NAMES, GameError, type Policy, type Protocol } from "../games/index.ts";
import { type Roster, policyNamed, rosterOf } from "../opponents/index.ts";
import type { Player } from "../play/player.ts";
import { modelPlayer } from "../play/players/model.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import type { Key } from "../random.ts";
import { modelOf, openAgent, rostersOf } from "../runs/agent.ts";

export interface Contestant {
  readonly name: string;
  readonly rosters: readonly Roster[];
  readonly player: Player;
  /** Plays every opponent of a roster. */
  measure(roster: Roster, key: Key, options: EvaluationOptions): Promise<readonly MeasuredEpisode[]>;
  release(): Promise<void>;
}

/** Splits `game:policy`; undefined for anything else. A policy's name may hold any character. */
export function policyName(name: string): { readonly game: string; readonly policy: string } | undefined {
  const colon = name.indexOf(":");
  const game = name.slice(0, colon);
  if (colon < 0 || !GAME_NAMES.some((known) => known === game)) return undefined;
  return { game, policy: name.slice(colon + 1) };
}

export interface ContestantOptions extends Connection {
  /** Of scripted agents, and of checkpoints instead of their own. */
  readonly protocol?: Protocol;
}

/** Throws `GameError` for a policy that does not exist, `FileError` or `EngineError` for a checkpoint that cannot be opened. */
export async function openContestant(name: string, { protocol, ...connection }: ContestantOptions = {}): Promise<Contestant> {
  const scripted = policyName(name);
  if (scripted !== undefined) {
    const roster = rosterOf(scripted.game, protocol === undefined ? {} : { protocol });
    return scriptedContestant(name, roster, policyNamed(roster, scripted.policy));
  }
  const agent = await openAgent(name, { ...connection, ...(protocol === undefined ? {} : { protocol }) });
  const player = modelPlayer(name, modelOf(agent));
  return {
    name,
    rosters: rostersOf(agent),
    player,
    measure: async (roster, key, options) => (await playAll(roster, player, key, options)).measured,
    release: () => agent.engine.release(),
  };
}

const scriptedContestant = (name: string, roster: Roster, policy: Policy): Contestant => ({
  name,
  rosters: [roster],
  player: scriptedPlayer(policy),
  measure: (shared, key, options) => Promise.resolve(simulateAll(shared, policy, key, options)),
  release: () => Promise.resolve(),
});

/** The rosters of the games named; all when none is. Throws `GameError` naming what `who` plays. */
export function chosenRosters(
  rosters: readonly Roster[],
  names: readonly string[] | undefined,
  who: string,
): readonly Roster[] {
  if (names === undefined) return rosters;
  return names.map((name) => {
    const found = rosters.find(({ game }) => game.facts.name === name);
    if (found !== undefined) return found;
    throw new GameError(`${who} plays ${rosters.map(({ game }) => game.facts.name).join(", ")}, not ${name}`);
  });
}
