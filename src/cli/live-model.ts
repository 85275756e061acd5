/** Chat models that are asked, as commands open them: with their keys, limits and price. */
import { join } from "node:path";
import { playAll } from "../evaluation/episodes.ts";
import type { ChatModel, ChatSettings } from "../models/chat-model.ts";
import { listedPrice } from "../models/prices.ts";
import { KEY_VARIABLES, type ModelName, openModel } from "../models/providers.ts";
import { redactor } from "../models/redact.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { ConfigError } from "../runs/config.ts";
import type { RunGame } from "../runs/games.ts";
import { type RecordingOptions, askedOf, openRecording } from "../runs/recording.ts";
import { modelKey } from "./connection.ts";
import type { Contestant } from "./contestant.ts";
import type { AskingFlags } from "./model-options.ts";

export const fullName = ({ provider, model }: ModelName): string => `${provider}:${model}`;

/** Where answers are kept unless a folder is named. */
export const folderOf = (name: ModelName): string => join("runs", fullName(name).replaceAll(/[^\w.-]+/g, "-"));

/** The price that is given or listed. Throws `ConfigError` where a limit needs one and none is known. */
export async function priceOf(name: ModelName, { price, baseUrl, maxCost }: AskingFlags) {
  const known = price ?? (await listedPrice(name, baseUrl));
  if (maxCost !== undefined && known === undefined)
    throw new ConfigError(
      `--max-cost: the price of ${fullName(name)} is not known; give it with --price IN,OUT, in dollars per million tokens`,
    );
  return known;
}

/** A model, and what bounds its calls. */
export interface Live {
  readonly model: ChatModel;
  readonly limits: Omit<RecordingOptions, "concurrency">;
}

export async function openLive(name: ModelName, flags: AskingFlags): Promise<Live> {
  const apiKey = modelKey(KEY_VARIABLES[name.provider]);
  const { baseUrl, timeout, logprobs, maxCost, patience, requestsPerMinute, tokensPerMinute } = flags;
  const price = await priceOf(name, flags);
  const model = await openModel(name, {
    settings: settingsOf(flags),
    timeoutSeconds: timeout,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(logprobs === undefined ? {} : { topLogprobs: logprobs }),
  });
  return {
    model,
    limits: {
      patienceSeconds: patience,
      redact: redactor(apiKey === undefined ? [] : [apiKey]),
      ...(price === undefined ? {} : { price }),
      ...(maxCost === undefined ? {} : { maxCost }),
      ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
      ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
    },
  };
}

function settingsOf({ maxTokens, temperature, topP, modelSeed, providerOptions }: AskingFlags): ChatSettings {
  return {
    maxTokens,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(modelSeed === undefined ? {} : { seed: modelSeed }),
    ...(providerOptions === undefined ? {} : { providerOptions }),
  };
}

export interface LiveContestantOptions {
  readonly seed: number;
  readonly episodes: number;
  readonly games: readonly RunGame[];
  readonly signal: AbortSignal;
  readonly onMessage?: (text: string) => void;
}

/** A chat model that is asked while it is compared; its answers are kept where `sepo evaluate` keeps them, and none is asked for twice. */
export async function liveContestant(
  name: ModelName,
  flags: AskingFlags,
  { seed, episodes, games, signal, onMessage }: LiveContestantOptions,
): Promise<Contestant> {
  const { model, limits } = await openLive(name, flags);
  const rosters = games.map(({ roster }) => roster);
  const full = fullName(name);
  const asked = askedOf(model, rosters, { name: full, seed, episodes, positions: 1, samples: 1, games });
  const { concurrency } = flags;
  const recording = await openRecording(folderOf(name), model, asked, {
    ...limits,
    games,
    visiting: true,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(onMessage === undefined ? {} : { onMessage }),
  });
  const player = chatPlayer(recording.model, { name: full });
  return {
    name: full,
    rosters,
    player,
    measure: async (roster, key, options) => (await playAll(roster, player, key, { ...options, signal })).measured,
    release: () => recording.close(),
  };
}
