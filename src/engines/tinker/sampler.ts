/** Samples and scores with weights that a server holds. */
import type { Slots } from "../../concurrency.ts";
import { type Key, uniformInteger } from "../../random.ts";
import {
  type Completion,
  EngineError,
  type SampleRequest,
  type Sampler,
  type SamplerSettings,
  type ScoreRequest,
} from "../engine.ts";
import type { RemoteSampler } from "./remote-sampler.ts";
import { finite } from "./datums.ts";
import { type Profile, refuse, temperatureRefusal } from "./profiles.ts";
import type { SampleResult } from "./wire.ts";

export interface SamplingLimits {
  readonly contextLength: number;
  /** For requests under way at the same time; an engine and its snapshots share them. */
  readonly slots: Slots;
}

/** Seeds are 31 bits, which every server takes. */
export const seedOf = (key: Key): number => uniformInteger(key, 2 ** 31);

export function sampleRemote(
  remote: RemoteSampler,
  profile: Profile,
  requests: readonly SampleRequest[],
  { temperature, maxTokens, stop }: SamplerSettings,
  { contextLength, slots }: SamplingLimits,
  signal?: AbortSignal,
): Promise<Completion[]> {
  refuse(temperatureRefusal(profile, temperature));
  if (!Number.isInteger(maxTokens) || maxTokens < 1)
    throw new EngineError(`tinker: maxTokens must be a positive integer, got ${maxTokens}`);
  for (const { prompt } of requests)
    if (prompt.tokens.length + maxTokens > contextLength)
      throw new EngineError(
        `tinker: a prompt of ${prompt.tokens.length} tokens and a completion of ${maxTokens} exceed the context length ${contextLength}`,
      );
  return slots.map(requests, async ({ prompt, key }) => {
    const seed = profile.seeds ? { seed: seedOf(key) } : {};
    return completionOf(await remote.sample({ tokens: prompt.tokens, maxTokens, stop, ...seed }, signal), maxTokens, stop);
  });
}

/**
 * The completion up to its first stop token: a server that goes on after it has drawn from the same distribution. One that ended at
 * a token of its own counts as cut off.
 */
function completionOf(
  { sequences: [{ tokens, logprobs }] }: SampleResult,
  maxTokens: number,
  stop: readonly number[],
): Completion {
  if (tokens.length === 0) throw new EngineError("tinker: asample: expected at least one token, got none");
  if (logprobs?.length !== tokens.length)
    throw new EngineError(`tinker: asample: ${logprobs?.length ?? "no"} log-probabilities for ${tokens.length} tokens`);
  // Also of what is cut off below: a server that computes NaN anywhere is not to be trusted.
  const finiteLogprobs = logprobs.map((value) => finite(value, "asample"));
  const at = tokens.findIndex((token) => stop.includes(token));
  const length = Math.min(maxTokens, at < 0 ? tokens.length : at + 1);
  return {
    tokens: tokens.slice(0, length),
    logprobs: finiteLogprobs.slice(0, length),
    finish: at >= 0 && at < maxTokens ? "stop" : "length",
  };
}

/** Log-probabilities of continuations from those of a prompt that contains them. */
export function scoreRemote(remote: RemoteSampler, requests: readonly ScoreRequest[], slots: Slots): Promise<number[][]> {
  return slots.map(requests, async ({ prompt, continuation }) => {
    const tokens = [...prompt.tokens, ...continuation];
    const { prompt_logprobs: values } = await remote.sample({ tokens, maxTokens: 1, stop: [], promptLogprobs: true });
    // The first token has none: servers send null in its place, or nothing.
    if (values?.length !== tokens.length && values?.length !== tokens.length - 1)
      throw new EngineError(`tinker: asample: ${values?.length ?? "no"} prompt log-probabilities for ${tokens.length} tokens`);
    const known = values.slice(values.length - tokens.length + 1).map((value) => finite(value, "asample"));
    return known.slice(known.length - continuation.length);
  });
}

/** How a snapshot scores. */
export type Score = Sampler["score"];

/** A sampler that goes on while the model trains, with its own weights or with those in training. */
export class TinkerSnapshot implements Sampler {
  readonly independent = true;
  readonly #remote: RemoteSampler;
  readonly #profile: Profile;
  readonly #limits: SamplingLimits;
  readonly #score: Score;
  readonly #onRelease: () => void;
  #released = false;

  constructor(remote: RemoteSampler, profile: Profile, limits: SamplingLimits, score: Score, onRelease: () => void) {
    this.#remote = remote;
    this.#profile = profile;
    this.#limits = limits;
    this.#score = score;
    this.#onRelease = onRelease;
  }

  async sample(
    requests: readonly SampleRequest[],
    settings: SamplerSettings,
    signal?: AbortSignal,
  ): Promise<readonly Completion[]> {
    this.#checkHeld();
    return sampleRemote(this.#remote, this.#profile, requests, settings, this.#limits, signal);
  }

  async score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]> {
    this.#checkHeld();
    refuse(temperatureRefusal(this.#profile, temperature));
    return this.#score(requests, temperature);
  }

  release(): Promise<void> {
    if (!this.#released) this.#onRelease();
    this.#released = true;
    return Promise.resolve();
  }

  #checkHeld(): void {
    if (this.#released) throw new EngineError("tinker: the snapshot was released");
  }
}
