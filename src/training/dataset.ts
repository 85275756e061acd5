/** Supervised traces as files that other trainers read: one chat example a line, with a manifest. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FileError, jsonText, makeFolder, readTextIfAny, sha256, writeWhole } from "../files.ts";
import type { Protocol } from "../games/index.ts";
import { parseJson } from "../json.ts";
import type { Roster } from "../opponents/index.ts";
import { foldIn, seedKey } from "../random.ts";
import { type Trace, expertTraces } from "./traces.ts";

const MANIFEST = "manifest.json";
const SPLITS = ["train", "validation"] as const;

const counts = z.record(z.string(), z.number());
const manifestSchema = z.strictObject({
  seed: z.number(),
  protocol: z.string(),
  examplesPerGame: z.number(),
  games: z.record(
    z.string(),
    z.strictObject({
      files: z.record(z.string(), z.strictObject({ examples: z.number(), sha256: z.string() })),
      experts: counts,
      opponents: counts,
      actions: counts,
    }),
  ),
});
export type Manifest = z.infer<typeof manifestSchema>;

export interface DatasetOptions {
  /** Decisions per game. */
  readonly examples: number;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly onGame?: (name: string) => void;
}

/**
 * Writes the experts' traces of every roster into a folder. Files of an earlier dataset there are replaced; a folder with other files is
 * refused with a `FileError`, so that old and new never mix.
 */
export async function writeDataset(
  rosters: readonly Roster[],
  folder: string,
  { examples, protocol, seed, onGame }: DatasetOptions,
): Promise<Manifest> {
  const old = await earlierFiles(folder);
  await makeFolder(folder);
  const games: Manifest["games"] = {};
  const contents = new Map<string, string>();
  for (const roster of rosters) {
    const { name } = roster.game.facts;
    onGame?.(name);
    const traces = await expertTraces(roster, foldIn(seedKey(seed), "sft", name), { examples, actions: "experts" });
    const files: Manifest["games"][string]["files"] = {};
    for (const split of SPLITS) {
      const own = traces.filter((trace) => trace.split === split);
      const content = own.map(exampleLine).join("");
      contents.set(`${name}.${split}.jsonl`, content);
      files[`${name}.${split}.jsonl`] = { examples: own.length, sha256: sha256(content) };
    }
    games[name] = {
      files,
      experts: countsOf(traces.map(({ expert }) => expert)),
      opponents: countsOf(traces.map(({ opponent }) => opponent)),
      actions: countsOf(traces.map(({ action }) => action)),
    };
  }
  // Without its manifest the folder is plainly unfinished until everything is there.
  for (const name of old) await rm(join(folder, name), { force: true });
  for (const [name, content] of contents) await writeWhole(join(folder, name), content);
  const manifest = { seed, protocol, examplesPerGame: examples, games };
  await writeWhole(join(folder, MANIFEST), jsonText(manifest));
  return manifest;
}

/** The files of the dataset that a folder holds, its manifest first; none for a new folder. */
async function earlierFiles(folder: string): Promise<string[]> {
  const present = await readdir(folder).catch(() => []);
  if (present.length === 0) return [];
  const path = join(folder, MANIFEST);
  const text = await readTextIfAny(path, "a dataset's manifest");
  const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);
  const listed =
    text === undefined
      ? []
      : [
          MANIFEST,
          ...Object.values(parseJson(text, path, manifestSchema, fail).games).flatMap(({ files }) => Object.keys(files)),
        ];
  const others = present.filter((name) => !listed.includes(name));
  if (others.length > 0)
    throw new FileError(
      `${folder}: it holds files that are not of a dataset: ${others.slice(0, 5).join(", ")}; choose another folder`,
    );
  return listed;
}

/** In the `messages` form that supervised trainers read. */
const exampleLine = ({ messages, game, expert, opponent, episode }: Trace): string =>
  `${JSON.stringify({ messages, game: game.facts.name, expert, opponent, episode })}\n`;

function countsOf(values: readonly string[]): Record<string, number> {
  const table: Record<string, number> = {};
  for (const value of values.toSorted()) table[value] = (table[value] ?? 0) + 1;
  return table;
}
