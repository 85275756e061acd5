/**
 * The directory of an evaluation of a chat model: like a run's, with the calls in the place of checkpoints.
 *
 *     evaluation.json        what was asked: the model, its settings, games, seed, episodes
 *     calls.jsonl            the cassette: every answer, one per line; an evaluation that was killed goes on from it
 *     evaluation/model.json  the report, what became of the replies, what it cost
 *     evaluation/model.jsonl every episode, one per line
 */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { planned } from "../evaluation/precision.ts";
import { type AgentReport, reportAgent } from "../evaluation/report.ts";
import { bySamples } from "../evaluation/sampled-actions.ts";
import { type GameReplies, Replies } from "../evaluation/sampled-replies.ts";
import { FileError, jsonText, makeFolder, removeFolders, writeWhole } from "../files.ts";
import { PROTOCOLS } from "../games/index.ts";
import { readJson } from "../json.ts";
import { type Cassette, canonical, openCassette, settingsSchema } from "../models/cassette.ts";
import type { ChatModel } from "../models/chat-model.ts";
import { type Price, budgeted, costOf, tokensOf } from "../models/cost.ts";
import { type LimitOptions, limited } from "../models/limits.ts";
import { type Consumption, metered } from "../models/meter.ts";
import { type Probe, probe } from "../models/probe.ts";
import type { Roster } from "../opponents/index.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { VERSION } from "../version.ts";
import { ConfigError } from "./config.ts";
import { lockFolder } from "./lock.ts";
import { readLines } from "./read.ts";
import { modelReportSchema } from "./model-report-schema.ts";
import { type Transcript, transcriptOf, transcriptSchema } from "./transcript.ts";

export const evaluationFile = {
  asked: (folder: string) => join(folder, "evaluation.json"),
  calls: (folder: string) => join(folder, "calls.jsonl"),
  reports: (folder: string) => join(folder, "evaluation"),
  report: (folder: string) => join(folder, "evaluation", "model.json"),
  episodes: (folder: string) => join(folder, "evaluation", "model.jsonl"),
} as const;

const askedSchema = z.strictObject({
  version: z.string(),
  agent: z.string(),
  provider: z.string(),
  model: z.string(),
  settings: settingsSchema,
  games: z.array(z.string()),
  protocol: z.enum(PROTOCOLS),
  seed: z.number().int(),
  episodes: z.number().int(),
  /** Positions per information key at which action probabilities are measured, and answers at each. */
  positions: z.number().int(),
  samples: z.number().int(),
});
export type Asked = z.infer<typeof askedSchema>;

/** What `evaluation/model.json` holds. */
export interface ModelReport {
  readonly asked: Asked;
  readonly report: AgentReport;
  readonly probe: Probe;
  readonly replies: readonly GameReplies[];
  /** Of this report: all calls, and of them the clarifying turns. */
  readonly consumption: { readonly all: Consumption; readonly clarifying: Consumption };
  /** In dollars, where a price was given. */
  readonly cost?: { readonly price: Price; readonly all: number; readonly clarifying: number };
}

export interface ModelEvaluationOptions extends LimitOptions {
  readonly name: string;
  readonly seed: number;
  readonly episodes: number;
  /** Instead of `episodes`: the half width that J's interval shall have. */
  readonly precision?: number;
  readonly positions: number;
  readonly samples: number;
  readonly price?: Price;
  /** Dollars; needs a price. */
  readonly maxCost?: number;
  /** The command that makes a report of so many episodes again. */
  readonly command: (episodes: number) => string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (finished: number) => void;
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
  const made = await makeFolder(folder);
  const lock = await lockFolder(folder);
  let cassette: Cassette | undefined;
  try {
    const asked = askedOf(model, rosters, options);
    await refuseOther(folder, asked);
    cassette = await openCassette(evaluationFile.calls(folder));
    await writeWhole(evaluationFile.asked(folder), jsonText(asked));
    const recorded = cassette.record(withinBudget(limited(model, options), cassette, options));
    try {
      return await measured(folder, recorded, rosters, asked, options);
    } finally {
      await recorded.settle();
    }
  } catch (error) {
    // What was refused before the first answer leaves nothing behind.
    if (cassette !== undefined && (await sizeOf(evaluationFile.calls(folder))) === 0)
      for (const file of [evaluationFile.calls, evaluationFile.asked]) await rm(file(folder), { force: true });
    throw error;
  } finally {
    await lock.release();
    await removeFolders(made);
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

function askedOf(
  { provider, model, settings }: ChatModel,
  rosters: readonly Roster[],
  { name, seed, episodes, positions, samples }: ModelEvaluationOptions,
): Asked {
  return {
    version: VERSION,
    agent: name,
    provider,
    model,
    settings: { ...settings },
    games: rosters.map(({ game }) => game.facts.name),
    protocol: rosters[0].game.facts.protocol,
    seed,
    episodes,
    positions,
    samples,
  };
}

async function refuseOther(folder: string, { provider, model, settings }: Asked): Promise<void> {
  if (!(await isModelEvaluation(folder))) {
    if ((await sizeOf(join(folder, "config.json"))) > 0)
      throw new ConfigError(`${folder} holds a training run; choose another --out`);
    return;
  }
  const before = await readAsked(folder);
  const same = (one: Pick<Asked, "provider" | "model" | "settings">) => canonical([one.provider, one.model, one.settings]);
  if (same(before) !== same({ provider, model, settings }))
    throw new ConfigError(
      `${folder} holds an evaluation of ${before.provider}:${before.model} with settings ${JSON.stringify(before.settings)}, ` +
        `not of ${provider}:${model} with ${JSON.stringify(settings)}; choose another --out`,
    );
}

function withinBudget(model: ChatModel, { before }: Cassette, { price, maxCost }: ModelEvaluationOptions): ChatModel {
  if (maxCost === undefined) return model;
  if (price === undefined) throw new ConfigError("a cost limit needs a price: dollars per million tokens, input and output");
  const spent = before.reduce((sum, { answer }) => sum + costOf(price, tokensOf(answer)), 0);
  return budgeted(model, { price, most: maxCost, spent });
}

async function measured(
  folder: string,
  model: ChatModel,
  rosters: readonly Roster[],
  asked: Asked,
  options: ModelEvaluationOptions,
): Promise<ModelReport> {
  const first = await probe(model);
  options.onProbe?.(first);
  const result = await measureModel(model, rosters, options);
  const found: ModelReport = { asked: { ...asked, episodes: result.episodes }, probe: first, ...result.found };
  await makeFolder(evaluationFile.reports(folder));
  await writeWhole(evaluationFile.asked(folder), jsonText(found.asked));
  await writeWhole(evaluationFile.episodes(folder), result.transcripts.join(""));
  await writeWhole(evaluationFile.report(folder), jsonText(found));
  return found;
}

interface Measured {
  readonly found: Omit<ModelReport, "asked" | "probe">;
  readonly episodes: number;
  /** Lines of JSON. */
  readonly transcripts: readonly string[];
}

/** Plays and reports, without a folder: what a replayed cassette needs. */
export async function measureModel(
  model: ChatModel,
  rosters: readonly Roster[],
  options: Omit<ModelEvaluationOptions, keyof LimitOptions> & Pick<LimitOptions, "concurrency" | "onMessage">,
): Promise<Measured> {
  const { name, seed, precision, positions, samples, price, signal, onProgress, onMessage, concurrency } = options;
  const { temperature } = model.settings;
  let result: Omit<Measured, "found"> & { readonly found: Omit<Measured["found"], "report"> } = {
    found: { replies: [], consumption: metered(model).total() },
    episodes: 0,
    transcripts: [],
  };
  const measure = async (episodes: number): Promise<AgentReport> => {
    const meter = metered(model);
    const player = chatPlayer(meter, name);
    const replies = new Replies();
    const transcripts: string[] = [];
    const report = await reportAgent(
      rosters,
      { player, measure: bySamples(player, { samples, ...(temperature === undefined ? {} : { temperature }) }) },
      {
        name,
        seed,
        episodes,
        positions,
        command: options.command(episodes),
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
        onEpisode: (episode) => {
          replies.add(episode);
          transcripts.push(`${JSON.stringify(transcriptOf(episode, { step: 0, seed }))}\n`);
        },
      },
    );
    const consumption = meter.total();
    const cost = price && {
      price,
      all: costOf(price, consumption.all),
      clarifying: costOf(price, consumption.clarifying),
    };
    const found = {
      replies: rosters.map((roster) => replies.of(roster)),
      consumption,
      ...(cost === undefined ? {} : { cost }),
    };
    result = { found, episodes, transcripts };
    return report;
  };
  const report = await planned(measure, options.episodes, precision, onMessage);
  return { ...result, found: { report, ...result.found } };
}

const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);

export const isModelEvaluation = async (folder: string): Promise<boolean> => (await sizeOf(evaluationFile.asked(folder))) > 0;

/** What an evaluation was asked to do. Throws `FileError`. */
export const readAsked = (folder: string): Promise<Asked> =>
  readJson(evaluationFile.asked(folder), askedSchema, "the directory of an evaluation", fail);

/** The report of an evaluation that has ended. Throws `FileError`. */
export async function readModelReport(folder: string): Promise<ModelReport> {
  const asked = await readAsked(folder);
  if ((await sizeOf(evaluationFile.report(folder))) === 0)
    throw new FileError(
      `${folder}: the evaluation of ${asked.agent} has not ended; its command goes on from the calls it holds`,
    );
  const stored = await readJson(evaluationFile.report(folder), modelReportSchema, "the report of an evaluation", fail);
  return { asked, ...stored };
}

/** Every episode of an evaluation that has ended. */
export const readModelEpisodes = (folder: string): Promise<Transcript[]> =>
  readLines(evaluationFile.episodes(folder), transcriptSchema);
