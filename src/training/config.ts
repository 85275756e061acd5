/** The configuration of a run: one serialisable object, validated with the names of wrong keys. */
import { z } from "zod";
import { DEVICES } from "../engines/embedded/engine.ts";
import { PROFILE_NAMES } from "../engines/tinker/profiles.ts";
import { POSITIONS } from "../evaluation/policy-table.ts";
import { GAME_NAMES, PROTOCOLS } from "../games/index.ts";
import { CREDITS } from "../objective/credit.ts";

/** A configuration that cannot be used; the message names every wrong key. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const count = z.number().int().min(0);
const positive = z.number().int().min(1);
const rate = z.number().positive();
const adam = { beta1: z.number().min(0).lt(1).default(0.9), beta2: z.number().min(0).lt(1).default(0.95) };

const supervised = (defaults: { examples: number; epochs: number; learningRate: number }) =>
  z
    .strictObject({
      examples: positive.default(defaults.examples).describe("decisions per game"),
      epochs: z
        .number()
        .min(0)
        .default(defaults.epochs)
        .describe("passes over the training split; 0: none, the model as it is"),
      batch: positive.default(64).describe("examples per step"),
      learningRate: rate.default(defaults.learningRate).describe("peak; 5% warm-up, then cosine to a tenth"),
      weightDecay: z.number().min(0).default(0.01),
      gradientClip: z.number().min(0).default(1),
      ...adam,
    })
    .prefault({});

/** Engines that hold their model in this process. */
const localEngine = z.strictObject({
  kind: z.enum(["embedded", "tabular"]),
  vocabularySize: positive.default(640).describe("upper limit of the trained tokenizer"),
  width: positive.default(128),
  layers: positive.default(3),
  heads: positive.default(4),
  keyValueHeads: positive.default(2),
  headWidth: positive.default(32),
  feedForward: positive.default(352),
  contextLength: positive.default(512),
  threads: count.default(0).describe("0: one per core"),
  device: z.enum(DEVICES).default("cpu").describe("where graphs run"),
});
/** A model on a server; the API key is read from TINKER_API_KEY. */
const tinkerEngine = z.strictObject({
  kind: z.literal("tinker"),
  profile: z.enum(PROFILE_NAMES).default("tinker").describe("what the server honours"),
  baseUrl: z.url().optional().describe("default: the profile's own"),
  baseModel: z.string().min(1).describe("the server's name of the model"),
  tokenizer: z.string().min(1).describe("folder of the model's tokenizer and chat template, or its name in the hub's cache"),
  thinking: z.boolean().default(false).describe("whether the model thinks before it answers; set sampler.maxTokens to match"),
  rank: positive.default(32).describe("of the adapter that is trained"),
  contextLength: positive.default(4096),
  concurrency: positive.default(256).describe("samples under way at the same time"),
  requestTokens: positive.optional().describe("largest training request; default: the profile's"),
  deadlineSeconds: positive.default(1800).describe("longest wait for one operation"),
});
const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const engine = z
  .preprocess(
    (value) => (isSection(value) && value["kind"] === undefined ? { ...value, kind: "embedded" } : value),
    z.discriminatedUnion("kind", [localEngine, tinkerEngine]),
  )
  .prefault({});

export const configSchema = z.strictObject({
  seed: count.default(0).describe("the root of all randomness"),
  games: z.array(z.enum(GAME_NAMES)).min(1).default(["ipd", "kuhn"]),
  protocol: z.enum(PROTOCOLS).default("corrected").describe("the measurement rules"),
  engine,
  sampler: z
    .strictObject({ temperature: rate.default(1), maxTokens: positive.default(24).describe("longest reply") })
    .prefault({}),
  base: supervised({ examples: 6000, epochs: 1, learningRate: 3e-3 }),
  sft: supervised({ examples: 3000, epochs: 1, learningRate: 1e-3 }),
  sepo: z
    .strictObject({
      steps: count.default(80),
      credit: z.enum(CREDITS).default("objective"),
      returns: z
        .enum(["to-go", "by-game"])
        .default("to-go")
        .describe("what a decision answers for: all rounds from its own on, or its own where a game's rounds are independent"),
      updates: positive.default(1).describe("optimizer steps per rollout, on keyed shares of it"),
      scenarios: positive.default(2).describe("groups per opponent and step, each with cards of its own"),
      groupSize: z.number().int().min(2).default(6).describe("episodes that share a scenario"),
      learningRate: rate.default(5e-4),
      finalLearningRate: z.number().min(0).max(1).default(1).describe("at the last step, as a share of learningRate; linear"),
      clip: rate.default(0.2).describe("PPO ratio clip"),
      beta: z.number().min(0).default(0.01).describe("weight of the KL to the SFT model"),
      failureCost: z.number().min(0).default(1).describe("cost of unreadable replies, in units of J"),
      hingeMemory: z.number().min(0).lt(1).default(0.9).describe("decay of the running gap that decides the hinge of e"),
      hingeWidth: z
        .number()
        .min(0)
        .default(0)
        .describe("softens the hinge of e over this range of q - r per round; 0: the gradient of J itself"),
      exploiter: z
        .strictObject({
          every: count.default(0).describe("steps between best responses that join the exploiter pool; 0: none"),
          keep: positive.default(4).describe("best responses kept per game, the newest"),
          samples: positive.default(32).describe("positions per information key when measuring the model"),
        })
        .prefault({}),
      maxStepsOffPolicy: count
        .default(0)
        .describe(
          "training steps between the weights that play and those that learn, at most; 0: every step plays its own episodes",
        ),
      stragglerSeconds: z
        .number()
        .min(0)
        .default(0)
        .describe("longest wait for the rest once half of each pool's groups are finished; 0: as long as it takes"),
      gapAlarm: z
        .number()
        .min(0)
        .default(0.01)
        .describe("logprob_gap/kl, in nats per token, above which the run warns; 0: never"),
      shuffledPenalties: z.boolean().default(false).describe("control: exchange episodes' harms within their group"),
      checkpointEvery: positive.default(20),
      transcriptsEvery: positive.default(20),
      weightDecay: z.number().min(0).default(0),
      gradientClip: z.number().min(0).default(1),
      ...adam,
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      episodes: positive.default(200).describe("per opponent"),
      concurrency: positive.default(2048).describe("episodes under way together"),
      positions: positive
        .default(POSITIONS)
        .describe("per information key, at which action probabilities and the worst case are measured"),
    })
    .prefault({}),
});

export type RunConfig = z.infer<typeof configSchema>;

/** Validates a plain object; throws `ConfigError` with one line per wrong key. */
export function parseConfig(value: unknown): RunConfig {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) throw new ConfigError(`the configuration is not valid:\n${z.prettifyError(parsed.error)}`);
  const games = parsed.data.games;
  if (new Set(games).size !== games.length) throw new ConfigError(`games: each may be named once, got ${games.join(", ")}`);
  return parsed.data;
}

/** `a.b=value` into a nested object: JSON where it parses, text otherwise. */
export function assign(target: Record<string, unknown>, assignment: string): void {
  const at = assignment.indexOf("=");
  if (at < 1) throw new ConfigError(`--set expects key=value, got "${assignment}"`);
  const path = assignment.slice(0, at).split(".");
  const text = assignment.slice(at + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the text itself.
  }
  let table = target;
  for (const part of path.slice(0, -1)) {
    const inner = table[part] ?? {};
    if (!isSection(inner)) throw new ConfigError(`--set ${assignment}: "${part}" is not a section`);
    table[part] = inner;
    table = inner;
  }
  table[path[path.length - 1]] = value;
}
