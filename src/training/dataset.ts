/** Supervised traces as files that other trainers read: one chat example a line, with a manifest. */
import { readdir, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { FileError, jsonText, makeFolder, readTextIfAny, sha256, writeWhole } from "../files.ts";
import { GameError, type Protocol } from "../games/index.ts";
import { parseJson } from "../json.ts";
import type { Roster } from "../opponents/index.ts";
import { foldIn, seedKey } from "../random.ts";
import { type Trace, expertTraces } from "./traces.ts";

export const MANIFEST = "manifest.json";
export const SPLITS = ["train", "validation"] as const;
export type Split = (typeof SPLITS)[number];

const counts = z.record(z.string(), z.number());
export const gameEntry = z.strictObject({
  files: z.record(z.string(), z.strictObject({ examples: z.number(), episodes: z.number(), sha256: z.string() })),
  experts: counts,
  opponents: counts,
  actions: counts,
});
export type GameEntry = z.infer<typeof gameEntry>;

export interface Manifest {
  readonly seed: number;
  readonly protocol: Protocol;
  readonly examplesPerGame: number;
  readonly games: Readonly<Record<string, GameEntry>>;
}

/** What names the files of a dataset, in manifests of any version. */
const filesSchema = z.looseObject({
  games: z.record(z.string(), z.looseObject({ files: z.record(z.string(), z.unknown()) })),
});

export interface DatasetOptions {
  /** Decisions per game. */
  readonly examples: number;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly onGame?: (name: string) => void;
}

/** A game's traces as files: their content by path, and what the manifest says of them. */
export interface GameFiles {
  readonly entry: GameEntry;
  readonly contents: ReadonlyMap<string, string>;
}

/**
 * Writes the experts' traces of every roster into a folder. Files of an earlier dataset there are replaced; a folder with other files is
 * refused with a `FileError`, so that old and new never mix. Names and the folder are checked before anything is played or written.
 */
export async function writeDataset(
  rosters: readonly Roster[],
  folder: string,
  { examples, protocol, seed, onGame }: DatasetOptions,
): Promise<Manifest> {
  const names = checkedNames(rosters);
  const old = await earlierFiles(folder, filesSchema, ({ games }) =>
    Object.values(games).flatMap(({ files }) => Object.keys(files)),
  );
  const games: Record<string, GameEntry> = {};
  const contents = new Map<string, string>();
  for (const [i, roster] of rosters.entries()) {
    onGame?.(names[i]);
    const made = await gameFiles(roster, { examples, protocol, seed }, (split) => `${names[i]}.${split}.jsonl`);
    games[names[i]] = made.entry;
    for (const [path, content] of made.contents) contents.set(path, content);
  }
  const manifest = { seed, protocol, examplesPerGame: examples, games };
  await replaceFiles(folder, old, contents, manifest);
  return manifest;
}

/** The names of the rosters' games, which become names of files. Throws `GameError` for one that cannot, or is there twice. */
export function checkedNames(rosters: readonly Roster[]): string[] {
  const names = rosters.map(({ game }) => game.facts.name);
  for (const [i, name] of names.entries()) {
    if (!/^\w[\w.-]*$/.test(name))
      throw new GameError(`the game "${name}" cannot name a file; expected letters, digits, _, . and -`);
    if (names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) !== i)
      throw new GameError(`two of the games are called "${name}"; their files would be the same`);
  }
  return names;
}

/** Plays a game's experts; `pathOf` names the file of a split. */
export async function gameFiles(
  roster: Roster,
  { examples, protocol, seed }: Omit<DatasetOptions, "onGame">,
  pathOf: (split: Split) => string,
): Promise<GameFiles> {
  const key = foldIn(seedKey(seed), "sft", roster.game.facts.name);
  const traces = await expertTraces(roster, key, { examples, actions: "experts" });
  const files: GameEntry["files"] = {};
  const contents = new Map<string, string>();
  for (const split of SPLITS) {
    const own = traces.filter((trace) => trace.split === split);
    const content = own.map((trace) => exampleLine(trace, protocol)).join("");
    contents.set(pathOf(split), content);
    const episodes = new Set(own.map(({ episode }) => episode)).size;
    files[pathOf(split)] = { examples: own.length, episodes, sha256: sha256(content) };
  }
  const entry = {
    files,
    experts: countsOf(traces.map(({ expert }) => expert)),
    opponents: countsOf(traces.map(({ opponent }) => opponent)),
    actions: countsOf(traces.map(({ action }) => action)),
  };
  return { entry, contents };
}

/** Puts files in the place of earlier ones. Without its manifest the folder is plainly unfinished until everything is there. */
export async function replaceFiles(
  folder: string,
  old: readonly string[],
  contents: ReadonlyMap<string, string>,
  manifest: object,
): Promise<void> {
  await makeFolder(folder);
  for (const path of [MANIFEST, ...old]) await rm(join(folder, path), { force: true });
  for (const [path, content] of contents) {
    await makeFolder(dirname(join(folder, path)));
    await writeWhole(join(folder, path), content);
  }
  await writeWhole(join(folder, MANIFEST), jsonText(manifest));
}

/** The files of the dataset that a folder holds; none for a new folder. Throws `FileError` for a folder that holds others. */
export async function earlierFiles<T>(
  folder: string,
  schema: z.ZodType<T>,
  filesOf: (manifest: T) => readonly string[],
): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const present = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  const path = join(folder, MANIFEST);
  const text = await readTextIfAny(path, "a dataset's manifest");
  const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);
  const listed = text === undefined ? [] : filesOf(parseJson(text, path, schema, fail));
  const others = present.filter((name) => name !== MANIFEST && !listed.includes(name));
  if (others.length > 0)
    throw new FileError(
      `${folder}: it holds files that are not of a dataset: ${others.slice(0, 5).join(", ")}; choose another folder`,
    );
  return listed;
}

/** In the `messages` form that supervised trainers read. */
const exampleLine = ({ messages, game, expert, opponent, action, episode }: Trace, protocol: Protocol): string =>
  `${JSON.stringify({ messages, game: game.facts.name, protocol, expert, opponent, action, episode })}\n`;

function countsOf(values: readonly string[]): Record<string, number> {
  const table: Record<string, number> = {};
  for (const value of values.toSorted()) table[value] = (table[value] ?? 0) + 1;
  return table;
}
