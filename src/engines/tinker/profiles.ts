/**
 * What differs between servers that speak the Tinker protocol, as declared data. A run that asks for something a profile does not
 * honour is refused by `refusals` before its first step; nothing is sent in the hope that the server ignores it.
 */
import { type AdamSettings, EngineError } from "../engine.ts";

/**
 * What a server makes of the per-token losses l of a request's datums (m is the number of trained tokens of a datum):
 * - `sum`: sum of l over tokens and datums
 * - `masked-sum`: the same, each l multiplied by the datum's `weights`
 * - `mean-per-step`: mean over all datums since the last step of sum(l) / m
 * - `mean-per-request`: mean over the datums of the request of sum(l) / m
 */
export type Reduction = "sum" | "masked-sum" | "mean-per-step" | "mean-per-request";

/**
 * How weighted cross entropy is trained:
 * - `weights`: as it is
 * - `unit-ratio`: as CISPO whose ratio is clipped to exactly 1, so that its gradient is that of -A p
 * - `measured-ratio`: as importance sampling against log-probabilities measured just before, so that the ratio is 1
 */
export type CrossEntropy = "weights" | "unit-ratio" | "measured-ratio";

/** Who decides a setting of Adam: each step's request, the first step's, or the server, by the value given or one unknown. */
export type AdamRule = "each step" | "first step" | "server" | number;

/**
 * What becomes of a sampler when its model takes another step:
 * - `frozen`: it keeps the weights it was made from
 * - `live`: it samples with the weights in training, whatever they are
 * - `until-next-step`: it must not be asked again
 */
export type Samplers = "frozen" | "live" | "until-next-step";

export type Operation =
  | "create_model"
  | "unload_model"
  | "forward"
  | "forward_backward"
  | "optim_step"
  | "save_weights"
  | "save_weights_for_sampler"
  | "load_weights"
  | "asample";

export interface Profile {
  readonly name: string;
  /** Where the service is when no base URL is given. */
  readonly baseUrl: string;
  readonly reduction: Reduction;
  readonly crossEntropy: CrossEntropy;
  /** The loss that is PPO with a clipped ratio, by the server's name. */
  readonly ppo: { readonly name: string; readonly config: (clip: number) => Readonly<Record<string, number>> };
  /** Whether `weights` goes with losses other than cross entropy, 1 on the completion and 0 on the prompt. */
  readonly sendsMask: boolean;
  /** Whether `logprobs` and `advantages` run over the whole datum or over its completion only. */
  readonly arrays: "datum" | "completion";
  /** Largest training request: datums, tokens of all of them, and bytes at 4 a token, 8 a target and 4 a value. */
  readonly limits: { readonly datums: number; readonly tokens: number; readonly bytes: number };
  /** Whether a forward pass answers with rows as long as the longest of the request. */
  readonly padsLogprobs: boolean;
  /** Datums of a training request must be a multiple of this; it is filled with datums without advantage. */
  readonly batchMultiple: number;
  /** How log-probabilities are computed without training: an operation of its own, or a training pass with weights 0. */
  readonly scoring: "forward" | "zero-weights";
  readonly adam: Readonly<Record<keyof AdamSettings, AdamRule>>;
  readonly samplers: Samplers;
  /** Whether a sampler scores prompts. */
  readonly promptLogprobs: boolean;
  /** Whether the same seed gives the same completion. */
  readonly seeds: boolean;
  /** Whether models can live side by side, which a frozen reference policy needs. */
  readonly manyModels: boolean;
  /** Whether a model can be unloaded. */
  readonly unloads: boolean;
  /** Operations that may be sent again when it is unknown whether they arrived. */
  readonly resends: readonly Operation[];
  /** Whether 409 asks for patience; elsewhere it is an error. */
  readonly retriesConflict: boolean;
  /** Form of training requests. The other form is used when the server rejects this one with 415. */
  readonly body: "json" | "protobuf";
  /** Path of a sampler checkpoint's archive. */
  readonly archive?: (run: string, name: string) => string;
  /** Headers of every request besides `X-API-Key`; `client` names this client and stays the same. */
  readonly headers: (client: string, apiKey: string) => Readonly<Record<string, string>>;
  /** Fields a server needs in `save_weights` to keep the optimizer's state. */
  readonly saveFields: Readonly<Record<string, unknown>>;
  /** Fields of `lora_config` that make log-probabilities those of the sampler. */
  readonly adapterFields: Readonly<Record<string, unknown>>;
  readonly heartbeatSeconds: number;
  /** Whether the server says at the start how it wants to be asked. */
  readonly configures: boolean;
}

const ALL: readonly Operation[] = [
  "create_model",
  "unload_model",
  "forward",
  "forward_backward",
  "optim_step",
  "save_weights",
  "save_weights_for_sampler",
  "load_weights",
  "asample",
];
/** What changes nothing that is trained. */
const HARMLESS: readonly Operation[] = ["create_model", "forward", "asample", "save_weights_for_sampler"];

const ratioClip = (clip: number) => ({ clip_low_threshold: 1 - clip, clip_high_threshold: 1 + clip });
const everyStep = {
  learningRate: "each step",
  beta1: "each step",
  beta2: "each step",
  epsilon: "each step",
  weightDecay: "each step",
  gradientClip: "each step",
} as const;

const common: Profile = {
  name: "",
  baseUrl: "http://127.0.0.1:8000",
  reduction: "sum",
  crossEntropy: "weights",
  ppo: { name: "ppo", config: ratioClip },
  sendsMask: false,
  arrays: "datum",
  limits: { datums: 1024, tokens: Infinity, bytes: 5_000_000 },
  padsLogprobs: false,
  batchMultiple: 1,
  scoring: "forward",
  adam: everyStep,
  samplers: "frozen",
  promptLogprobs: true,
  seeds: true,
  manyModels: true,
  unloads: true,
  resends: ALL,
  retriesConflict: true,
  body: "json",
  headers: () => ({}),
  saveFields: {},
  adapterFields: {},
  heartbeatSeconds: 10,
  configures: false,
};

const tinker: Profile = {
  ...common,
  name: "tinker",
  baseUrl: "https://tinker.thinkingmachines.dev/services/tinker-prod",
  body: "protobuf",
  configures: true,
  archive: (run, name) => `training_runs/${run}/checkpoints/sampler_weights/${name}/archive`,
};

const skyrlJax: Profile = {
  ...common,
  name: "skyrl-jax",
  reduction: "mean-per-step",
  crossEntropy: "unit-ratio",
  sendsMask: true,
  adam: { ...everyStep, gradientClip: 0 },
  // A sampler older than the weights in training would set them back.
  samplers: "until-next-step",
  resends: [...HARMLESS, "forward_backward", "optim_step"],
  retriesConflict: false,
  archive: (run, name) => `training_runs/${run}/checkpoints/${name}/archive`,
};

const skyrlTrain: Profile = {
  ...skyrlJax,
  name: "skyrl-train",
  reduction: "sum",
  crossEntropy: "weights",
  sendsMask: false,
  adam: { learningRate: "each step", beta1: 0.9, beta2: 0.999, epsilon: "server", weightDecay: 0.01, gradientClip: 1 },
  seeds: false,
  manyModels: false,
};

const twinkle: Profile = {
  ...common,
  name: "twinkle",
  reduction: "mean-per-request",
  crossEntropy: "measured-ratio",
  ppo: { name: "importance_sampling", config: (clip) => ({ epsilon: clip, beta: 0 }) },
  sendsMask: true,
  arrays: "completion",
  // Where it clips, it also divides by the number of requests since it last clipped; its decay goes through Adam's moments.
  adam: { ...everyStep, weightDecay: 0, gradientClip: 0 },
  // Saving a sampler deletes the one before.
  samplers: "until-next-step",
  // The server's `max_length` bounds a whole request, and so does its queue at 16000 tokens.
  limits: { datums: 1024, tokens: 10_240, bytes: 5_000_000 },
  padsLogprobs: true,
  batchMultiple: 2,
  promptLogprobs: false,
  seeds: false,
  resends: HARMLESS,
  retriesConflict: false,
  headers: (client, apiKey) => ({
    Authorization: `Bearer ${apiKey}`,
    "X-Request-Id": client,
    "X-Ray-Serve-Request-Id": client,
  }),
};

const openRl: Profile = {
  ...common,
  name: "open-rl",
  reduction: "masked-sum",
  ppo: { name: "ppo", config: (clip) => ({ clip_range: clip, kl_coeff: 0 }) },
  sendsMask: true,
  scoring: "zero-weights",
  adam: { ...everyStep, beta1: "first step", beta2: "first step", epsilon: "first step", weightDecay: "first step" },
  samplers: "live",
  promptLogprobs: false,
  seeds: false,
  unloads: false,
  resends: HARMLESS,
  retriesConflict: false,
  saveFields: { include_optimizer: true },
  adapterFields: { lora_dropout: 0 },
};

export const PROFILE_NAMES = ["tinker", "twinkle", "skyrl-jax", "skyrl-train", "open-rl"] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  tinker,
  twinkle,
  "skyrl-jax": skyrlJax,
  "skyrl-train": skyrlTrain,
  "open-rl": openRl,
};

/** What a run wants of a server. */
export interface Plan {
  readonly temperature: number;
  /** The settings of each stage, by the stage's name. */
  readonly adam: Readonly<Record<string, AdamSettings>>;
  /** Whether a policy frozen in training is needed beside the one that is trained. */
  readonly reference: boolean;
  /** The settings that let episodes go on while the model trains, by name; those that are 0 do not. */
  readonly offPolicy: Readonly<Record<string, number>>;
}

/** Why a server of this profile would not train what the plan says; empty when it would. */
export function refusals(profile: Profile, plan: Plan): string[] {
  const found = temperatureRefusal(profile, plan.temperature);
  if (plan.reference && !profile.manyModels)
    found.push(`${profile.name} holds one model, so there is no frozen reference for the KL; expected sepo.beta = 0`);
  for (const [name, value] of Object.entries(plan.offPolicy))
    if (value > 0 && profile.samplers === "until-next-step")
      found.push(`${profile.name} cannot sample while it trains, got ${name} = ${value}; expected ${name} = 0`);
  for (const [stage, settings] of Object.entries(plan.adam)) found.push(...adamRefusals(profile, settings, stage));
  return found;
}

/** Servers report log-probabilities at temperature 1, whatever they sampled at. */
export const temperatureRefusal = ({ name }: Profile, temperature: number): string[] =>
  temperature === 1 ? [] : [`${name} scores and trains at temperature 1, got sampler.temperature ${temperature}; expected 1`];

export const adamRefusals = ({ name, adam }: Profile, settings: AdamSettings, stage?: string): string[] =>
  ADAM_KEYS.flatMap((key) => {
    const rule = adam[key];
    if (typeof rule !== "number" || settings[key] === rule) return [];
    const where = stage === undefined ? key : `${stage}.${key}`;
    return [`${name} trains as asked only with ${key} = ${rule}, got ${where} = ${settings[key]}; expected ${where} = ${rule}`];
  });

/** Settings that a server takes from the first step alone, and that differ from it. */
export const changedSettings = ({ name, adam }: Profile, first: AdamSettings, settings: AdamSettings): string[] =>
  ADAM_KEYS.filter((key) => adam[key] === "first step" && first[key] !== settings[key]).map(
    (key) => `${name} keeps the ${key} of a model's first step, ${first[key]}, got ${settings[key]}`,
  );

const ADAM_KEYS = ["learningRate", "beta1", "beta2", "epsilon", "weightDecay", "gradientClip"] as const;

/** Throws `EngineError` with every refusal. */
export function refuse(reasons: readonly string[]): void {
  if (reasons.length > 0) throw new EngineError(`tinker: ${reasons.join("\ntinker: ")}`);
}
