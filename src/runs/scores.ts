/**
 * Scores of every episode of an evaluation, `evaluation/STAGE.scores.jsonl`: what a paired difference needs. One line per opponent; the
 * same number of an episode is the same scenario for every agent that is evaluated with the same seed.
 */
import { join } from "node:path";
import { z } from "zod";
import type { MeasuredEpisode } from "../evaluation/episodes.ts";
import { codeOf, FileError } from "../files.ts";
import { matchupsOf } from "../objective/objective.ts";
import { POOLS } from "../opponents/index.ts";
import { fileOf, readLines } from "./read.ts";
import type { Stage } from "./stages.ts";

const numbers = z.array(z.number());
const scoresLine = z.object({
  game: z.string(),
  pool: z.enum(POOLS),
  opponent: z.string(),
  /** Whether nobody drew anything, so that all episodes are the same. */
  certain: z.boolean(),
  /** Means per round by episode. */
  r: numbers,
  q: numbers,
  c: numbers,
  x: numbers,
});
export type StoredScores = readonly z.infer<typeof scoresLine>[];

export const scoresFile = (folder: string, stage: Stage): string => join(fileOf.evaluation(folder), `${stage}.scores.jsonl`);

/** The lines of a game's episodes against the opponents that J is made of. */
export const scoresOf = (game: string, episodes: readonly MeasuredEpisode[]): StoredScores =>
  matchupsOf(episodes.toSorted((a, b) => a.index - b.index)).map(({ pool, opponent, episodes: own }) => ({
    game,
    pool,
    opponent,
    certain: own.every(({ certain = false }) => certain),
    r: own.map(({ r }) => r),
    q: own.map(({ q }) => q),
    c: own.map(({ c }) => c),
    x: own.map(({ x }) => x),
  }));

/** The scores of a stage; undefined where an evaluation kept none. Throws `FileError`. */
export async function readScores(folder: string, stage: Stage): Promise<StoredScores | undefined> {
  return readLines(scoresFile(folder, stage), scoresLine).catch((error: unknown) => {
    if (error instanceof FileError && codeOf(error.cause) === "ENOENT") return undefined;
    throw error;
  });
}

/** The episodes of one game as a difference of objectives takes them. */
export const episodesOf = (scores: StoredScores, game: string) =>
  scores
    .filter((line) => line.game === game)
    .flatMap(({ pool, opponent, certain, r, q, c, x }) =>
      r.map((value, index) => ({ pool, opponent, certain, index, r: value, q: q[index], c: c[index], x: x[index] })),
    );
