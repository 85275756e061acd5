/**
 * Models by their names on a command line: `openai:gpt-5-mini`, `ollama:qwen3:0.6b`. The first colon splits. What a provider needs is
 * imported when it is named, so a program that asks no provider loads none.
 */
import { type AdapterOptions, type GenerativeModel, chatModel } from "./adapter.ts";
import { type ChatModel, ModelError } from "./chat-model.ts";
import { isRecord, valueAt } from "./structure.ts";

interface Vendor {
  readonly kind: "vendor";
  readonly package: string;
  readonly factory: string;
}

/** A server of the OpenAI kind; without an address it must be given. */
interface Compatible {
  readonly kind: "compatible";
  readonly baseUrl?: string;
}

export const PROVIDER_NAMES = [
  "openai",
  "anthropic",
  "google",
  "ollama",
  "vllm",
  "llamacpp",
  "lmstudio",
  "openai-compatible",
] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

const PROVIDERS: Readonly<Record<ProviderName, Vendor | Compatible>> = {
  openai: { kind: "vendor", package: "@ai-sdk/openai", factory: "createOpenAI" },
  anthropic: { kind: "vendor", package: "@ai-sdk/anthropic", factory: "createAnthropic" },
  google: { kind: "vendor", package: "@ai-sdk/google", factory: "createGoogleGenerativeAI" },
  ollama: { kind: "compatible", baseUrl: "http://127.0.0.1:11434/v1" },
  vllm: { kind: "compatible", baseUrl: "http://127.0.0.1:8000/v1" },
  llamacpp: { kind: "compatible", baseUrl: "http://127.0.0.1:8080/v1" },
  lmstudio: { kind: "compatible", baseUrl: "http://127.0.0.1:1234/v1" },
  "openai-compatible": { kind: "compatible" },
};

/** Where each provider's key stands in the environment, which the command line reads. Local servers need none. */
export const KEY_VARIABLES: Readonly<Record<ProviderName, string>> = {
  openai: "OPENAI_API_KEY",
  anthropic: "ANTHROPIC_API_KEY",
  google: "GOOGLE_GENERATIVE_AI_API_KEY",
  ollama: "OLLAMA_API_KEY",
  vllm: "VLLM_API_KEY",
  llamacpp: "LLAMACPP_API_KEY",
  lmstudio: "LMSTUDIO_API_KEY",
  "openai-compatible": "OPENAI_COMPATIBLE_API_KEY",
};

export interface ModelName {
  readonly provider: ProviderName;
  readonly model: string;
}

/** Splits `provider:model`; undefined for a name of anything else. */
export function modelName(name: string): ModelName | undefined {
  const colon = name.indexOf(":");
  const provider = PROVIDER_NAMES.find((candidate) => candidate === name.slice(0, colon));
  if (provider === undefined) return undefined;
  const model = name.slice(colon + 1);
  if (model === "") throw new ModelError(`${name}: expected a model after the colon, such as ${provider}:NAME`);
  return { provider, model };
}

export interface ProviderOptions extends Pick<AdapterOptions, "settings" | "timeoutSeconds"> {
  /** Never logged. */
  readonly apiKey?: string;
  readonly baseUrl?: string;
  /** Asks for log-probabilities with so many alternatives per token, where the server is of the OpenAI kind. */
  readonly topLogprobs?: number;
}

/** Opens a model; nothing is sent yet. Throws `ModelError` for a package, key or address that is missing. */
export async function openModel(name: ModelName, options: ProviderOptions = {}): Promise<ChatModel> {
  const { provider, model } = name;
  const { apiKey, baseUrl, topLogprobs = 0, settings = {}, timeoutSeconds } = options;
  const known = PROVIDERS[provider];
  const asked = topLogprobs === 0 || known.kind === "vendor" ? {} : { logprobs: true, top_logprobs: topLogprobs };
  const providerOptions = { ...asked, ...settings.providerOptions };
  const source =
    known.kind === "vendor" ? await vendorModel(name, known, options) : await compatibleModel(name, known, apiKey, baseUrl);
  return chatModel(source, {
    provider,
    model,
    settings: { ...settings, ...(Object.keys(providerOptions).length === 0 ? {} : { providerOptions }) },
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  });
}

async function vendorModel(
  { provider, model }: ModelName,
  vendor: Vendor,
  { apiKey, baseUrl }: ProviderOptions,
): Promise<GenerativeModel> {
  if (baseUrl !== undefined)
    throw new ModelError(
      `${provider}: is asked at its own address; for another server use openai-compatible:${model} with --base-url`,
    );
  if (apiKey === undefined) throw new ModelError(`${provider}:${model}: expected a key in ${KEY_VARIABLES[provider]}`);
  const created = callMember(await importPackage(vendor.package, provider), vendor.factory, { apiKey });
  return modelOf(created, model, vendor.package);
}

async function compatibleModel(
  { provider, model }: ModelName,
  { baseUrl: usual }: Compatible,
  apiKey: string | undefined,
  given: string | undefined,
): Promise<GenerativeModel> {
  const baseURL = given ?? usual;
  if (baseURL === undefined)
    throw new ModelError(`${provider}:${model}: expected the server's address, such as --base-url http://127.0.0.1:8000/v1`);
  if (!URL.canParse(baseURL) || !/^https?:$/.test(new URL(baseURL).protocol))
    throw new ModelError(`${provider}:${model}: expected an address that begins with http:// or https://, got "${baseURL}"`);
  const name = "@ai-sdk/openai-compatible";
  // The package reads options under this name.
  const settings = {
    name: provider === "openai-compatible" ? "openaiCompatible" : provider,
    baseURL,
    ...(apiKey === undefined ? {} : { apiKey }),
  };
  return modelOf(callMember(await importPackage(name, provider), "createOpenAICompatible", settings), model, name);
}

/** Throws `ModelError` for one that is not there, with how to get it. */
export async function importPackage(name: string, provider: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (cause) {
    if (valueAt(cause, "code") === "ERR_MODULE_NOT_FOUND")
      throw new ModelError(`${provider}: needs a package that is not installed: npm install ${name}`);
    throw cause;
  }
}

function callMember(module: unknown, member: string, ...args: readonly unknown[]): unknown {
  const found = valueAt(module, member);
  if (typeof found !== "function")
    throw new ModelError(`expected a function ${member}; install a newer version of the package`);
  return found(...args) as unknown;
}

function modelOf(provider: unknown, model: string, from: string): GenerativeModel {
  const made: unknown = typeof provider === "function" ? provider(model) : undefined;
  if (isGenerative(made)) return made;
  throw new ModelError(`${from} made no language model of "${model}"`);
}

const isGenerative = (value: unknown): value is GenerativeModel => isRecord(value) && typeof value["doGenerate"] === "function";
