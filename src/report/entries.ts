/** What a leaderboard knows of each agent, read from the folders of runs and of models' evaluations. */
import { stat } from "node:fs/promises";
import { z } from "zod";
import type { AgentReport } from "../evaluation/report.ts";
import { FileError } from "../files.ts";
import { readJson } from "../json.ts";
import { readModelReport } from "../runs/model-evaluation.ts";
import { fileOf, readRun } from "../runs/read.ts";
import { evaluationFile, isModelEvaluation } from "../runs/recording.ts";
import type { Stage } from "../runs/stages.ts";

export interface Entry {
  readonly folder: string;
  readonly agent: string;
  /** What was in force beside the rules of measurement, in words. */
  readonly settings: string;
  readonly seed: number;
  /** Of the program that measured. */
  readonly version: string;
  /** Day on which it was measured, as ISO 8601. */
  readonly date: string;
  /** Dollars that the evaluation took, where a price was known. */
  readonly cost?: number;
  readonly games: AgentReport["games"];
}

/** The entry of a folder: of a run its last evaluated stage, or the one named. Throws `FileError`. */
export const readEntry = async (folder: string, stage?: Stage): Promise<Entry> =>
  (await isModelEvaluation(folder)) ? ofModel(folder) : ofRun(folder, stage);

async function ofModel(folder: string): Promise<Entry> {
  const { asked, report, probe, cost } = await readModelReport(folder);
  const { system, samples, positions } = asked;
  const settings = [
    ...described(asked.settings),
    ...(probe.dropped.length === 0 ? [] : [`ignored: ${probe.dropped.join(", ")}`]),
    ...(system === undefined ? [] : [`system prompt "${system.length > 40 ? `${system.slice(0, 40)}...` : system}"`]),
    `${samples} answers at ${positions} positions`,
  ].join(", ");
  return {
    folder,
    agent: report.agent,
    settings,
    seed: asked.seed,
    version: asked.version,
    date: await finishedOn(folder),
    ...(cost === undefined ? {} : { cost: cost.all }),
    games: report.games,
  };
}

const finishedSchema = z.object({ at: z.iso.datetime() });

/** Evaluations from before this was written are dated by their report's file. */
async function finishedOn(folder: string): Promise<string> {
  const path = evaluationFile.finished(folder);
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) return dayOf((await stat(evaluationFile.report(folder))).mtime);
  const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);
  const { at } = await readJson(path, finishedSchema, "the end of an evaluation", fail);
  return at.slice(0, 10);
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

/** `temperature 0.7, providerOptions {"a":1}`. */
const described = (settings: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(settings).map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`);

async function ofRun(folder: string, stage: Stage | undefined): Promise<Entry> {
  const { config, identity, reports } = await readRun(folder);
  const found = stage === undefined ? reports[reports.length - 1] : reports.find((stored) => stored.stage === stage);
  if (found === undefined)
    throw new FileError(
      `${folder}: holds no evaluation of ${stage ?? "a stage"}; it has ${reports.map((stored) => stored.stage).join(", ")}`,
    );
  const { sampler, sepo, engine } = config;
  return {
    folder,
    agent: `${folder} ${found.stage}`,
    settings: [
      `engine ${engine.kind}`,
      ...(found.stage === "sepo" ? [`credit ${sepo.credit}`] : []),
      ...described(sampler),
    ].join(", "),
    seed: found.provenance.seed,
    version: identity.version,
    date: dayOf((await stat(fileOf.report(folder, found.stage))).mtime),
    games: found.report.games,
  };
}
