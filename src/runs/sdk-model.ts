/** A checkpoint as a model object of the AI SDK (specification v3): `generateText({ model: sdkModel(...) })`. */
import type { Message } from "../text/chat.ts";
import { listAt, numberAt, textAt, valueAt } from "../models/structure.ts";
import type { CompletedAnswer, TokenModel } from "./token-model.ts";

/** Settings that the engine has none for; a call that asks for one is told so. */
const IGNORED = ["topP", "topK", "presencePenalty", "frequencyPenalty", "stopSequences", "tools", "responseFormat"] as const;

interface Generated {
  readonly content: readonly { readonly type: "reasoning" | "text"; readonly text: string }[];
  readonly finishReason: { readonly unified: "stop" | "length"; readonly raw: string };
  readonly usage: ReturnType<typeof usageOf>;
  readonly warnings: readonly { readonly type: "unsupported"; readonly feature: string }[];
  readonly providerMetadata: { readonly sepo: { readonly logprobs: CompletedAnswer["tokens"] } };
}

/** The object; its log-probabilities are in `providerMetadata.sepo.logprobs`. */
export function sdkModel(model: TokenModel) {
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
      providerMetadata: { sepo: { logprobs: answer.tokens } },
    };
  };
  return {
    specificationVersion: "v3" as const,
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

const usageOf = ({ inputTokens, tokens }: CompletedAnswer) => ({
  inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: tokens.length, text: undefined, reasoning: undefined },
});
