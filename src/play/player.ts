/** Whoever decides for a seat. Players are in `players/`: scripted policies, language models, people. */
import type { Prompt } from "../engines/engine.ts";
import type { Action, Game, Parsed } from "../games/index.ts";
import type { ChatAnswer, Place } from "../models/chat-model.ts";
import type { Key } from "../random.ts";

export interface DecisionRequest {
  readonly game: Game;
  readonly view: unknown;
  /** Randomness of this decision. */
  readonly key: Key;
  /** Which decision of which episode it is; absent outside episodes. */
  readonly place?: Place;
}

/** What a language model wrote for one decision, with what is needed to learn from it. */
export interface ModelReply {
  readonly prompt: Prompt;
  readonly completion: readonly number[];
  /** Log-probability of each token of the completion, in nats. */
  readonly logprobs: readonly number[];
  readonly text: string;
}

export interface Decision {
  readonly action: Action;
  /** How the reply was read; a failure was resolved as `resolved` says. */
  readonly parsed: Parsed;
  /**
   * `scored`: drawn with the model's own probabilities of the legal actions after its reply; `clarified`: the model's second reply, when
   * it was told what was wrong; `uniform`: drawn among the legal actions, when that could not be read either.
   */
  readonly resolved?: "scored" | "clarified" | "uniform";
  readonly reply?: ModelReply;
  /** What a chat model answered, and the second time when it was asked again. */
  readonly answers?: readonly ChatAnswer[];
}

export interface Player {
  readonly name: string;
  /** Whether each decision is made by itself, so that episodes need not wait for each other; false unless given. */
  readonly independent?: boolean;
  /** One decision per request, in order; requests of many episodes arrive together. */
  decide(requests: readonly DecisionRequest[], signal?: AbortSignal): Promise<readonly Decision[]>;
}
