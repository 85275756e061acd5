/** An agent in memory and on disk: an engine, the encoding that speaks to it, how it samples, and the games it plays. */
import type { Connection, EngineVocabulary, VocabularySource } from "../engines/driver.ts";
import { type EngineKind, driverOf } from "../engines/drivers.ts";
import { type Engine, EngineError, type SamplerSettings } from "../engines/engine.ts";
import type { Protocol, WordingName } from "../games/index.ts";
import type { Roster } from "../opponents/index.ts";
import { type Encoding, chatEncoding, tableEncoding, tableVocabulary } from "../play/encoding.ts";
import type { LanguageModel } from "../play/language-model.ts";
import { foldIn, seedKey } from "../random.ts";
import { trainTokenizer } from "../text/bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS, createChat } from "../text/chat.ts";
import { findModelFolder, modelChat } from "../text/model-folder.ts";
import { loadTokenizer, saveTokenizer } from "../text/tokenizer-files.ts";
import { type TokenizerFiles, createTokenizer, tokenizerFiles } from "../text/tokenizer.ts";
import { type Progress, checkCheckpoint, findCheckpoint, readAgentFile, writeCheckpoint } from "./checkpoint.ts";
import { ConfigError, type RunConfig } from "./config.ts";
import { type RunGame, keptSections, openGames, saveModules } from "./games.ts";
import { trainingPlan } from "./plan.ts";

export interface Agent {
  readonly kind: EngineKind;
  readonly games: readonly RunGame[];
  readonly protocol: Protocol;
  readonly engine: Engine;
  readonly encoding: Encoding;
  readonly sampling: SamplerSettings;
  /** Present for engines that read text. */
  readonly tokenizer?: TokenizerFiles;
  /** Present for models that may think before they answer. */
  readonly thinking?: boolean;
}

export const rostersOf = ({ games }: { readonly games: readonly RunGame[] }): Roster[] => games.map(({ roster }) => roster);

/** The agent as something that plays and whose probabilities can be read. */
export const modelOf = ({ engine, encoding, sampling }: Agent): LanguageModel => ({ sampler: engine, encoding, sampling });

/** Text that a tokenizer is trained on. */
export type Corpus = () => Iterable<string> | Promise<Iterable<string>>;

const PAD_TOKEN = "<|pad|>";

/**
 * A new agent for a configuration whose games are open. A tokenizer that is trained learns the language of `corpus`. Throws `ConfigError`
 * for a run that the engine would not train as it says.
 */
export async function createAgent(
  config: RunConfig,
  games: readonly RunGame[],
  corpus: Corpus,
  connection: Connection = {},
): Promise<Agent> {
  const { kind } = config.engine;
  const driver = driverOf(kind);
  const reasons = driver.refusals?.(config.engine, trainingPlan(config), connection) ?? [];
  if (reasons.length > 0)
    throw new ConfigError(`the engine would not train what the configuration says:\n${reasons.join("\n")}`);
  const language = await createLanguage(config, games, corpus);
  for (const note of language.notes ?? []) connection.onMessage?.(note);
  const key = foldIn(seedKey(config.seed), "weights");
  const uses = { ...driver.connection?.(config.engine), ...connection };
  const engine = await driver.create(config.engine, language.vocabulary, key, uses);
  return agentOf(kind, games, config.protocol, language, engine, config.sampler);
}

/** What an engine's tokens are and how games become them. */
export interface Language {
  readonly vocabulary: EngineVocabulary;
  readonly encoding: Encoding;
  readonly tokenizer?: TokenizerFiles;
  readonly thinking?: boolean;
  /** What a person should know of the chat template. */
  readonly notes?: readonly string[];
}

/** The language of a new agent, without its engine. */
export const createLanguage = (
  { engine }: Pick<RunConfig, "engine">,
  games: readonly RunGame[],
  corpus: Corpus,
): Promise<Language> => languageFrom(driverOf(engine.kind).vocabulary(engine), games, corpus);

async function languageFrom(source: VocabularySource, games: readonly RunGame[], corpus: Corpus): Promise<Language> {
  switch (source.kind) {
    case "table":
      return tableLanguage(games);
    case "corpus": {
      const trained = trainTokenizer(await corpus(), { vocabularySize: source.size, specialTokens: SPECIAL_TOKENS });
      const { contextLength } = source;
      return textLanguage(
        tokenizerFiles(trained, { chatTemplate: CHAT_TEMPLATE, end: END_TOKEN, pad: PAD_TOKEN, contextLength }),
      );
    }
    case "folder": {
      const folder = await findModelFolder(source.folder);
      return textLanguage(await loadTokenizer(folder), source.thinking, folder);
    }
  }
}

function tableLanguage(games: readonly RunGame[]): Language {
  const played = games.map(({ roster }) => roster.game);
  const large = played.find(({ facts }) => !facts.enumerable);
  if (large !== undefined)
    throw new EngineError(`tabular: ${large.facts.name} has too many positions for a table; expected engine.kind = "embedded"`);
  const vocabulary = tableVocabulary(played);
  const encoding = tableEncoding(vocabulary);
  return { vocabulary: { size: encoding.vocabularySize, rows: vocabulary.rows }, encoding };
}

function textLanguage(tokenizer: TokenizerFiles, thinking?: boolean, folder?: string): Language {
  const chat = thinking === undefined ? createChat(createTokenizer(tokenizer)) : modelChat(tokenizer, { thinking });
  return {
    vocabulary: { size: chat.vocabularySize, ...(folder === undefined ? {} : { folder }) },
    encoding: chatEncoding(chat),
    notes: chat.notes,
    tokenizer,
    ...(thinking === undefined ? {} : { thinking }),
  };
}

const agentOf = (
  kind: EngineKind,
  games: readonly RunGame[],
  protocol: Protocol,
  language: Language,
  engine: Engine,
  sampling: Omit<SamplerSettings, "stop">,
): Agent => ({
  kind,
  games,
  protocol,
  engine,
  encoding: language.encoding,
  sampling: { ...sampling, stop: language.encoding.stop },
  ...(language.tokenizer === undefined ? {} : { tokenizer: language.tokenizer }),
  ...(language.thinking === undefined ? {} : { thinking: language.thinking }),
});

/** Writes everything that `openAgent` and a resumed run need; returns the hash of the checkpoint. */
export function saveAgent(agent: Agent, folder: string, progress?: Progress): Promise<string> {
  const { kind, protocol, thinking, games, tokenizer, engine } = agent;
  const { temperature, maxTokens } = agent.sampling;
  const content = {
    kind,
    games: keptSections(games),
    protocol,
    sampler: { temperature, maxTokens },
    ...(thinking === undefined ? {} : { thinking }),
    ...(progress === undefined ? {} : { progress }),
  };
  return writeCheckpoint(folder, content, async (partial) => {
    await engine.save(partial);
    if (tokenizer !== undefined) await saveTokenizer(partial, tokenizer);
    await saveModules(games, partial);
  });
}

export interface OpenAgentOptions extends Connection {
  /** Whether it will be trained, for which the optimizer's state is needed. */
  readonly training?: boolean;
  /** Measurement rules, and words of rules and prompts, where they are to differ from the checkpoint's own. */
  readonly protocol?: Protocol;
  readonly wording?: WordingName;
}

export interface OpenedAgent extends Agent {
  /** The checkpoint's folder and its content's hash. */
  readonly checkpoint: { readonly folder: string; readonly sha256: string };
  readonly progress?: Progress;
}

/**
 * The agent of a checkpoint, or of the last finished stage of a run's folder. Its files are checked first; a `FileError` or `EngineError`
 * names what is wrong with one.
 */
export async function openAgent(
  path: string,
  { training = false, protocol, wording, ...connection }: OpenAgentOptions = {},
): Promise<OpenedAgent> {
  const folder = await findCheckpoint(path);
  const { kind, sampler, thinking, progress, ...stored } = await readAgentFile(folder);
  const sections = Object.entries(stored.games).map(([name, section]) => [name, { ...section, wording }]);
  const played = {
    protocol: protocol ?? stored.protocol,
    games: wording === undefined ? stored.games : Object.fromEntries(sections),
  };
  const checkpoint = { folder, sha256: await checkCheckpoint(folder, { training }) };
  const games = await openGames(played, folder);
  const driver = driverOf(kind);
  const language = driver.tokens === "table" ? tableLanguage(games) : textLanguage(await loadTokenizer(folder), thinking);
  const engine = await driver.open(folder, language.vocabulary, connection, { training });
  const agent = agentOf(kind, games, played.protocol, language, engine, sampler);
  return { ...agent, checkpoint, ...(progress === undefined ? {} : { progress }) };
}
