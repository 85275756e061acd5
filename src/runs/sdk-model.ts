/** A checkpoint as a model object of the AI SDK (specification v3): `generateText({ model: sdkModel(...) })`. */
import type { Message } from "../text/chat.ts";
import { listAt, numberAt, textAt, valueAt } from "../models/structure.ts";
import type { CompletedAnswer, TokenModel } from "./token-model.ts";

/** Settings that the engine has none for; a call that asks for one is told so. */
const IGNORED = ["topP", "topK", "presencePenalty", "frequencyPenalty", "stopSequences", "tools", "responseFormat"] as const;

/** The arrays are mutable, as in the AI SDK's own types. */
interface Generated {
  content: ({ type: "reasoning"; text: string } | { type: "text"; text: string })[];
  finishReason: { unified: "stop" | "length"; raw: string };
  usage: {
    inputTokens: { total: number; noCache: number; cacheRead: number; cacheWrite: number };
    outputTokens: { total: number; text: undefined; reasoning: undefined };
  };
  warnings: { type: "unsupported"; feature: string }[];
  providerMetadata: { sepo: { logprobs: { token: string; logprob: number }[] } };
}

/** What the AI SDK reads of a model; its own types are not needed to be one. */
export interface SdkModel {
  readonly specificationVersion: "v3";
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: Record<string, RegExp[]>;
  doGenerate(options: unknown): Promise<Generated>;
  doStream(options: unknown): Promise<{ readonly stream: ReadableStream }>;
}

/** The object; its log-probabilities are in `providerMetadata.sepo.logprobs`. */
export function sdkModel(model: TokenModel): SdkModel {
  const generate = async (options: unknown): Promise<Generated> => {
    const answer = await model.complete(messagesOf(valueAt(options, "prompt")), settingsOf(options));
    return {
      content: [
        ...(answer.reasoning === "" ? [] : [{ type: "reasoning" as const, text: answer.reasoning }]),
        { type: "text", text: answer.text },
      ],
      finishReason: { unified: answer.finish, raw: answer.finish },
      usage: usageOf(answer),
      warnings: warningsOf(options),
      providerMetadata: { sepo: { logprobs: [...answer.tokens] } },
    };
  };
  return {
    specificationVersion: "v3",
    provider: "sepo",
    modelId: model.name,
    supportedUrls: {},
    doGenerate: generate,
    /** The whole answer as one piece. */
    async doStream(options: unknown) {
      const { content, finishReason, usage, warnings, providerMetadata } = await generate(options);
      const parts = [
        { type: "stream-start", warnings },
        ...content.flatMap(({ type, text }, i) => [
          { type: `${type}-start`, id: String(i) },
          { type: `${type}-delta`, id: String(i), delta: text },
          { type: `${type}-end`, id: String(i) },
        ]),
        { type: "finish", finishReason, usage, providerMetadata },
      ];
      return { stream: ReadableStream.from(parts) };
    },
  };
}

function messagesOf(prompt: unknown): Message[] {
  return listAt(prompt).map((message): Message => {
    const role = textAt(message, "role");
    if (role !== "system" && role !== "user" && role !== "assistant")
      throw new TypeError(`expected messages of system, user and assistant, got "${role ?? ""}"`);
    const parts = listAt(message, "content").filter((part) => textAt(part, "type") === "text");
    return { role, content: textAt(message, "content") ?? parts.map((part) => textAt(part, "text") ?? "").join("") };
  });
}

function settingsOf(options: unknown) {
  const [temperature, maxTokens, seed] = ["temperature", "maxOutputTokens", "seed"].map((key) => numberAt(options, key));
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function warningsOf(options: unknown): Generated["warnings"] {
  const asked = IGNORED.filter((feature) => {
    const value = valueAt(options, feature);
    return value !== undefined && !(Array.isArray(value) && value.length === 0) && textAt(value, "type") !== "text";
  });
  return asked.map((feature) => ({ type: "unsupported" as const, feature }));
}

const usageOf = ({ inputTokens, tokens }: CompletedAnswer): Generated["usage"] => ({
  inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: tokens.length, text: undefined, reasoning: undefined },
});
