/** An agent on disk and in memory: an engine, the encoding that speaks to it, and how it samples. */
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { type Device, type MachineOptions, createEmbeddedEngine, loadEmbeddedEngine } from "../engines/embedded/engine.ts";
import { type Engine, EngineError, type SamplerSettings } from "../engines/engine.ts";
import { TabularEngine } from "../engines/tabular.ts";
import { createTinkerEngine, loadTinkerEngine } from "../engines/tinker/engine.ts";
import { describeEvent } from "../engines/tinker/events.ts";
import { PROFILES, type Plan, refusals } from "../engines/tinker/profiles.ts";
import { GAME_NAMES, PROTOCOLS } from "../games/index.ts";
import { readJson } from "../json.ts";
import { type Roster, rosterOf } from "../opponents/index.ts";
import { type Encoding, chatEncoding, tableEncoding, tableVocabulary } from "../play/encoding.ts";
import { type Key, foldIn, seedKey } from "../random.ts";
import { trainTokenizer } from "../text/bpe.ts";
import { findModelFolder, modelChat } from "../text/model-folder.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS, createChat } from "../text/chat.ts";
import { type TokenizerFiles, createTokenizer, loadTokenizer, saveTokenizer, tokenizerFiles } from "../text/tokenizer.ts";
import { ConfigError, type RunConfig } from "./config.ts";
import { adamSettings } from "./supervised.ts";

export interface Agent {
  readonly kind: RunConfig["engine"]["kind"];
  readonly rosters: readonly Roster[];
  readonly engine: Engine;
  readonly encoding: Encoding;
  readonly sampler: SamplerSettings;
  /** Present for engines that read text. */
  readonly tokenizer?: TokenizerFiles;
  /** Present for models that may think before they answer. */
  readonly thinking?: boolean;
}

/** How an engine uses this machine, or reaches another. */
export interface Connection extends MachineOptions {
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
  /** Told what a person may want to know, such as what the engine waits for. */
  readonly onMessage?: (text: string) => void;
}

const FILE = "sepo.json";
const fileSchema = z.strictObject({
  kind: z.enum(["embedded", "tabular", "tinker"]),
  games: z.array(z.enum(GAME_NAMES)),
  protocol: z.enum(PROTOCOLS),
  sampler: z.strictObject({ temperature: z.number(), maxTokens: z.number() }),
  thinking: z.boolean().optional(),
  /** What a run needs to continue from here. */
  progress: z.unknown(),
});

const PAD_TOKEN = "<|pad|>";

/**
 * A new agent: with random weights and a tokenizer made from the language of `corpus`, or with a server's model and a fresh
 * adapter. Throws `ConfigError` for a run that the server would not train as it says.
 */
export async function createAgent(
  config: RunConfig,
  corpus: () => Iterable<string>,
  connection: Connection = {},
): Promise<Agent> {
  const key: Key = foldIn(seedKey(config.seed), "weights");
  const rosters = rostersOf(config);
  if (config.engine.kind === "tinker") return createTinkerAgent(config, config.engine, rosters, key, connection);
  const { kind, vocabularySize, threads, device, ...model } = config.engine;
  if (kind === "tabular") return tabularAgent(rosters, config.sampler);
  const trained = trainTokenizer(corpus(), { vocabularySize, specialTokens: SPECIAL_TOKENS });
  const files = tokenizerFiles(trained, {
    chatTemplate: CHAT_TEMPLATE,
    end: END_TOKEN,
    pad: PAD_TOKEN,
    contextLength: model.contextLength,
  });
  const tokenizer = createTokenizer(files);
  const engine = createEmbeddedEngine({
    model: { ...model, vocabularySize: tokenizer.vocabularySize, ropeTheta: 10_000, normEpsilon: 1e-6 },
    key,
    ...machineOf({ threads, device }),
  });
  return textAgent("embedded", rosters, engine, files, config.sampler);
}

/** The machine options of an engine's configuration, where it runs in this process. */
export const machineOf = (engine: { readonly threads?: number; readonly device?: Device }): MachineOptions => ({
  ...(engine.threads ? { threads: engine.threads } : {}),
  ...(engine.device ? { device: engine.device } : {}),
});

async function createTinkerAgent(
  config: RunConfig,
  { tokenizer, thinking, kind, baseUrl, requestTokens, ...options }: Extract<RunConfig["engine"], { kind: "tinker" }>,
  rosters: readonly Roster[],
  key: Key,
  connection: Connection,
): Promise<Agent> {
  const reasons = refusals(PROFILES[options.profile], planOf(config));
  if (reasons.length > 0)
    throw new ConfigError(`the server would not train what the configuration says:\n${reasons.join("\n")}`);
  const files = await loadTokenizer(await findModelFolder(tokenizer));
  const { vocabularySize } = createTokenizer(files);
  const engine = await createTinkerEngine({
    ...options,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(requestTokens === undefined ? {} : { requestLimits: { tokens: requestTokens } }),
    ...tinkerConnection(connection),
    vocabularySize,
    key,
  });
  return textAgent(kind, rosters, engine, files, config.sampler, thinking);
}

/** What a run wants of its server. */
export const planOf = ({ sampler, base, sft, sepo }: RunConfig): Plan => ({
  temperature: sampler.temperature,
  reference: sepo.beta > 0,
  offPolicy: { "sepo.maxStepsOffPolicy": sepo.maxStepsOffPolicy, "sepo.stragglerSeconds": sepo.stragglerSeconds },
  adam: {
    ...(base.epochs === 0 ? {} : { base: adamSettings(base) }),
    ...(sft.epochs === 0 ? {} : { sft: adamSettings(sft) }),
    sepo: adamSettings(sepo),
  },
});

const tinkerConnection = ({ signal, onMessage }: Connection) => ({
  ...(signal === undefined ? {} : { signal }),
  ...(onMessage === undefined
    ? {}
    : { onEvent: (event: Parameters<typeof describeEvent>[0]) => onMessage(describeEvent(event)) }),
});

/** The rosters of a run's games under its protocol. */
export const rostersOf = ({ games, protocol }: Pick<RunConfig, "games" | "protocol">): Roster[] =>
  games.map((name) => rosterOf(name, protocol));

type Sampling = Omit<SamplerSettings, "stop">;

function tabularAgent(rosters: readonly Roster[], sampler: Sampling): Agent {
  const games = rosters.map(({ game }) => game);
  const large = games.find(({ facts }) => !facts.enumerable);
  if (large !== undefined)
    throw new EngineError(`tabular: ${large.facts.name} has too many positions for a table; expected engine.kind = "embedded"`);
  const vocabulary = tableVocabulary(games);
  const encoding = tableEncoding(vocabulary);
  const engine = new TabularEngine({ rows: vocabulary.rows, vocabularySize: encoding.vocabularySize });
  return { kind: "tabular", rosters, engine, encoding, sampler: { ...sampler, stop: encoding.stop } };
}

function textAgent(
  kind: "embedded" | "tinker",
  rosters: readonly Roster[],
  engine: Engine,
  files: TokenizerFiles,
  sampler: Sampling,
  thinking?: boolean,
): Agent {
  const chat = thinking === undefined ? createChat(createTokenizer(files)) : modelChat(files, { thinking });
  const encoding = chatEncoding(chat);
  const settings = { ...sampler, stop: encoding.stop };
  return {
    kind,
    rosters,
    engine,
    encoding,
    tokenizer: files,
    sampler: settings,
    ...(thinking === undefined ? {} : { thinking }),
  };
}

/** Writes everything that `openAgent` and a resumed run need; the folder appears whole or not at all. */
export async function saveAgent(agent: Agent, folder: string, progress: unknown): Promise<void> {
  const partial = join(dirname(folder), `.partial-${basename(folder)}`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await agent.engine.save(partial);
  if (agent.tokenizer !== undefined) await saveTokenizer(partial, agent.tokenizer);
  const { temperature, maxTokens } = agent.sampler;
  const { protocol } = agent.rosters[0].game.facts;
  const games = agent.rosters.map(({ game }) => game.facts.name);
  const { kind, thinking } = agent;
  const content = { kind, games, protocol, sampler: { temperature, maxTokens }, thinking, progress };
  await writeFileAtomic(join(partial, FILE), `${JSON.stringify(content, undefined, 2)}\n`);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
}

/** Reads `sepo.json` of a checkpoint; an `EngineError` names what is wrong with it. */
export const readAgentFile = (folder: string): Promise<z.infer<typeof fileSchema>> =>
  readJson(join(folder, FILE), fileSchema, 'a checkpoint written by "sepo train"', (...error) => new EngineError(...error));

/** The agent saved in a checkpoint folder. */
export async function openAgent(folder: string, connection: Connection = {}): Promise<Agent> {
  const { kind, sampler, thinking, ...played } = await readAgentFile(folder);
  const rosters = rostersOf(played);
  if (kind === "tabular") {
    const agent = tabularAgent(rosters, sampler);
    await agent.engine.load(folder);
    return agent;
  }
  const files = await loadTokenizer(folder);
  if (kind === "embedded")
    return textAgent(kind, rosters, await loadEmbeddedEngine(folder, machineOf(connection)), files, sampler);
  const baseUrl = process.env["TINKER_BASE_URL"];
  const engine = await loadTinkerEngine(folder, {
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...tinkerConnection(connection),
    vocabularySize: createTokenizer(files).vocabularySize,
    key: seedKey(0),
  });
  return textAgent(kind, rosters, engine, files, sampler, thinking);
}
