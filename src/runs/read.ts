/**
 * Reading the directory of a run. Reports, pages and comparisons read runs through this module alone; it changes nothing.
 *
 *     run.json        identity, and what was changed on purpose since the start
 *     config.json     the configuration
 *     metrics.jsonl   one line per step, without a clock
 *     timing.jsonl    one line per step: its seconds
 *     transcripts/    episodes of some steps, one per line
 *     checkpoints/    a folder per checkpoint (`checkpoint.ts`)
 *     evaluation/     per finished stage its report (STAGE.json), some of the episodes (STAGE.jsonl) and the scores of all (`scores.ts`)
 *     modules/        copies of the user's own games
 *     run.lock        while a process writes
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { AgentReport } from "../evaluation/report.ts";
import { FileError, readText, reasonOf } from "../files.ts";
import { parseJson, readJson } from "../json.ts";
import { ConfigError, type RunConfig, configSchema } from "./config.ts";
import { checkpointNames, hashOf } from "./checkpoint.ts";
import { type Provenance, evaluationSchema } from "./report-schema.ts";
import { STAGES, type Stage } from "./stages.ts";
import { type Transcript, transcriptSchema } from "./transcript.ts";

export const fileOf = {
  run: (folder: string) => join(folder, "run.json"),
  config: (folder: string) => join(folder, "config.json"),
  metrics: (folder: string) => join(folder, "metrics.jsonl"),
  timing: (folder: string) => join(folder, "timing.jsonl"),
  checkpoints: (folder: string) => join(folder, "checkpoints"),
  checkpoint: (folder: string, name: string) => join(folder, "checkpoints", name),
  transcripts: (folder: string) => join(folder, "transcripts"),
  evaluation: (folder: string) => join(folder, "evaluation"),
  episodes: (folder: string, stage: Stage) => join(folder, "evaluation", `${stage}.jsonl`),
  report: (folder: string, stage: Stage) => join(folder, "evaluation", `${stage}.json`),
} as const;

const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);

export const identitySchema = z.strictObject({
  /** SHA-256 of the configuration and of what the run started from. */
  id: z.string(),
  /** Of the program that began it. */
  version: z.string(),
  /** Hash of config.json as it was written at the beginning. */
  config: z.string().optional(),
  /** Hash of the checkpoint whose weights it began with, where it was warm-started. */
  from: z.string().optional(),
  /** What was changed when it was continued: assignments, the step before which they hold, and the hash of config.json since. */
  changes: z.array(
    z.strictObject({
      stage: z.enum(STAGES),
      step: z.number().int(),
      set: z.array(z.string()),
      config: z.string().optional(),
    }),
  ),
});
export type Identity = z.infer<typeof identitySchema>;

export const readIdentity = (folder: string): Promise<Identity> =>
  readJson(fileOf.run(folder), identitySchema, 'a run written by "sepo train"', fail);

/** The configuration a run was started with, and continued with since. Throws `FileError`. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  try {
    return await readJson(fileOf.config(folder), configSchema, "the directory of a run", fail);
  } catch (cause) {
    if (cause instanceof ConfigError) throw new FileError(`${fileOf.config(folder)}: ${cause.message}`, { cause });
    throw cause;
  }
}

const stepLine = z.object({ stage: z.enum(STAGES), step: z.number().int() });
const metricsLine = stepLine.catchall(z.number());
const timingLine = stepLine.extend({ seconds: z.number() });
export type MetricsLine = z.infer<typeof metricsLine>;
export type TimingLine = z.infer<typeof timingLine>;

/** The lines of a file of JSON lines; a last line without its end is what a run is writing, or a crash tore, and is left out. */
export async function readLines<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const text = await readText(path, "a file of a run");
  const lines = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1);
  return lines.map((line, i) => parseJson(line, `${path}, line ${i + 1}`, schema, fail));
}

export const readMetrics = (folder: string): Promise<MetricsLine[]> => readLines(fileOf.metrics(folder), metricsLine);
export const readTiming = (folder: string): Promise<TimingLine[]> => readLines(fileOf.timing(folder), timingLine);

/** Names of the transcripts of a run, in the order of their steps. */
export async function transcriptNames(folder: string): Promise<string[]> {
  const names = await readdir(fileOf.transcripts(folder)).catch(() => []);
  return names.filter((name) => name.endsWith(".jsonl")).toSorted();
}
export const readTranscripts = (folder: string, name: string): Promise<Transcript[]> =>
  readLines(join(fileOf.transcripts(folder), name), transcriptSchema);

/** Transcripts of episodes that the report of a stage was made from, the first few against each opponent. */
export const readEpisodes = (folder: string, stage: Stage): Promise<Transcript[]> =>
  readLines(fileOf.episodes(folder, stage), transcriptSchema);

export interface StoredReport {
  readonly stage: Stage;
  readonly provenance: Provenance;
  readonly report: AgentReport;
  /** Whether it was made from the checkpoint that the run holds now; undefined where the checkpoint was taken away. */
  readonly current: boolean | undefined;
}

/** The evaluations of a run, in the order of its stages. Throws `FileError` where there are none. */
export async function readReports(folder: string): Promise<StoredReport[]> {
  const names = await readdir(fileOf.evaluation(folder)).catch((cause: unknown) => {
    throw new FileError(
      `${fileOf.evaluation(folder)}: expected the evaluations of a run, but it cannot be read: ${reasonOf(cause)}`,
      { cause },
    );
  });
  const stages = STAGES.filter((stage) => names.includes(`${stage}.json`));
  if (stages.length === 0) throw new FileError(`${fileOf.evaluation(folder)}: holds no evaluation yet`);
  return Promise.all(stages.map((stage) => readReport(folder, stage)));
}

export async function readReport(folder: string, stage: Stage): Promise<StoredReport> {
  const { provenance, ...report } = await readJson(fileOf.report(folder, stage), evaluationSchema, "an evaluation", fail);
  const checkpoint = fileOf.checkpoint(folder, stage);
  const present = await stat(checkpoint).then(
    () => true,
    () => false,
  );
  const current = present ? (await hashOf(checkpoint)) === provenance.checkpoint : undefined;
  return { stage, provenance, report, current };
}

export interface RunSummary {
  readonly folder: string;
  readonly config: RunConfig;
  readonly identity: Identity;
  readonly checkpoints: readonly string[];
  readonly reports: readonly StoredReport[];
}

/** What a run's folder says of it, except the long files. */
export async function readRun(folder: string): Promise<RunSummary> {
  const [config, identity, checkpoints, reports] = await Promise.all([
    readRunConfig(folder),
    readIdentity(folder),
    checkpointNames(fileOf.checkpoints(folder)),
    readReports(folder),
  ]);
  return { folder, config, identity, checkpoints, reports };
}
