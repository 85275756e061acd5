/** The engine on a Tinker-compatible server, by name. */
import { z } from "zod";
import { seedKey } from "../../random.ts";
import type { Connection, EngineDriver } from "../driver.ts";
import { describeEvent } from "./events.ts";
import { PROFILES, PROFILE_NAMES, refusals } from "./profiles.ts";

const positive = z.number().int().min(1);

const settings = z.strictObject({
  kind: z.literal("tinker").describe("an adapter on a Tinker-compatible server; its key is read from TINKER_API_KEY"),
  profile: z.enum(PROFILE_NAMES).default("tinker").describe("what the server honours"),
  baseUrl: z.url().optional().describe("where the server is; default: the profile's own"),
  baseModel: z.string().min(1).describe("the server's name of the model"),
  tokenizer: z.string().min(1).describe("folder of the model's tokenizer and chat template, or its name in the hub's cache"),
  thinking: z.boolean().default(false).describe("whether the model thinks before it answers; set sampler.maxTokens to match"),
  rank: positive.default(32).describe("rank of the adapter that is trained"),
  contextLength: positive.default(4096).describe("longest prompt and reply together, in tokens"),
  concurrency: positive.default(256).describe("samples under way at the same time"),
  requestTokens: positive.optional().describe("largest training request, in tokens; default: the profile's"),
  deadlineSeconds: positive.default(1800).describe("longest wait for one operation, in seconds"),
});

const connect = ({ signal, onMessage, baseUrl, apiKey }: Connection) => ({
  ...(signal === undefined ? {} : { signal }),
  ...(baseUrl === undefined ? {} : { baseUrl }),
  ...(apiKey === undefined ? {} : { apiKey }),
  ...(onMessage === undefined
    ? {}
    : { onEvent: (event: Parameters<typeof describeEvent>[0]) => onMessage(describeEvent(event)) }),
});

export const tinkerDriver = {
  settings,
  tokens: "text",
  vocabulary: ({ tokenizer, thinking }) => ({ kind: "folder", folder: tokenizer, thinking }),
  async create(chosen, { size }, key, connection) {
    const { createTinkerEngine } = await import("./engine.ts");
    const { profile, baseUrl, baseModel, rank, contextLength, concurrency, requestTokens, deadlineSeconds } = chosen;
    return createTinkerEngine({
      profile,
      baseModel,
      rank,
      contextLength,
      concurrency,
      deadlineSeconds,
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(requestTokens === undefined ? {} : { requestLimits: { tokens: requestTokens } }),
      ...connect(connection),
      vocabularySize: size,
      key,
    });
  },
  async open(folder, { size }, connection) {
    const { loadTinkerEngine } = await import("./engine.ts");
    return loadTinkerEngine(folder, { ...connect(connection), vocabularySize: size, key: seedKey(0) });
  },
  refusals: ({ profile }, plan, { apiKey }) => [
    ...(apiKey === undefined
      ? ["no key: expected one in the environment variable TINKER_API_KEY (any text for a server of your own)"]
      : []),
    ...refusals(PROFILES[profile], plan),
  ],
} satisfies EngineDriver<z.infer<typeof settings>>;
