/** Optimizer steps on one rollout. */
import type { AdamSettings, Learner, PpoExample } from "../engines/engine.ts";
import type { Key } from "../random.ts";
import { mean } from "../stats/estimate.ts";
import { sharesForUpdates } from "./advantages.ts";

export interface UpdateSettings {
  /** Optimizer steps, each on a keyed share of the examples. */
  readonly updates: number;
  /** PPO's clip of the probability ratio. */
  readonly clip: number;
  readonly temperature: number;
  readonly adam: AdamSettings;
}

export interface Updated {
  /** Log-probabilities of each example's tokens when it was trained on, in nats. */
  readonly logprobs: readonly (readonly number[])[];
  /**
   * How far the weights of the first update are from those that sampled: the mean of half the squared difference of log-probabilities,
   * which estimates a Kullback-Leibler divergence, in nats per token.
   */
  readonly distance: number;
  /** Mean norm of the gradients before clipping; NaN where the engine cannot tell. */
  readonly gradientNorm: number;
}

/** The clipped ratio to the policy that played keeps later updates near it. */
export async function updatePolicy(
  engine: Learner,
  examples: readonly PpoExample[],
  key: Key,
  { updates, clip, temperature, adam }: UpdateSettings,
): Promise<Updated> {
  const logprobs: (readonly number[])[] = [];
  const norms: number[] = [];
  let distance = 0;
  for (const [u, share] of sharesForUpdates(examples, updates, key).entries()) {
    // Asked for together: an engine far away then does both without waiting for us in between.
    const [result, { gradientNorm }] = await Promise.all([
      engine.accumulate({ kind: "ppo", examples: share.examples, clip, temperature }),
      engine.step(adam),
    ]);
    share.indices.forEach((i, j) => (logprobs[i] = result.logprobs[j]));
    const squares = share.indices.flatMap((i, j) =>
      examples[i].logprobs.map((old, t) => (result.logprobs[j][t] - old) ** 2 / 2),
    );
    if (u === 0 && squares.length > 0) distance = mean(squares);
    norms.push(gradientNorm);
  }
  return { logprobs, distance, gradientNorm: mean(norms) };
}
