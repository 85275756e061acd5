/** What a study's folder holds: the reports of every row and seed, what is missing, reference values, and the log. */
import { relative } from "node:path";
import { type PairedIndex, differenceIn } from "../evaluation/compare.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { FileError } from "../files.ts";
import { openGames } from "../runs/games.ts";
import { readReport } from "../runs/read.ts";
import { episodesOf, readScores } from "../runs/scores.ts";
import type { Stage } from "../runs/stages.ts";
import { type OptimumValue, readOptimum, readScripted } from "./job.ts";
import { type ReferenceJob, cellFolder, isEvaluated, jobsOf, sharedFolder } from "./jobs.ts";
import { type LogLine, markOf, readLog } from "./log.ts";
import { STAGE_ROWS, type Study, type StudyRow, rowName, sharedHash } from "./study.ts";

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
  /** Where there is one seed: J of every row less that of the rows it is tested against, on the same scenarios. */
  readonly paired: readonly PairedIndex[];
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
  return { reports, optima, paired: study.seeds.length === 1 ? await pairedRows(study, folder) : [], missing, log };
}

/** A row at the only seed, and the run and stage that have its scores. */
interface Scored {
  readonly row: string;
  readonly path: string;
  readonly stage: Stage;
}

async function pairedRows(study: Study, folder: string): Promise<PairedIndex[]> {
  const [seed] = study.seeds;
  const found: PairedIndex[] = [];
  for (const recipe of study.recipes) {
    const own: Scored[] = [
      ...STAGE_ROWS.map((stage) => ({ row: rowName(recipe.recipe, stage), path: sharedFolder(folder, recipe, seed), stage })),
      ...study.rows
        .filter((row) => row.recipe === recipe.recipe)
        .map((row) => ({ row: row.name, path: cellFolder(folder, row, seed), stage: "sepo" as const })),
    ];
    const isControl = ({ row }: Scored) => study.against.some((name) => rowName(recipe.recipe, name) === row || name === row);
    for (const [i, second] of own.entries())
      for (const first of own.filter((row, j) => isControl(second) && j !== i && (!isControl(row) || j > i)))
        found.push(...(await differencesOf(recipe, first, second, seed)));
  }
  return found;
}

/** Differences of J in every game that both were measured in alike, with their scores kept. */
async function differencesOf(
  { config, modules }: StudyRow,
  first: Scored,
  second: Scored,
  seed: number,
): Promise<PairedIndex[]> {
  if (!(await isEvaluated(first.path, first.stage)) || !(await isEvaluated(second.path, second.stage))) return [];
  const [a, b] = await Promise.all([first, second].map(({ path, stage }) => readScores(path, stage)));
  const [one, other] = await Promise.all([first, second].map(({ path, stage }) => readReport(path, stage)));
  if (a === undefined || b === undefined) return [];
  const opened = await openGames(config, modules);
  return one.report.games.flatMap(({ game, protocol, settings }) => {
    const same = other.report.games.find((report) => report.game === game && report.settings === settings);
    const roster = opened.find((name) => name.roster.game.facts.name === game)?.roster;
    if (same === undefined || roster === undefined) return [];
    const measured = differenceIn(roster, episodesOf(a, game), episodesOf(b, game));
    return [{ game, protocol, first: first.row, second: second.row, seed, measured }];
  });
}

const orMissing = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: unknown) => {
    if (error instanceof FileError) return undefined;
    throw error;
  });
