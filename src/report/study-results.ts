/** What a study found, `results.json` in its folder: enough to print its tables again without its runs. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { QUANTITY_NAMES } from "../evaluation/quantities.ts";
import { FileError } from "../files.ts";
import { readJson } from "../json.ts";
import type { StudyGame } from "./study.ts";
import { estimateSchema } from "../runs/report-schema.ts";
import { VERDICTS } from "../stats/compare.ts";

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
  optimum: z.union([z.strictObject({ value: z.number() }), z.strictObject({ atMost: z.number() })]).exactOptional(),
  front: z.object({ safetyIndex: z.array(z.string()), payoff: z.array(z.string()) }),
  tests: z.array(testSchema),
});
const resultsSchema: z.ZodType<{ readonly games: readonly StudyGame[] }> = z.object({ games: z.array(gameSchema).min(1) });

export const hasResults = (folder: string): Promise<boolean> =>
  access(resultsFile(folder)).then(
    () => true,
    () => false,
  );

/** The results of a study's folder. Throws `FileError`. */
export const readResults = async (folder: string): Promise<readonly StudyGame[]> =>
  (await readJson(resultsFile(folder), resultsSchema, "a study's results", (...error) => new FileError(...error))).games;
