/**
 * Other people's models as chat models: an object with `doGenerate`, as AI SDK providers of every major version make them, read by its
 * structure alone; or any function from messages to text.
 */
import type { Message } from "../text/chat.ts";
import {
  type ChatAnswer,
  type ChatModel,
  type ChatSettings,
  ModelError,
  NO_USAGE,
  type TokenLogprob,
  type Usage,
} from "./chat-model.ts";
import { separateReasoning } from "./reasoning.ts";
import { isRecord, listAt, numberAt, textAt, valueAt } from "./structure.ts";

/** A language model of the AI SDK, versions 1 to 4 of its specification, as far as it is used here. */
export interface GenerativeModel {
  readonly provider?: string;
  readonly modelId?: string;
  readonly specificationVersion?: string;
  // A method, so that models whose options have narrower types are accepted.
  doGenerate(options: never): PromiseLike<unknown>;
}

/** The simplest model: its whole reply to the messages, which may hold `<think>` reasoning. */
export type ReplyFunction = (messages: readonly Message[], signal: AbortSignal) => string | Promise<string>;

export interface AdapterOptions {
  readonly provider?: string;
  readonly model?: string;
  readonly settings?: Partial<ChatSettings>;
  /** Seconds that one answer may take. */
  readonly timeoutSeconds?: number;
}

/** Long enough for a short reason with its action; a model that reasons at length needs more. */
export const MAX_TOKENS = 2048;
const TIMEOUT = 300;

/** A model as it is called once: nothing is tried again. Throws `ModelError` for anything that is not a model. */
export function chatModel(source: GenerativeModel | ReplyFunction, options: AdapterOptions = {}): ChatModel {
  if (typeof source === "function") return functionModel(source, options);
  const called: unknown = source;
  if (!isCallable(called))
    throw new ModelError(
      "expected an object with doGenerate, such as a model of the AI SDK, or a function from messages to text",
    );
  const { timeoutSeconds = TIMEOUT } = options;
  const settings: ChatSettings = { maxTokens: MAX_TOKENS, ...options.settings };
  const provider = options.provider ?? source.provider ?? "model";
  return {
    provider,
    model: options.model ?? source.modelId ?? "unnamed",
    settings,
    async generate({ messages }) {
      const abortSignal = AbortSignal.timeout(timeoutSeconds * 1000);
      const asked = callOptions(messages, settings, source.provider ?? provider, source.specificationVersion);
      return answerOf(await called.doGenerate({ ...asked, abortSignal }));
    },
  };
}

const isCallable = (value: unknown): value is { doGenerate(options: unknown): PromiseLike<unknown> } =>
  isRecord(value) && typeof value["doGenerate"] === "function";

function functionModel(reply: ReplyFunction, options: AdapterOptions): ChatModel {
  const { provider = "function", model = reply.name || "unnamed", settings = {}, timeoutSeconds = TIMEOUT } = options;
  return {
    provider,
    model,
    settings: { maxTokens: MAX_TOKENS, ...settings },
    async generate({ messages }) {
      const text = await reply(messages, AbortSignal.timeout(timeoutSeconds * 1000));
      return { ...separateReasoning(text), finish: "stop", usage: NO_USAGE, warnings: [] };
    },
  };
}

/** Options of `doGenerate`; each version of the specification reads its own and ignores the others'. */
function callOptions(
  messages: readonly Message[],
  { maxTokens, temperature, topP, topK, seed, providerOptions }: ChatSettings,
  provider: string,
  version: string | undefined,
): Readonly<Record<string, unknown>> {
  const prompt = messages.map(({ role, content }) =>
    role === "system" ? { role, content } : { role, content: [{ type: "text", text: content }] },
  );
  return {
    prompt,
    maxOutputTokens: maxTokens,
    ...(version === "v1" ? { inputFormat: "messages", mode: { type: "regular" }, maxTokens } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(seed === undefined ? {} : { seed }),
    ...(providerOptions === undefined ? {} : { providerOptions: { [provider.split(".")[0]]: providerOptions } }),
  };
}

/** What `doGenerate` returned. */
export function answerOf(result: unknown): ChatAnswer {
  const content = listAt(result, "content");
  const parts = (type: string): string[] =>
    content.flatMap((part) => (textAt(part, "type") === type ? [textAt(part, "text") ?? ""] : []));
  const own = textAt(result, "text") ?? parts("text").join("");
  const apart = [textAt(result, "reasoning") ?? "", ...listAt(result, "reasoning").map((part) => textAt(part, "text") ?? "")];
  const { text, reasoning } = separateReasoning(own);
  const reason = textAt(result, "finishReason", "unified") ?? textAt(result, "finishReason") ?? "other";
  const thought = [...apart, ...parts("reasoning"), reasoning].filter((part) => part !== "").join("\n");
  // A reply that was cut while it reasoned has no answer at all, wherever its reasoning stands.
  const answered = text !== undefined && !(text.trim() === "" && reason === "length");
  const logprobs = logprobsOf(result);
  return {
    ...(answered ? { text } : {}),
    reasoning: thought,
    finish: reason === "stop" || reason === "length" ? reason : reason === "content-filter" ? "refused" : "other",
    usage: usageOf(valueAt(result, "usage")),
    ...(logprobs.length === 0 ? {} : { logprobs }),
    warnings: listAt(result, "warnings").map(warningText),
  };
}

function usageOf(usage: unknown): Usage {
  const count = (...paths: readonly (readonly string[])[]): number | null =>
    paths.map((path) => numberAt(usage, ...path)).find((found) => found !== undefined) ?? null;
  return {
    input: count(["inputTokens", "total"], ["inputTokens"], ["promptTokens"]),
    output: count(["outputTokens", "total"], ["outputTokens"], ["completionTokens"]),
    reasoning: count(["outputTokens", "reasoning"], ["reasoningTokens"]),
  };
}

/** Log-probabilities as servers of the OpenAI kind send them, in the body or in the provider's metadata. */
function logprobsOf(result: unknown): TokenLogprob[] {
  const body = listAt(result, "response", "body", "choices", 0, "logprobs", "content");
  const told = body.length > 0 ? body : listAt(result, "providerMetadata", "openai", "logprobs").flat();
  return told.flatMap((entry) => {
    const [token, logprob] = [textAt(entry, "token"), numberAt(entry, "logprob")];
    if (token === undefined || logprob === undefined) return [];
    const top = listAt(entry, "top_logprobs").flatMap((other) => {
      const found = { token: textAt(other, "token"), logprob: numberAt(other, "logprob") };
      return found.token === undefined || found.logprob === undefined ? [] : [{ token: found.token, logprob: found.logprob }];
    });
    return [{ token, logprob, top }];
  });
}

/** A warning of any version in words: `temperature is not supported`. */
function warningText(warning: unknown): string {
  const feature = textAt(warning, "feature") ?? textAt(warning, "setting");
  const details = textAt(warning, "details") ?? textAt(warning, "message");
  if (feature === undefined) return details ?? "a warning without words";
  return `${feature} is not supported${details === undefined ? "" : `: ${details}`}`;
}
