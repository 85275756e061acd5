/** The evaluation of a chat model in a folder of its own (`recording.ts`). */
import { FileError, jsonText, makeFolder, writeWhole } from "../files.ts";
import { readJson } from "../json.ts";
import type { ChatModel } from "../models/chat-model.ts";
import { type Probe, probe } from "../models/probe.ts";
import type { Roster } from "../opponents/index.ts";
import { type Found, type MeasureModelOptions, measureModel } from "./measure-model.ts";
import { modelReportSchema } from "./model-report-schema.ts";
import { readLines } from "./read.ts";
import {
  type Asked,
  type RecordingOptions,
  askedOf,
  evaluationFile,
  hasModelReport,
  openRecording,
  readAsked,
} from "./recording.ts";
import { type Transcript, transcriptSchema } from "./transcript.ts";

/** What `evaluation/model.json` holds, and what was asked. */
export interface ModelReport extends Found {
  readonly asked: Asked;
  readonly probe: Probe;
}

export interface ModelEvaluationOptions extends MeasureModelOptions, Omit<RecordingOptions, "concurrency" | "onMessage"> {
  /** Told what the first call showed, before any other. */
  readonly onProbe?: (probe: Probe) => void;
}

/**
 * Evaluates a model in a folder, or goes on with what the folder holds of it. Throws `ConfigError` for a folder of another model or other
 * settings, `ModelError` where the model stopped answering: then the same call goes on.
 */
export async function evaluateModel(
  folder: string,
  model: ChatModel,
  rosters: readonly Roster[],
  options: ModelEvaluationOptions,
): Promise<ModelReport> {
  const wordings = options.worded?.map(({ wording }) => wording);
  const asked = askedOf(model, rosters, { ...options, ...(wordings === undefined ? {} : { wordings }) });
  const recording = await openRecording(folder, model, asked, options);
  try {
    const first = await probe(recording.model);
    options.onProbe?.(first);
    const { found, episodes, transcripts } = await measureModel(recording.model, rosters, options);
    const report: ModelReport = { asked: { ...asked, episodes }, probe: first, ...found };
    await makeFolder(evaluationFile.reports(folder));
    await writeWhole(evaluationFile.asked(folder), jsonText(report.asked));
    await writeWhole(evaluationFile.episodes(folder), transcripts.join(""));
    if (recording.asked() || !(await hasModelReport(folder)))
      await writeWhole(evaluationFile.finished(folder), jsonText({ at: new Date().toISOString() }));
    await writeWhole(evaluationFile.report(folder), jsonText(report));
    return report;
  } finally {
    await recording.close();
  }
}

const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);

/** The report of an evaluation that has ended. Throws `FileError`. */
export async function readModelReport(folder: string): Promise<ModelReport> {
  const asked = await readAsked(folder);
  if (!(await hasModelReport(folder)))
    throw new FileError(
      `${folder}: the evaluation of ${asked.agent} has not ended; its command goes on from the calls it holds`,
    );
  const stored = await readJson(evaluationFile.report(folder), modelReportSchema, "the report of an evaluation", fail);
  return { asked, ...stored };
}

/** Every episode of an evaluation that has ended. */
export const readModelEpisodes = (folder: string): Promise<Transcript[]> =>
  readLines(evaluationFile.episodes(folder), transcriptSchema);
