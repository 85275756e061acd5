/**
 * The log of a study, `study.jsonl`: every run that was begun, on which seed and under which settings, and what came of it. It is only
 * added to, so it also tells what was looked at before settings became what they are.
 */
import { readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FileError, append } from "../files.ts";
import { parseJson } from "../json.ts";
import { type Study, type StudyRow, hashesOf } from "./study.ts";

export const ROLES = ["reported", "validation"] as const;
export type Role = (typeof ROLES)[number];

const run = z.object({
  time: z.string(),
  role: z.enum(ROLES),
  row: z.string(),
  /** Of the row's configuration. */
  hash: z.string(),
  seed: z.number(),
  /** Of all rows. */
  settings: z.string(),
  /** What the row sets. */
  set: z.array(z.string()),
  /** Of the run, in the study's. */
  folder: z.string(),
});
const lineSchema = z.discriminatedUnion("event", [
  /** The first reported run under these settings is about to begin. */
  z.object({ event: z.literal("frozen"), time: z.string(), settings: z.string(), rows: z.record(z.string(), z.string()) }),
  run.extend({ event: z.literal("began") }),
  run.extend({
    event: z.literal("finished"),
    /** Of this process; a run that was continued took longer. */
    seconds: z.number(),
    /** J by game. */
    safetyIndex: z.record(z.string(), z.number()),
  }),
  run.extend({ event: z.literal("failed"), seconds: z.number(), message: z.string() }),
]);
export type LogLine = z.infer<typeof lineSchema>;
type Line<Event extends LogLine["event"]> = Extract<LogLine, { readonly event: Event }>;

export const logFile = (folder: string): string => join(folder, "study.jsonl");
const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);

/** Everything that was written down; a last line without its end was torn by a kill and is left out. */
export async function readLog(folder: string): Promise<LogLine[]> {
  const path = logFile(folder);
  const text = await readFile(path, "utf8").catch(() => "");
  const lines = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1);
  return lines.filter((line) => line !== "").map((line, i) => parseJson(line, `${path}, line ${i + 1}`, lineSchema, fail));
}

/** Adds a line, in the place of one that a kill tore. */
export async function writeLog(folder: string, line: LogLine): Promise<void> {
  const text = await readFile(logFile(folder), "utf8").catch(() => "");
  if (text !== "" && !text.endsWith("\n"))
    await truncate(logFile(folder), Buffer.byteLength(text.slice(0, text.lastIndexOf("\n") + 1)));
  await append(logFile(folder), `${JSON.stringify(line)}\n`);
}

/** Writes down the settings of the first reported run, unless they are those that were frozen last. */
export async function freeze(folder: string, study: Study, time: string): Promise<void> {
  const last = (await readLog(folder)).findLast((line): line is Line<"frozen"> => line.event === "frozen");
  const { settings } = study;
  if (last?.settings !== settings) await writeLog(folder, { event: "frozen", time, settings, rows: hashesOf(study) });
}

/**
 * Why a reported seed of a row may be biased; undefined where nothing was seen of the seed before the row's settings were what they are
 * now: the seed was used for validation, or runs with it began when the row's settings were others.
 */
export function markOf(log: readonly LogLine[], row: Pick<StudyRow, "hash">, seed: number): string | undefined {
  const began = log.filter((line): line is Line<"began"> => line.event === "began" && line.seed === seed);
  if (began.some(({ role }) => role === "validation")) return "the seed was used for validation";
  const frozen = log.filter((line): line is Line<"frozen"> => line.event === "frozen");
  const other = began.some(
    ({ settings }) => !frozen.some((line) => line.settings === settings && Object.values(line.rows).includes(row.hash)),
  );
  return other ? "the seed was run before these settings were frozen" : undefined;
}
