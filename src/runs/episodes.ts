/** The episodes that a folder's reports were made from, whether it is a run's or a model's evaluation. */
import { FileError } from "../files.ts";
import { GameError } from "../games/index.ts";
import { readModelEpisodes } from "./model-evaluation.ts";
import { readEpisodes, readReports } from "./read.ts";
import { isModelEvaluation } from "./recording.ts";
import type { Stage } from "./stages.ts";
import type { Transcript } from "./transcript.ts";

export interface EpisodeFilter {
  /** Of a run; its last evaluated stage unless given. */
  readonly stage?: Stage;
  readonly games?: readonly string[];
  readonly opponent?: string;
  /** Only episodes with a reply that could not be read. */
  readonly unreadable?: boolean;
}

/** Of a run the first few episodes against each opponent, of a model's evaluation all. Throws `FileError`, and `GameError` for a name that is not there. */
export async function readEvaluatedEpisodes(folder: string, filter: EpisodeFilter = {}): Promise<Transcript[]> {
  const { games, opponent, unreadable = false } = filter;
  const all = (await isModelEvaluation(folder))
    ? await readModelEpisodes(folder)
    : await readEpisodes(folder, await stageOf(folder, filter));
  requireNames(
    folder,
    "game",
    games ?? [],
    all.map(({ game }) => game),
  );
  requireNames(
    folder,
    "opponent",
    opponent === undefined ? [] : [opponent],
    all.map((episode) => episode.opponent),
  );
  return all.filter(
    (episode) =>
      (games === undefined || games.includes(episode.game)) &&
      (opponent === undefined || episode.opponent === opponent) &&
      (!unreadable || episode.decisions.some(({ status }) => status !== "ok")),
  );
}

/** Throws `GameError` for a wanted name that is not among those that a folder holds. */
export function requireNames(folder: string, what: string, wanted: readonly string[], held: readonly string[]): void {
  for (const name of wanted)
    if (!held.includes(name))
      throw new GameError(
        `${folder}: holds no ${what} called "${name}"; expected one of ${[...new Set(held)].join(", ") || "none"}`,
      );
}

async function stageOf(folder: string, { stage }: EpisodeFilter): Promise<Stage> {
  const stages = (await readReports(folder)).map((stored) => stored.stage);
  const found = stage ?? stages[stages.length - 1];
  if (!stages.includes(found)) throw new FileError(`${folder}: holds no evaluation of ${found}; it has ${stages.join(", ")}`);
  return found;
}
