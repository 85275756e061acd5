/** An agent on disk and in memory: an engine, the encoding that speaks to it, and how it samples. */
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { createEmbeddedEngine, loadEmbeddedEngine } from "../engines/embedded/engine.ts";
import { type Engine, EngineError, type SamplerSettings } from "../engines/engine.ts";
import { TabularEngine } from "../engines/tabular.ts";
import { type Encoding, chatEncoding, tableEncoding, tableVocabulary } from "../play/encoding.ts";
import { type Key, foldIn, seedKey } from "../random.ts";
import { trainTokenizer } from "../text/bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS, createChat } from "../text/chat.ts";
import { type TokenizerFiles, createTokenizer, loadTokenizer, saveTokenizer, tokenizerFiles } from "../text/tokenizer.ts";
import type { RunConfig } from "./config.ts";

export interface Agent {
  readonly kind: RunConfig["engine"]["kind"];
  readonly games: readonly string[];
  readonly engine: Engine;
  readonly encoding: Encoding;
  readonly sampler: SamplerSettings;
  /** Present for engines that read text. */
  readonly tokenizer?: TokenizerFiles;
}

const FILE = "sepo.json";
const fileSchema = z.strictObject({
  kind: z.enum(["embedded", "tabular"]),
  games: z.array(z.string()),
  sampler: z.strictObject({ temperature: z.number(), maxTokens: z.number() }),
  /** What a run needs to continue from here. */
  progress: z.unknown(),
});

const PAD_TOKEN = "<|pad|>";

/** A new agent with random weights; `corpus` is the language its tokenizer is made from. */
export function createAgent(config: RunConfig, corpus: () => Iterable<string>): Agent {
  const { kind, vocabularySize, threads, ...model } = config.engine;
  const key: Key = foldIn(seedKey(config.seed), "weights");
  if (kind === "tabular") return tabularAgent(config.games, config.sampler);
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
    ...(threads === 0 ? {} : { threads }),
  });
  return textAgent(config.games, engine, files, config.sampler);
}

type Sampling = Omit<SamplerSettings, "stop">;

function tabularAgent(games: readonly string[], sampler: Sampling): Agent {
  const vocabulary = tableVocabulary(games);
  const encoding = tableEncoding(vocabulary);
  const engine = new TabularEngine({ rows: vocabulary.rows, vocabularySize: encoding.vocabularySize });
  return { kind: "tabular", games, engine, encoding, sampler: { ...sampler, stop: encoding.stop } };
}

function textAgent(games: readonly string[], engine: Engine, files: TokenizerFiles, sampler: Sampling): Agent {
  const encoding = chatEncoding(createChat(createTokenizer(files)));
  return { kind: "embedded", games, engine, encoding, tokenizer: files, sampler: { ...sampler, stop: encoding.stop } };
}

/** Writes everything that `openAgent` and a resumed run need; the folder appears whole or not at all. */
export async function saveAgent(agent: Agent, folder: string, progress: unknown): Promise<void> {
  const partial = join(dirname(folder), `.partial-${basename(folder)}`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await agent.engine.save(partial);
  if (agent.tokenizer !== undefined) await saveTokenizer(partial, agent.tokenizer);
  const { temperature, maxTokens } = agent.sampler;
  const content = { kind: agent.kind, games: agent.games, sampler: { temperature, maxTokens }, progress };
  await writeFileAtomic(join(partial, FILE), `${JSON.stringify(content, undefined, 2)}\n`);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
}

/** Reads `sepo.json` of a checkpoint; an `EngineError` names what is wrong with it. */
export async function readAgentFile(folder: string): Promise<z.infer<typeof fileSchema>> {
  const path = join(folder, FILE);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new EngineError(`${path}: expected a checkpoint written by "sepo train", but it cannot be read`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new EngineError(`${path}: expected JSON; the file is malformed or truncated`, { cause });
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw new EngineError(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The agent saved in a checkpoint folder. */
export async function openAgent(folder: string): Promise<Agent> {
  const { kind, games, sampler } = await readAgentFile(folder);
  if (kind === "tabular") {
    const agent = tabularAgent(games, sampler);
    await agent.engine.load(folder);
    return agent;
  }
  return textAgent(games, await loadEmbeddedEngine(folder), await loadTokenizer(folder), sampler);
}
