/**
 * A chat model as a player uses it: messages in, text out. An AI SDK model, a function, a recording and the layers around them (limits,
 * budgets, cassettes) are all of this one shape.
 */
import { EngineError } from "../engines/engine.ts";
import type { Key } from "../random.ts";
import type { Message } from "../text/chat.ts";

/** What a call asks of the model besides its messages. It is part of what a recorded answer is found by. */
export interface ChatSettings {
  /** Longest answer in tokens, reasoning included. */
  readonly maxTokens: number;
  /** The provider's own unless given. */
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  /** Sent as they are, such as `{ "reasoning_effort": "low" }` for a server of the OpenAI kind. */
  readonly providerOptions?: Readonly<Record<string, unknown>>;
}

/** Which decision a call is for. Equal messages are asked many times; without this their answers could not be told apart. */
export interface Place {
  readonly episode: string;
  readonly turn: number;
  readonly seat: number;
  /** Number of the repetition, where one position is asked several times; 0 unless given. */
  readonly sample?: number;
}

export interface ChatRequest {
  readonly messages: readonly Message[];
  readonly place: Place;
  /** Randomness of the call, of waiting times for instance; also part of what a recorded answer is found by. */
  readonly key: Key;
}

/** Tokens of a call; null where the server does not tell. */
export interface Usage {
  readonly input: number | null;
  /** Reasoning included. */
  readonly output: number | null;
  readonly reasoning: number | null;
}

export interface TokenLogprob {
  readonly token: string;
  /** In nats. */
  readonly logprob: number;
  readonly top: readonly { readonly token: string; readonly logprob: number }[];
}

export interface ChatAnswer {
  /** What the model says, without its reasoning; absent when it never came to it. */
  readonly text?: string;
  readonly reasoning: string;
  /** `refused`: the model or a filter declined; the text then explains that and is no answer. */
  readonly finish: "stop" | "length" | "refused" | "other";
  /** Of all attempts that were answered, so that what a repeated call cost is in it. */
  readonly usage: Usage;
  /** Of the text's tokens, where the server gives them. */
  readonly logprobs?: readonly TokenLogprob[];
  /** What the provider says that it ignores. */
  readonly warnings: readonly string[];
}

export interface ChatModel {
  readonly provider: string;
  readonly model: string;
  readonly settings: ChatSettings;
  /** One answer. `signal` keeps what has not begun from beginning; a call under way is paid for and comes to its end. */
  generate(request: ChatRequest, signal?: AbortSignal): Promise<ChatAnswer>;
}

/** A provider or model that cannot be used, or stopped answering. The message says what to do. */
export class ModelError extends EngineError {}

const plus = (a: number | null, b: number | null): number | null => (a === null && b === null ? null : (a ?? 0) + (b ?? 0));

export const addUsage = (a: Usage, b: Usage): Usage => ({
  input: plus(a.input, b.input),
  output: plus(a.output, b.output),
  reasoning: plus(a.reasoning, b.reasoning),
});

export const NO_USAGE: Usage = { input: null, output: null, reasoning: null };

/** Tokens of messages by the rule of thumb of four characters each, for forecasts and where a server does not tell. */
export const roughTokens = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
