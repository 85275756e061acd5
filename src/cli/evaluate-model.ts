/** The part of `sepo evaluate` that asks chat models. */
import { forecastCalls } from "../evaluation/sampled-forecast.ts";
import { type Protocol, WORDINGS, type WordingName } from "../games/index.ts";
import { replayed } from "../models/cassette.ts";
import type { ChatModel } from "../models/chat-model.ts";
import { type Price, costOf } from "../models/cost.ts";
import type { Probe } from "../models/probe.ts";
import type { ModelName } from "../models/providers.ts";
import { callsTable, repliesTable, wordingsTable } from "../report/models.ts";
import { type TextTable, terminalTable } from "../report/table.ts";
import { ConfigError } from "../runs/config.ts";
import { readText } from "../files.ts";
import { type MeasureModelOptions, type WordedRosters, measureModel } from "../runs/measure-model.ts";
import { type ModelEvaluationOptions, type ModelReport, evaluateModel } from "../runs/model-evaluation.ts";
import { interruptSignal } from "./failure.ts";
import { folderOf, fullName, openLive, priceOf } from "./live-model.ts";
import type { ModelFlags } from "./model-options.ts";
import { type Progress, createProgress } from "./progress.ts";
import { namedGames, namedRosters } from "./rosters.ts";

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
export type PrintedReport = Pick<ModelReport, "report" | "replies" | "wordings" | "consumption" | "cost"> & {
  readonly probe?: Probe;
};

/** Evaluates a model named on the command line; undefined after a dry run, which prints by itself. */
export async function evaluateNamed(name: ModelName, flags: EvaluateModelFlags): Promise<PrintedReport | undefined> {
  if (flags.dryRun === true) return dryRun(flags, await priceOf(name, flags));
  const full = fullName(name);
  const out = flags.out ?? folderOf(name);
  const { model, limits } = await openLive(name, flags);
  const { price } = limits;
  const priced = price === undefined ? flags : { ...flags, price };
  return withProgress(full, priced, async (options, progress) => {
    if (flags.modelSeed !== undefined && flags.samples > 1 && flags.logprobs === undefined)
      progress.note(
        "warning: with --model-seed equal questions have equal answers, so that --samples of them say no more than one",
      );
    const games = await namedGames(flags.game, flags.protocol, mainWording(flags));
    const rosters = games.map(({ roster }) => roster);
    const found = await evaluateModel(out, model, rosters, {
      ...limits,
      ...options,
      games,
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
    const rosters = await namedRosters(flags.game, flags.protocol, mainWording(flags));
    const { found } = await measureModel(model, rosters, options);
    return found;
  });
}

async function withProgress<T>(
  name: string,
  flags: EvaluateModelFlags,
  work: (options: MeasureModelOptions & ModelEvaluationOptions, progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = createProgress();
  const { seed, episodes, precision, samples, concurrency, price } = flags;
  const given = Object.entries({ precision, concurrency, price });
  try {
    const worded = await wordedRosters(flags);
    const system = await systemPrompt(flags);
    return await work(
      {
        name,
        seed,
        episodes,
        samples,
        positions: flags.positions ?? POSITIONS,
        ...(worded.length === 0 ? {} : { worded }),
        ...(system === undefined ? {} : { system }),
        ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
        command: (count) => commandOf(name, flags, count),
        signal: interruptSignal(),
        onMessage: (text) => progress.note(text),
        onProgress: (finished, all) => progress.show(`${finished}/${all} episodes`),
      },
      progress,
    );
  } finally {
    progress.done();
  }
}

/** The words of the main report. */
const mainWording = ({ wording = "standard" }: EvaluateModelFlags): WordingName => (wording === "all" ? "standard" : wording);

/** The games in the further wordings that `--wording all` asks for. */
const wordedRosters = ({ game, protocol, wording: asked }: EvaluateModelFlags): Promise<WordedRosters[]> =>
  Promise.all(
    WORDINGS.filter((wording) => asked === "all" && wording !== "standard").map(async (wording) => ({
      wording,
      rosters: await namedRosters(game, protocol, wording),
    })),
  );

/** The text of `--system FILE`. */
async function systemPrompt({ system }: EvaluateModelFlags): Promise<string | undefined> {
  if (system === undefined) return undefined;
  const text = (await readText(system, "a system prompt")).trim();
  if (text === "") throw new ConfigError(`${system}: the system prompt is empty; leave out --system to send none`);
  return text;
}

function tellProbe({ warnings, dropped, logprobs }: Probe, progress: Progress): void {
  for (const warning of warnings) progress.note(`the provider says: ${warning}`);
  if (dropped.length > 0)
    progress.note(
      `warning: it ignores ${dropped.join(", ")}, which ${dropped.length === 1 ? "was" : "were"} asked for; the report says so`,
    );
  if (logprobs) progress.note("it gives log-probabilities; action probabilities are read from them");
}

function commandOf(name: string, flags: EvaluateModelFlags, episodes: number): string {
  const { game = [], protocol, seed, samples, positions = POSITIONS, out, baseUrl, maxTokens } = flags;
  const settings = {
    temperature: flags.temperature,
    "top-p": flags.topP,
    "model-seed": flags.modelSeed,
    logprobs: flags.logprobs,
    wording: flags.wording,
    system: flags.system,
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

async function dryRun(flags: EvaluateModelFlags, price: Price | undefined): Promise<undefined> {
  const { seed, episodes, samples, positions = POSITIONS, maxTokens } = flags;
  const main = await namedRosters(flags.game, flags.protocol, mainWording(flags));
  const rosters = [...main, ...(await wordedRosters(flags)).flatMap((worded) => worded.rosters)];
  const system = await systemPrompt(flags);
  const games = await forecastCalls(rosters, { seed, episodes, samples, positions, system });
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
    rows: [...games.map((game) => row(`${game.game} ${game.settings}`.trim(), game)), row("all", all)],
  };
  console.log(terminalTable(table));
  if (price !== undefined) console.log(`\n${priceText(price)}`);
  console.log("\nTokens are reckoned at four characters each; every unreadable reply adds a call.");
  return undefined;
}

const priceText = ({ input, output, source = "as given" }: Price): string =>
  `Price: $${input} per million input tokens, $${output} per million output tokens (${source}).`;

const dollars = (price: Price, input: number, output: number): string => `$${costOf(price, { input, output }).toFixed(2)}`;

export const modelTables = (reports: readonly PrintedReport[]): TextTable[] => [
  ...wordingsTable(reports),
  repliesTable(reports),
  callsTable(reports),
];
