/** The bytes of a run's folder, for comparing runs. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { RUN } from "./program.ts";

/** Digests by path; folders end with a slash. What a clock wrote (`timing.jsonl`) is left out. */
export type Content = ReadonlyMap<string, string>;

export async function contentOf(place: string): Promise<Content> {
  const folder = join(place, RUN);
  const content = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name));
    if (path === "timing.jsonl") continue;
    if (entry.isDirectory()) content.set(`${path}/`, "");
    else {
      const bytes = await readFile(join(folder, path));
      content.set(path, createHash("sha256").update(bytes).digest("hex"));
    }
  }
  return content;
}

/** What differs between the run in a place and what it must be; at most a few paths are named. */
export async function differences(place: string, expected: Content): Promise<string[]> {
  const folder = join(place, RUN);
  const found = existsSync(folder) ? await contentOf(place) : new Map<string, string>();
  const paths = [...new Set([...expected.keys(), ...found.keys()])].toSorted();
  const wrong = paths.flatMap((path) => {
    if (!found.has(path)) return [`${path} is missing`];
    if (!expected.has(path)) return [`${path} is left over`];
    return found.get(path) === expected.get(path) ? [] : [`${path} differs`];
  });
  const more = wrong.length > 4 ? [`${wrong.length - 4} more`] : [];
  return wrong.length === 0 ? [] : [[...wrong.slice(0, 4), ...more].join(", ")];
}

/** How far the run in a place has come, in a word or two. */
export function progressOf(place: string): string {
  const has = (...path: string[]) => existsSync(join(place, RUN, ...path));
  if (!has("config.json")) return "before the run's first file";
  if (has("evaluation", "sepo.json")) return "after the last evaluation";
  for (const stage of ["sepo", "sft", "base"])
    if (has("checkpoints", stage)) return has("evaluation", `${stage}.json`) ? `after ${stage}` : `evaluating ${stage}`;
  return "in base";
}
