/**
 * The contract between training and whatever holds the model. An engine knows token-level records, never games: prompts in,
 * completions with log-probabilities out; losses over completions in, gradients accumulated until a step is taken.
 *
 * Every log-probability an engine returns or trains on is that of the distribution really sampled from, that is, of
 * softmax(logits / temperature). A sampler setting that an engine cannot score is refused, never ignored.
 * `conformance.ts` is the contract's test suite; every engine passes it.
 */
import type { Key } from "../random.ts";

export interface Prompt {
  readonly tokens: readonly number[];
  /**
   * Length of the leading part that many prompts have in common (the system message). A hint that lets an engine compute it
   * once; it never changes a result.
   */
  readonly shared: number;
}

export interface SampleRequest {
  readonly prompt: Prompt;
  /** Token t of the completion is drawn with `uniform(key, t)`, so a completion depends on its own request alone. */
  readonly key: Key;
}

export interface SamplerSettings {
  /** Divides the logits; > 0. */
  readonly temperature: number;
  readonly maxTokens: number;
  /** Tokens that end a completion; the token that ended it is the completion's last. */
  readonly stop: readonly number[];
}

export interface Completion {
  readonly tokens: readonly number[];
  /** log p(token | prompt, tokens before it) of each token, in nats. */
  readonly logprobs: readonly number[];
  readonly finish: "stop" | "length";
}

export interface ScoreRequest {
  readonly prompt: Prompt;
  readonly continuation: readonly number[];
}

/** A token that could have come, with its log-probability in nats. */
export interface Alternative {
  readonly token: number;
  readonly logprob: number;
}

/** One prompt and completion to learn from; the arrays run over the completion's tokens. */
interface Example {
  readonly prompt: Prompt;
  readonly completion: readonly number[];
}
export interface CrossEntropyExample extends Example {
  readonly weights: readonly number[];
}
export interface PpoExample extends Example {
  /** Log-probabilities under the policy that sampled the completion. */
  readonly logprobs: readonly number[];
  readonly advantages: readonly number[];
}

/**
 * A loss is a sum over tokens; any mean is in the weights or advantages. With p the log-probability of a token now:
 * - `cross_entropy`: -sum w p
 * - `ppo`: -sum min(rho A, clip(rho, 1 - clip, 1 + clip) A), rho = exp(p - logprob)
 */
export type Loss =
  | { readonly kind: "cross_entropy"; readonly examples: readonly CrossEntropyExample[] }
  | { readonly kind: "ppo"; readonly examples: readonly PpoExample[]; readonly clip: number; readonly temperature: number };

export interface LossResult {
  /** The summed loss. */
  readonly loss: number;
  /** Log-probability of every completion token now, one array per example. */
  readonly logprobs: readonly (readonly number[])[];
}

/** Adam with decoupled weight decay; the gradient is first scaled down to `gradientClip` in global norm (0: never). */
export interface AdamSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly gradientClip: number;
}

/** Something that answers prompts: an engine, or a snapshot of one. */
export interface Sampler {
  /** Whether each request is answered by itself, so that to wait for others and ask together only costs time; false unless given. */
  readonly independent?: boolean;
  /** Where requests are independent, `signal` ends those that nobody waits for any more. */
  sample(requests: readonly SampleRequest[], settings: SamplerSettings, signal?: AbortSignal): Promise<readonly Completion[]>;
  /** Log-probabilities of given continuations, one array per request. */
  score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]>;
  /** The `count` likeliest tokens at every place of given continuations, the likeliest first; absent where an engine cannot tell. */
  alternatives?(
    requests: readonly ScoreRequest[],
    temperature: number,
    count: number,
  ): Promise<readonly (readonly (readonly Alternative[])[])[]>;
  /** Frees what is held; further calls are errors. */
  release(): Promise<void>;
}

/** What an engine declares; callers check it before the first step. */
export interface EngineFacts {
  readonly name: string;
  readonly vocabularySize: number;
  /** Longest prompt plus completion, in tokens. */
  readonly contextLength: number;
  readonly losses: readonly Loss["kind"][];
  /** Whether `gradient()` can read the accumulated gradient. */
  readonly readsGradient: boolean;
  /** Whether a snapshot stays as it was while the engine trains on. */
  readonly frozenSnapshots: boolean;
  /** Whether equal requests give equal bytes, however they are batched; true unless given. */
  readonly reproducible?: boolean;
  /** Whether `accumulate` may be called several times before a step; true unless given. */
  readonly addsAccumulations?: boolean;
}

/**
 * A model that learns. Calls take effect in the order they are made: a step may be asked for before `accumulate` has answered.
 */
export interface Learner extends Sampler {
  readonly facts: EngineFacts;
  /** Adds the gradient of a loss to the accumulated gradient. */
  accumulate(loss: Loss): Promise<LossResult>;
  /** The accumulated gradient, flat; a copy. Throws `EngineError` where `facts.readsGradient` is false. */
  gradient(): Promise<Float32Array>;
  /** Forgets the accumulated gradient. */
  clearGradient(): Promise<void>;
  /**
   * Applies one Adam update with the accumulated gradient and clears it. `gradientNorm` is the norm before clipping, NaN where the
   * engine cannot tell.
   */
  step(settings: AdamSettings): Promise<{ readonly gradientNorm: number }>;
  /** Forgets the optimizer's moments and step count, as at the start of a stage. */
  resetOptimizer(): Promise<void>;
  /**
   * A copy that samples and scores with today's weights, also while the engine trains. Where `facts.frozenSnapshots` is false it is
   * refused, unless `frozen` is: false is content with weights that may move on.
   */
  snapshot(options?: { readonly frozen?: boolean }): Promise<Sampler>;
}

/** A learner that folders keep. */
export interface Engine extends Learner {
  /** Writes weights and optimizer state into a folder that exists and is empty; the caller makes it appear atomically. */
  save(folder: string): Promise<void>;
  /** Reads what `save` wrote. A file that is missing, truncated or of another shape is an `EngineError` that names it. */
  load(folder: string): Promise<void>;
}

/** Misuse or failure of an engine; the message names the value and what was expected. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}
