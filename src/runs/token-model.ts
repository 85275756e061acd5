/** A checkpoint as a model that answers chat messages: for a server, and for programs that take models of the AI SDK. */
import { Slots } from "../concurrency.ts";
import { type Alternative, type Completion, type Engine, EngineError, type Prompt } from "../engines/engine.ts";
import { separateReasoning } from "../models/reasoning.ts";
import { foldIn, seedKey } from "../random.ts";
import type { Chat, Message } from "../text/chat.ts";
import { createChat } from "../text/chat.ts";
import { modelChat } from "../text/model-folder.ts";
import { createTokenizer } from "../text/tokenizer.ts";
import type { Agent } from "./agent.ts";

export interface CompletionSettings {
  /** Above 0; the checkpoint's own unless given. */
  readonly temperature?: number;
  readonly maxTokens?: number;
  /** Equal seeds and messages give equal answers; unless given, each answer is drawn anew. */
  readonly seed?: number;
  /** Likeliest tokens that are told at every place; 0 unless given. Throws `EngineError` where the engine cannot tell. */
  readonly topLogprobs?: number;
}

export interface DrawnToken {
  readonly token: string;
  /** In nats, at the temperature it was drawn with. */
  readonly logprob: number;
  /** The likeliest ones, where they were asked for. */
  readonly top?: readonly { readonly token: string; readonly logprob: number }[];
}

export interface CompletedAnswer {
  /** Empty when the thinking did not end. */
  readonly text: string;
  readonly reasoning: string;
  readonly finish: "stop" | "length";
  readonly inputTokens: number;
  /** Every token that was drawn, its end among them. */
  readonly tokens: readonly DrawnToken[];
}

export interface TokenModel {
  readonly name: string;
  complete(messages: readonly Message[], settings?: CompletionSettings): Promise<CompletedAnswer>;
}

async function likeliest(
  engine: Engine,
  prompt: Prompt,
  { tokens }: Completion,
  temperature: number,
  count: number,
): Promise<readonly (readonly Alternative[])[]> {
  const found = await engine.alternatives?.([{ prompt, continuation: tokens }], temperature, count);
  if (found === undefined)
    throw new EngineError(`the engine ${engine.facts.name} does not tell what else was likely; leave out top_logprobs`);
  return found[0];
}

/** The chat model of an agent. Throws `EngineError` for one that reads no text. */
export function tokenModel(name: string, { engine, sampling, tokenizer, thinking }: Agent): TokenModel {
  if (tokenizer === undefined)
    throw new EngineError(`${name}: the agent is a table and reads no text; expected a language model`);
  const chat: Chat = thinking === undefined ? createChat(createTokenizer(tokenizer)) : modelChat(tokenizer, { thinking });
  // An engine answers one call at a time; the calls of a server come whenever they like.
  const slot = new Slots(1);
  let drawn = 0;
  return {
    name,
    async complete(
      messages,
      { temperature = sampling.temperature, maxTokens = sampling.maxTokens, seed, topLogprobs = 0 } = {},
    ) {
      if (!(temperature > 0)) throw new EngineError(`temperature must be above 0, got ${temperature}`);
      const prompt = chat.prompt(messages);
      const { contextLength } = engine.facts;
      if (prompt.tokens.length + maxTokens > contextLength)
        throw new EngineError(
          `${prompt.tokens.length} tokens of messages and ${maxTokens} of the answer are more than the model's ${contextLength}`,
        );
      const key = seed === undefined ? foldIn(seedKey(0), "drawn", drawn++) : foldIn(seedKey(seed), "seeded");
      const [completion] = await slot.run(() => engine.sample([{ prompt, key }], { ...sampling, temperature, maxTokens }));
      const top =
        topLogprobs === 0 ? [] : await slot.run(() => likeliest(engine, prompt, completion, temperature, topLogprobs));
      const said = (token: number): string => chat.tokenizer.decode([token]);
      const whole = chat.text(completion.tokens);
      const answer = chat.answer(completion.tokens);
      const { reasoning } = separateReasoning(whole);
      return {
        text: answer ?? "",
        reasoning: answer === undefined ? whole : reasoning,
        finish: completion.finish,
        inputTokens: prompt.tokens.length,
        tokens: completion.tokens.map((token, t) => ({
          token: said(token),
          logprob: completion.logprobs[t],
          ...(topLogprobs === 0 ? {} : { top: top[t].map((other) => ({ token: said(other.token), logprob: other.logprob })) }),
        })),
      };
    },
  };
}
