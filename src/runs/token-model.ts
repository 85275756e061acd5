/** A checkpoint as a model that answers chat messages: for a server, and for programs that take models of the AI SDK. */
import { Slots } from "../concurrency.ts";
import { EngineError } from "../engines/engine.ts";
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
}

export interface CompletedAnswer {
  /** Empty when the thinking did not end. */
  readonly text: string;
  readonly reasoning: string;
  readonly finish: "stop" | "length";
  readonly inputTokens: number;
  /** Every token that was drawn, its end among them, with its log-probability in nats at the temperature it was drawn with. */
  readonly tokens: readonly { readonly token: string; readonly logprob: number }[];
}

export interface TokenModel {
  readonly name: string;
  complete(messages: readonly Message[], settings?: CompletionSettings): Promise<CompletedAnswer>;
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
    async complete(messages, { temperature = sampling.temperature, maxTokens = sampling.maxTokens, seed } = {}) {
      if (!(temperature > 0)) throw new EngineError(`temperature must be above 0, got ${temperature}`);
      const prompt = chat.prompt(messages);
      const { contextLength } = engine.facts;
      if (prompt.tokens.length + maxTokens > contextLength)
        throw new EngineError(
          `${prompt.tokens.length} tokens of messages and ${maxTokens} of the answer are more than the model's ${contextLength}`,
        );
      const key = seed === undefined ? foldIn(seedKey(0), "drawn", drawn++) : foldIn(seedKey(seed), "seeded");
      const [completion] = await slot.run(() => engine.sample([{ prompt, key }], { ...sampling, temperature, maxTokens }));
      const whole = chat.text(completion.tokens);
      const answer = chat.answer(completion.tokens);
      const { reasoning } = separateReasoning(whole);
      return {
        text: answer ?? "",
        reasoning: answer === undefined ? whole : reasoning,
        finish: completion.finish,
        inputTokens: prompt.tokens.length,
        tokens: completion.tokens.map((token, t) => ({
          token: chat.tokenizer.decode([token]),
          logprob: completion.logprobs[t],
        })),
      };
    },
  };
}
