/** What a study found, `results.json` in its folder: enough to print its tables again without its runs. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { QUANTITY_NAMES } from "../evaluation/quantities.ts";
import { FileError, jsonText } from "../files.ts";
import { readJson } from "../json.ts";
import type { StudyGame } from "../report/study.ts";
import { estimateSchema } from "../runs/report-schema.ts";
import { VERDICTS } from "../stats/compare.ts";
import { VERSION } from "../version.ts";
import type { Collected } from "./collect.ts";
import { optimumSchema } from "./job.ts";
import type { LogLine } from "./log.ts";
import type { Study } from "./study.ts";

export const resultsFile = (folder: string): string => join(folder, "results.json");

/** JSON has no infinity: an end that is unknown is written as null. */
const end = (value: number) =>
  z
    .number()
    .nullable()
    .transform((found) => found ?? value);
const always = {
  safetyIndex: estimateSchema,
  utility: estimateSchema,
  poolAdvantage: estimateSchema,
  collusion: estimateSchema,
  externality: estimateSchema,
  worstCase: estimateSchema,
};
const rowSchema = z.object({
  row: z.string(),
  seeds: z.array(z.number()),
  settings: z.string(),
  marked: z.record(z.string(), z.string()),
  values: z.object({
    ...Object.fromEntries(QUANTITY_NAMES.map((name) => [name, estimateSchema.exactOptional()])),
    ...always,
  }),
});
const testSchema = z.object({
  quantity: z.enum(QUANTITY_NAMES),
  first: z.string(),
  second: z.string(),
  seeds: z.array(z.number()),
  difference: estimateSchema,
  p: z.number(),
  adjusted: z.number(),
  low: end(-Infinity),
  high: end(Infinity),
  verdict: z.enum(VERDICTS),
});
const gameSchema = z.object({
  game: z.string(),
  protocol: z.string(),
  rows: z.array(rowSchema).min(1),
  optimum: optimumSchema.exactOptional(),
  front: z.object({ safetyIndex: z.array(z.string()), payoff: z.array(z.string()) }),
  tests: z.array(testSchema),
});
const resultsSchema: z.ZodType<{ readonly games: readonly StudyGame[] }> = z.object({ games: z.array(gameSchema).min(1) });

type Finished = Extract<LogLine, { readonly event: "finished" }>;
/** The runs on validation seeds, by which settings were chosen. */
export const trialsOf = ({ log }: Pick<Collected, "log">): Finished[] =>
  log.filter((line): line is Finished => line.event === "finished" && line.role === "validation");

/** What is written. */
export const resultsText = (study: Study, collected: Collected, games: readonly StudyGame[]): string => {
  const { seeds, validationSeeds, settings, rows } = study;
  return jsonText({
    version: VERSION,
    settings,
    seeds,
    validationSeeds,
    rows: rows.map(({ name, set, hash }) => ({ row: name, set, hash })),
    games,
    trials: trialsOf(collected),
    frozen: collected.log.filter(({ event }) => event === "frozen"),
    failed: collected.log.filter(({ event }) => event === "failed"),
    missing: collected.missing,
  });
};

export const hasResults = (folder: string): Promise<boolean> =>
  access(resultsFile(folder)).then(
    () => true,
    () => false,
  );

/** The results of a study's folder. Throws `FileError`. */
export const readResults = async (folder: string): Promise<readonly StudyGame[]> =>
  (await readJson(resultsFile(folder), resultsSchema, "a study's results", (...error) => new FileError(...error))).games;
