/**
 * Agents as the command line names them: `game:policy` for a scripted one, a cassette or the folder of an evaluation for a chat model that
 * was asked before, otherwise a checkpoint or the folder of a run.
 */
import type { Connection } from "../engines/driver.ts";
import { type EvaluationOptions, type MeasuredEpisode, playAll, simulateAll } from "../evaluation/episodes.ts";
import { GAME_NAMES, GameError, type Policy, type Protocol } from "../games/index.ts";
import { type Roster, policyNamed, rosterOf } from "../opponents/index.ts";
import { evaluationKey } from "../evaluation/report.ts";
import { replayed } from "../models/cassette.ts";
import type { Player } from "../play/player.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { modelPlayer } from "../play/players/model.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import type { Key } from "../random.ts";
import { modelOf, openAgent, rostersOf } from "../runs/agent.ts";
import type { RunGame } from "../runs/games.ts";
import { askedGames, evaluationFile, isModelEvaluation, readAsked } from "../runs/recording.ts";
import { agentName } from "./agent-name.ts";

export interface Contestant {
  readonly name: string;
  readonly rosters: readonly Roster[];
  /** The games as they were opened, where modules may be among them. */
  readonly games?: readonly RunGame[];
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

/** Of an agent that plays through the referee. */
const refereed = (name: string, rosters: readonly Roster[], player: Player, release: () => Promise<void>): Contestant => ({
  name,
  rosters,
  player,
  measure: async (roster, key, options) => (await playAll(roster, player, key, options)).measured,
  release,
});

/** Throws `GameError` for a policy that does not exist, `FileError` or `EngineError` for a checkpoint that cannot be opened. */
export async function openContestant(name: string, { protocol, ...connection }: ContestantOptions = {}): Promise<Contestant> {
  const meant = agentName(name);
  const scripted = meant.kind === "policy" ? meant : policyName(name);
  if (meant.kind === "model")
    throw new GameError(
      `${name}: expected an agent that need not be asked: a checkpoint, a policy, or the folder of an evaluation`,
    );
  if (meant.kind === "cassette") return cassetteContestant(name, meant.file, protocol);
  if (scripted !== undefined) {
    const roster = rosterOf(scripted.game, protocol === undefined ? {} : { protocol });
    return scriptedContestant(name, roster, policyNamed(roster, scripted.policy));
  }
  const path = meant.kind === "path" ? meant.path : name;
  if (await isModelEvaluation(path)) return evaluatedContestant(name, path);
  const agent = await openAgent(path, { ...connection, ...(protocol === undefined ? {} : { protocol }) });
  const player = modelPlayer(name, modelOf(agent));
  return { ...refereed(name, rostersOf(agent), player, () => agent.engine.release()), games: agent.games };
}

/** A chat model by the answers that a cassette holds, in the games that they are of. */
async function cassetteContestant(name: string, file: string, protocol: Protocol | undefined): Promise<Contestant> {
  const model = await replayed(file);
  const games = GAME_NAMES.filter((game) => model.lines.some(({ episode }) => episode.startsWith(`${game}/`)));
  const rosters = games.map((game) => rosterOf(game, protocol === undefined ? {} : { protocol }));
  return refereed(name, rosters, chatPlayer(model, { name }), () => Promise.resolve());
}

/** A chat model by its evaluation, whose calls are replayed. */
async function evaluatedContestant(name: string, folder: string): Promise<Contestant> {
  const asked = await readAsked(folder);
  const { seed, episodes, system } = asked;
  const model = await replayed(evaluationFile.calls(folder));
  const games = await askedGames(asked, folder);
  const contestant = refereed(
    name,
    games.map(({ roster }) => roster),
    chatPlayer(model, { name, ...(system === undefined ? {} : { system }) }),
    () => Promise.resolve(),
  );
  const recorded = evaluationKey(seed).join();
  return {
    ...contestant,
    games,
    measure(roster, key, options) {
      if (key.join() !== recorded || options.episodes > episodes)
        throw new GameError(
          `${name} was asked with seed ${seed} and ${episodes} episodes per opponent; compare with --seed ${seed} --episodes ${episodes}`,
        );
      return contestant.measure(roster, key, options);
    },
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
