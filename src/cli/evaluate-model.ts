/** The part of `sepo evaluate` that asks chat models. */
import { join } from "node:path";
import { forecastCalls } from "../evaluation/sampled-forecast.ts";
import { GAME_NAMES, type Protocol } from "../games/index.ts";
import { replayed } from "../models/cassette.ts";
import type { ChatModel, ChatSettings } from "../models/chat-model.ts";
import { type Price, costOf } from "../models/cost.ts";
import type { Probe } from "../models/probe.ts";
import { KEY_VARIABLES, type ModelName, openModel } from "../models/providers.ts";
import { redactor } from "../models/redact.ts";
import { callsTable, repliesTable } from "../report/models.ts";
import { type TextTable, terminalTable } from "../report/table.ts";
import { ConfigError } from "../runs/config.ts";
import { type ModelEvaluationOptions, type ModelReport, evaluateModel, measureModel } from "../runs/model-evaluation.ts";
import { modelKey } from "./connection.ts";
import { interruptSignal } from "./failure.ts";
import type { ModelFlags } from "./model-options.ts";
import { type Progress, createProgress } from "./progress.ts";
import { namedRosters } from "./rosters.ts";

export interface EvaluateModelFlags extends ModelFlags {
  readonly game?: readonly string[];
  readonly protocol?: Protocol;
  readonly episodes: number;
  readonly precision?: number;
  readonly seed: number;
  readonly concurrency?: number;
  readonly positions?: number;
}

/** Positions per information key at which a model is asked again. */
const POSITIONS = 4;

/** A report as it is printed: `asked` and `probe` are missing where nothing was asked. */
export type PrintedReport = Pick<ModelReport, "report" | "replies" | "consumption" | "cost"> & { readonly probe?: Probe };

/** Evaluates a model named on the command line; undefined after a dry run, which prints by itself. */
export async function evaluateNamed(name: ModelName, flags: EvaluateModelFlags): Promise<PrintedReport | undefined> {
  const apiKey = modelKey(KEY_VARIABLES[name.provider]);
  const { baseUrl, timeout, logprobs, maxCost, price } = flags;
  if (maxCost !== undefined && price === undefined)
    throw new ConfigError("--max-cost needs --price IN,OUT: dollars per million tokens, input and output");
  if (flags.dryRun === true) return dryRun(flags);
  const model = await openModel(name, {
    settings: settingsOf(flags),
    timeoutSeconds: timeout,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(logprobs === undefined ? {} : { topLogprobs: logprobs }),
  });
  const full = `${name.provider}:${name.model}`;
  const out = flags.out ?? join("runs", full.replaceAll(/[^\w.-]+/g, "-"));
  return withProgress(full, flags, async (options, progress) => {
    const found = await evaluateModel(out, model, await namedRosters(flags.game, flags.protocol), {
      ...options,
      redact: redactor(apiKey === undefined ? [] : [apiKey]),
      onProbe: (first) => tellProbe(first, progress),
    });
    progress.note(`calls, episodes and report are in ${out}; see them with: sepo report ${out}, sepo transcripts ${out}`);
    return found;
  });
}

/** Evaluates what a cassette holds. */
export async function evaluateCassette(file: string, flags: EvaluateModelFlags): Promise<PrintedReport> {
  if (flags.out !== undefined) throw new ConfigError("--out is for models that are asked; a cassette is replayed and printed");
  const model: ChatModel = await replayed(file);
  return withProgress(`cassette:${file}`, flags, async (options) => {
    const { found } = await measureModel(model, await namedRosters(flags.game, flags.protocol), options);
    return found;
  });
}

async function withProgress<T>(
  name: string,
  flags: EvaluateModelFlags,
  work: (options: ModelEvaluationOptions, progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = createProgress();
  const { seed, episodes, precision, samples, concurrency, price, maxCost, patience, requestsPerMinute, tokensPerMinute } =
    flags;
  const given = Object.entries({ precision, concurrency, price, maxCost, requestsPerMinute, tokensPerMinute });
  try {
    return await work(
      {
        name,
        seed,
        episodes,
        samples,
        positions: flags.positions ?? POSITIONS,
        patienceSeconds: patience,
        ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
        command: (count) => commandOf(name, flags, count),
        signal: interruptSignal(),
        onMessage: (text) => progress.note(text),
        onProgress: (finished) => progress.show(`${finished} episodes`),
      },
      progress,
    );
  } finally {
    progress.done();
  }
}

function tellProbe({ warnings, dropped, logprobs }: Probe, progress: Progress): void {
  for (const warning of warnings) progress.note(`the provider says: ${warning}`);
  if (dropped.length > 0)
    progress.note(
      `warning: it ignores ${dropped.join(", ")}, which ${dropped.length === 1 ? "was" : "were"} asked for; the report says so`,
    );
  if (logprobs) progress.note("it gives log-probabilities; action probabilities are read from them");
}

function settingsOf({ maxTokens, temperature, topP, modelSeed, providerOptions }: ModelFlags): ChatSettings {
  return {
    maxTokens,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(modelSeed === undefined ? {} : { seed: modelSeed }),
    ...(providerOptions === undefined ? {} : { providerOptions }),
  };
}

function commandOf(name: string, flags: EvaluateModelFlags, episodes: number): string {
  const { game = [], protocol, seed, samples, positions = POSITIONS, out, baseUrl, maxTokens } = flags;
  const settings = {
    temperature: flags.temperature,
    "top-p": flags.topP,
    "model-seed": flags.modelSeed,
    logprobs: flags.logprobs,
  };
  return [
    `sepo evaluate ${name}`,
    ...game.map((one) => `--game ${one}`),
    ...(protocol === undefined ? [] : [`--protocol ${protocol}`]),
    `--episodes ${episodes} --seed ${seed} --positions ${positions} --samples ${samples} --max-tokens ${maxTokens}`,
    ...Object.entries(settings).flatMap(([option, value]) => (value === undefined ? [] : [`--${option} ${value}`])),
    ...(flags.providerOptions === undefined ? [] : [`--provider-options '${JSON.stringify(flags.providerOptions)}'`]),
    ...(baseUrl === undefined ? [] : [`--base-url ${baseUrl}`]),
    ...(out === undefined ? [] : [`--out ${out}`]),
  ].join(" ");
}

/** Tokens of a short reason and an action, for forecasts. */
const SHORT_REPLY = 60;

async function dryRun(flags: EvaluateModelFlags): Promise<undefined> {
  const { seed, episodes, samples, positions = POSITIONS, maxTokens, price } = flags;
  const rosters = await namedRosters(flags.game ?? GAME_NAMES, flags.protocol);
  const games = await forecastCalls(rosters, { seed, episodes, samples, positions });
  const all = games.reduce((sum, { calls, input }) => ({ calls: sum.calls + calls, input: sum.input + input }), {
    calls: 0,
    input: 0,
  });
  const row = (name: string, { calls, input }: { readonly calls: number; readonly input: number }) => [
    name,
    String(calls),
    String(input),
    String(calls * SHORT_REPLY),
    String(calls * maxTokens),
    ...(price === undefined ? [] : [dollars(price, input, calls * SHORT_REPLY), dollars(price, input, calls * maxTokens)]),
  ];
  const table: TextTable = {
    title: `Nothing was sent. ${episodes} episodes per opponent, ${positions} positions per information key, ${samples} answers at each`,
    head: [
      "game",
      "calls",
      "input tokens",
      `output at ${SHORT_REPLY} a reply`,
      "output at most",
      ...(price === undefined ? [] : ["cost", "cost at most"]),
    ],
    rows: [...games.map((game) => row(game.game, game)), row("all", all)],
  };
  console.log(terminalTable(table));
  console.log("\nTokens are reckoned at four characters each; every unreadable reply adds a call.");
  return undefined;
}

const dollars = (price: Price, input: number, output: number): string => `$${costOf(price, { input, output }).toFixed(2)}`;

export const modelTables = (reports: readonly PrintedReport[]): TextTable[] => [repliesTable(reports), callsTable(reports)];
