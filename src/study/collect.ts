/** What a study's folder holds: the reports of every row and seed, what is missing, reference values, and the log. */
import { relative } from "node:path";
import type { AgentReport } from "../evaluation/report.ts";
import { FileError } from "../files.ts";
import { readReport } from "../runs/read.ts";
import type { Stage } from "../runs/stages.ts";
import { type OptimumValue, readOptimum, readScripted } from "./job.ts";
import { type ReferenceJob, cellFolder, isEvaluated, jobsOf, sharedFolder } from "./jobs.ts";
import { type LogLine, markOf, readLog } from "./log.ts";
import { STAGE_ROWS, type Study, rowName, sharedHash } from "./study.ts";

export interface CollectedReport {
  readonly row: string;
  readonly seed: number;
  readonly report: AgentReport;
  /** Why the seed may be biased for this row. */
  readonly mark?: string;
}

export interface Collected {
  readonly reports: readonly CollectedReport[];
  /** J* of a game under a protocol. */
  readonly optima: readonly { readonly game: string; readonly protocol: string; readonly optimum: OptimumValue }[];
  /** Rows and seeds without a report. */
  readonly missing: readonly string[];
  readonly log: readonly LogLine[];
}

/** Reads what is there; a run that is not finished is named among the missing. */
export async function collectStudy(study: Study, folder: string): Promise<Collected> {
  const log = await readLog(folder);
  const reports: CollectedReport[] = [];
  const missing: string[] = [];
  const add = async (row: string, seed: number, path: string, stage: Stage, mark?: string): Promise<void> => {
    if (await isEvaluated(path, stage))
      reports.push({ row, seed, report: (await readReport(path, stage)).report, ...(mark === undefined ? {} : { mark }) });
    else missing.push(`${row}, seed ${seed} (${relative(folder, path)})`);
  };
  for (const recipe of study.recipes)
    for (const stage of STAGE_ROWS)
      for (const seed of study.seeds)
        await add(
          rowName(recipe.recipe, stage),
          seed,
          sharedFolder(folder, recipe, seed),
          stage,
          markOf(log, { hash: sharedHash(recipe) }, seed),
        );
  for (const row of study.rows)
    for (const seed of study.seeds) await add(row.name, seed, cellFolder(folder, row, seed), "sepo", markOf(log, row, seed));
  const references = jobsOf(study, folder, "reported").filter((job): job is ReferenceJob => job.kind === "reference");
  const optima: Collected["optima"][number][] = [];
  for (const { name, game, seeds, config, optimum, scripted = [] } of references) {
    const found = await Promise.all(scripted.map((path) => orMissing(readScripted(path))));
    found.forEach((report, i) => {
      if (report !== undefined) reports.push({ row: `best scripted: ${report.agent}`, seed: seeds[i], report });
    });
    const value = optimum === undefined ? undefined : await orMissing(readOptimum(optimum));
    if (value !== undefined) optima.push({ game: found[0]?.games[0].game ?? game, protocol: config.protocol, optimum: value });
    if (found.includes(undefined) || (optimum !== undefined && value === undefined)) missing.push(name);
  }
  return { reports, optima, missing, log };
}

const orMissing = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: unknown) => {
    if (error instanceof FileError) return undefined;
    throw error;
  });
