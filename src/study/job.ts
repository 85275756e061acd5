/** Does one job of a study: trains and evaluates, or works out reference values. What a kill left is continued. */
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Connection } from "../engines/driver.ts";
import { type AgentReport, reportPolicy } from "../evaluation/report.ts";
import { FileError, jsonText, makeFolder, writeWhole } from "../files.ts";
import type { Policy } from "../games/index.ts";
import { readJson } from "../json.ts";
import { type Roster, policiesOf } from "../opponents/index.ts";
import { branchRun } from "../runs/branch.ts";
import { openGames } from "../runs/games.ts";
import { readRunConfig } from "../runs/read.ts";
import { reportSchema } from "../runs/report-schema.ts";
import type { RunEvent, Stage } from "../runs/stages.ts";
import { exactJ, hasExactIndex, optimum, utilityBound } from "../solvers/optimum.ts";
import { type TrainOptions, train } from "../training/run.ts";
import { type CellJob, type Job, type ReferenceJob, type SharedJob, stateOf } from "./jobs.ts";

export interface JobOptions {
  readonly signal?: AbortSignal;
  readonly connection?: Pick<Connection, "apiKey" | "baseUrl">;
  /** Told which part of the job is done, from 0 to 1. */
  readonly onProgress?: (done: number) => void;
  readonly onWarning?: (text: string) => void;
}

/** J* of a game, or a bound. */
export const optimumSchema = z.union([z.strictObject({ value: z.number() }), z.strictObject({ atMost: z.number() })]);
export type OptimumValue = z.infer<typeof optimumSchema>;

export async function runJob(job: Job, options: JobOptions = {}): Promise<void> {
  switch (job.kind) {
    case "shared":
      return trainJob(job, "sft", options);
    case "cell":
      if ((await stateOf(job)) === "to do")
        await branchRun(job.source, job.folder, job.config, await openGames(job.config, job.modules));
      return trainJob(job, "sepo", options);
    case "reference":
      return referenceJob(job, options);
  }
}

async function trainJob(job: SharedJob | CellJob, until: Stage, options: JobOptions): Promise<void> {
  const { signal, connection, onProgress, onWarning } = options;
  const settings: TrainOptions = {
    until,
    ...(signal === undefined ? {} : { signal }),
    ...(connection === undefined ? {} : { connection }),
    onEvent(event) {
      if (event.kind === "warning") onWarning?.(event.text);
      const done = partDone(event, job.kind === "shared" ? ["base", "sft"] : ["sepo"]);
      if (done !== undefined) onProgress?.(done);
    },
  };
  if ((await stateOf(job)) === "to do") await train(job.config, job.folder, { ...settings, modules: job.modules });
  else await train(await readRunConfig(job.folder), job.folder, { ...settings, resume: true });
}

/** Share of a stage's work that its training is; the rest is its evaluation. */
const TRAINING = 0.75;

function partDone(event: RunEvent, stages: readonly Stage[]): number | undefined {
  const part = partOfStage(event);
  if (part === undefined) return undefined;
  const index = stages.indexOf(part.stage);
  return index < 0 ? undefined : (index + part.done) / stages.length;
}

function partOfStage(event: RunEvent): { readonly stage: Stage; readonly done: number } | undefined {
  if (event.kind === "step") return { stage: event.stage, done: (TRAINING * event.step) / event.steps };
  if (event.kind === "evaluating")
    return { stage: event.stage, done: TRAINING + ((1 - TRAINING) * event.finished) / event.episodes };
  return event.kind === "evaluated" ? { stage: event.stage, done: 1 } : undefined;
}

async function referenceJob(job: ReferenceJob, { signal, onProgress }: JobOptions): Promise<void> {
  const { config, modules, seeds, scripted = [] } = job;
  const opened = await openGames(config, modules);
  const roster = opened.find(({ name }) => name === job.game)!.roster;
  if (scripted.length > 0) {
    const policy = bestScripted(roster);
    for (const [i, path] of scripted.entries()) {
      signal?.throwIfAborted();
      const { episodes } = config.evaluation;
      const { name: game, protocol } = roster.game.facts;
      const command = `sepo evaluate --policy ${policy.name} --game ${game} --protocol ${protocol} --episodes ${episodes} --seed ${seeds[i]}`;
      await writeFile(path, reportPolicy(roster, policy, { name: policy.name, seed: seeds[i], episodes, command }));
      onProgress?.((0.5 * (i + 1)) / scripted.length);
    }
  }
  if (job.optimum !== undefined) await writeFile(job.optimum, optimumOf(roster));
}

async function writeFile(path: string, value: AgentReport | OptimumValue): Promise<void> {
  await makeFolder(dirname(path));
  await rm(path, { force: true });
  await writeWhole(path, jsonText(value));
}

/** Episodes per opponent by which the best scripted policy is chosen where J cannot be enumerated, and their seed, which nobody reports. */
const CHOICE = { episodes: 500, seed: 2 ** 31 };

/** The scripted policy with the best J: exact, or by episodes that no table is made of. */
function bestScripted(roster: Roster): Policy {
  const value = (policy: Policy): number =>
    hasExactIndex(roster.game.facts)
      ? exactJ(roster, policy)
      : reportPolicy(roster, policy, { ...CHOICE, name: policy.name, command: "" }).games[0].objective.safetyIndex.value;
  const scored = [...policiesOf(roster).values()].map((policy) => ({ policy, score: value(policy) }));
  return scored.reduce((best, one) => (one.score > best.score ? one : best)).policy;
}

/** J*; a bound where the game cannot be enumerated, infinite where none is known. */
function optimumOf(roster: Roster): OptimumValue {
  if (hasExactIndex(roster.game.facts)) return { value: optimum(roster).value };
  const { average, fixedRounds } = roster.game.facts;
  return { atMost: average === "round" && fixedRounds ? utilityBound(roster) : Number.MAX_VALUE };
}

const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);

export const readOptimum = (path: string): Promise<OptimumValue> => readJson(path, optimumSchema, "a value of J*", fail);
export const readScripted = (path: string): Promise<AgentReport> => readJson(path, reportSchema, "a report", fail);
