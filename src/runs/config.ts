/** The configuration of a run: one serialisable object, validated with the names of wrong keys. `sepo config` prints its keys. */
import { z } from "zod";
import { engineSchema } from "../engines/drivers.ts";
import { POSITIONS } from "../evaluation/action-table.ts";
import { GAME_NAMES, PROTOCOLS, harmWeightsSchema } from "../games/index.ts";
import { CREDITS } from "../objective/credit.ts";

/** A configuration that cannot be used; the message names every wrong key. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const count = z.number().int().min(0);
const positive = z.number().int().min(1);
const rate = z.number().positive();
const weight = z.number().min(0);
const adam = {
  beta1: z.number().min(0).lt(1).default(0.9).describe("Adam's decay of the mean gradient"),
  beta2: z.number().min(0).lt(1).default(0.95).describe("Adam's decay of the mean squared gradient"),
};

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
      weightDecay: weight.default(0.01).describe("decoupled weight decay, per unit of learning rate"),
      gradientClip: weight.default(1).describe("largest norm of a gradient; 0: any"),
      checkpointEvery: positive.default(100).describe("steps between checkpoints of the stage; the newest is kept"),
      ...adam,
    })
    .prefault({});

const exploiter = z
  .strictObject({
    every: count.default(0).describe("steps between best responses that are added to the opponents of training; 0: none"),
    keep: positive.default(4).describe("best responses kept per game, the newest"),
    weight: weight
      .default(1)
      .describe("what the worst of them counts for in what is trained, as a multiple of the weight of e"),
    spread: rate.default(0.05).describe("how near to the worst one must be to count too, in payoff per round"),
    samples: positive.default(32).describe("positions per information key when measuring the model"),
  })
  .prefault({});

/** Settings of SEPO that a game may have for itself. */
const ofGame = {
  beta: weight.describe("price of the KL to the reference: J per nat and decision (docs/credit.md)"),
  finalBeta: z
    .number()
    .positive()
    .max(1)
    .describe("beta at the last step, as a share of beta; geometric, so that a strong pull ends as a weak one"),
  failureCost: weight.describe("cost of unreadable replies, in units of J"),
  hingeWidth: weight.describe("softens the hinge of e over this range of q - r per round; 0: the gradient of J itself"),
};

const sepo = z
  .strictObject({
    steps: count.default(80).describe("training steps, one rollout each"),
    credit: z.enum(CREDITS).default("objective").describe("how episodes become advantages (docs/credit.md)"),
    returns: z
      .enum(["to-go", "round"])
      .default("to-go")
      .describe("what a decision answers for: all rounds from its own on, or its own where a game's rounds are independent"),
    updates: positive.default(1).describe("optimizer steps per rollout, on keyed shares of it"),
    scenarios: positive.default(2).describe("groups per opponent and step, each with cards of its own"),
    groupSize: z.number().int().min(2).default(6).describe("episodes that share a scenario"),
    learningRate: rate.default(5e-4).describe("of Adam, at the first step"),
    finalLearningRate: z.number().min(0).max(1).default(1).describe("at the last step, as a share of learningRate; linear"),
    clip: rate.default(0.2).describe("PPO's clip of the probability ratio: 1 - clip to 1 + clip"),
    beta: ofGame.beta.default(0.01),
    finalBeta: ofGame.finalBeta.default(1),
    reference: z
      .enum(["sft", "base"])
      .default("sft")
      .describe("whom the KL is measured to: the SFT model, or the base model, which in our recipes plays uniformly"),
    failureCost: ofGame.failureCost.default(1),
    hingeMemory: z.number().min(0).lt(1).default(0.9).describe("decay per step of the running gap that decides the hinge of e"),
    hingeWidth: ofGame.hingeWidth.default(0),
    games: z
      .record(z.string(), z.strictObject(ofGame).partial())
      .default({})
      .describe("what is different in some games: beta, finalBeta, failureCost, hingeWidth, by the game's name"),
    exploiter,
    maxStepsOffPolicy: count
      .default(0)
      .describe(
        "training steps between the weights that play and those that learn, at most; 0: every step plays its own episodes",
      ),
    stragglerSeconds: weight
      .default(0)
      .describe("longest wait in seconds once half of each pool's groups are finished; 0: as long as it takes"),
    gapAlarm: weight.default(0.01).describe("logprob_gap/kl, in nats per token, above which the run warns; 0: never"),
    shuffledPenalties: z.boolean().default(false).describe("control: exchange episodes' harms within their group"),
    checkpointEvery: positive.default(20).describe("steps between checkpoints of the stage, all kept"),
    transcriptsEvery: positive.default(20).describe("steps between written transcripts, two episodes of each group"),
    weightDecay: weight.default(0).describe("decoupled weight decay, per unit of learning rate"),
    gradientClip: weight.default(1).describe("largest norm of a gradient; 0: any"),
    ...adam,
  })
  .refine(({ credit, shuffledPenalties }) => !(shuffledPenalties && credit === "expected"), {
    error: "is a control for sampled credit; expected credit has no episodes' harms to exchange",
    path: ["shuffledPenalties"],
  })
  .prefault({});

export const gameSection = z.looseObject({
  weights: harmWeightsSchema.optional().describe("weights of the harms in J"),
  module: z
    .string()
    .min(1)
    .optional()
    .describe("a module of your own that changes the game's opponents (docs/adding-a-game.md)"),
});
export type GameSection = z.infer<typeof gameSection>;

/** Paths of modules have a slash or an ending; names of games have neither. */
export const isModulePath = (name: string): boolean => /[\\/]|\.[cm]?[jt]s$/.test(name);

/** Sections by name; a name that is neither a game nor a module is named. */
const gameSections = z.record(z.string(), gameSection).superRefine((sections, context) => {
  if (Object.keys(sections).length === 0) context.addIssue({ code: "custom", message: "expected at least one game" });
  for (const name of Object.keys(sections))
    if (!isModulePath(name) && !GAME_NAMES.some((game) => game === name))
      context.addIssue({
        code: "custom",
        message:
          `no game is called "${name}"; expected one of ${GAME_NAMES.join(", ")}, ` +
          'or the path of a module such as "./chicken.js"',
      });
});

const games = z
  .preprocess((value) => {
    if (!Array.isArray(value)) return value;
    const repeated = value.find((name, i) => value.indexOf(name) !== i);
    if (repeated !== undefined) throw new ConfigError(`games: each may be named once, got ${value.join(", ")}`);
    return Object.fromEntries(value.map((name) => [String(name), {}]));
  }, gameSections)
  .describe("a list of names, or a table with a section of options for each: [games.kuhn] hands = 2");

export const configSchema = z.strictObject({
  seed: count.default(0).describe("the root of all randomness"),
  games: games.prefault(["ipd", "kuhn"]),
  protocol: z.enum(PROTOCOLS).default("corrected").describe("the measurement rules"),
  engine: engineSchema.prefault({}),
  sampler: z
    .strictObject({
      temperature: rate.default(1).describe("divides the logits"),
      maxTokens: positive.default(24).describe("longest reply, in tokens"),
    })
    .prefault({}),
  base: supervised({ examples: 6000, epochs: 1, learningRate: 3e-3 }),
  sft: supervised({ examples: 3000, epochs: 1, learningRate: 1e-3 }),
  sepo,
  evaluation: z
    .strictObject({
      episodes: positive.default(200).describe("episodes per opponent"),
      concurrency: positive.default(2048).describe("episodes under way together; changes speed, never a result"),
      positions: positive
        .default(POSITIONS)
        .describe("positions per information key at which action probabilities and the worst case are measured"),
    })
    .prefault({}),
});

export type RunConfig = z.infer<typeof configSchema>;

/** Validates a plain object; throws `ConfigError` with one line per wrong key. */
export function parseConfig(value: unknown): RunConfig {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) throw new ConfigError(`the configuration is not valid:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `a.b=value` into a nested object: JSON where it parses, text otherwise. */
export function assign(target: Record<string, unknown>, assignment: string): void {
  const equals = assignment.indexOf("=");
  if (equals < 1) throw new ConfigError(`--set expects key=value, got "${assignment}"`);
  const path = assignment.slice(0, equals).split(".");
  const text = assignment.slice(equals + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the text itself.
  }
  let table = target;
  for (const part of path.slice(0, -1)) {
    const inner = (Object.hasOwn(table, part) ? table[part] : undefined) ?? {};
    const section =
      part === "games" && Array.isArray(inner) ? Object.fromEntries(inner.map((name) => [String(name), {}])) : inner;
    if (!isSection(section)) throw new ConfigError(`--set ${assignment}: "${part}" is not a section`);
    table[part] = section;
    table = section;
  }
  table[path[path.length - 1]] = value;
}
