/**
 * A language model small enough to be right by inspection: a table of logits, one row per previous token. It trains each server's
 * losses with each server's reduction, written here from the servers' behaviour and not from the profiles.
 */
import { type Key, normal, uniform } from "../../../random.ts";
import type { AdamSettings } from "../../engine.ts";
import type { ProfileName } from "../profiles.ts";

export interface TrainingDatum {
  readonly tokens: readonly number[];
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

export interface Training {
  readonly data: readonly TrainingDatum[];
  readonly loss: string;
  readonly config: Readonly<Record<string, number>>;
}

/** Derivative of a token's loss in its log-probability p, given the ratio to the sampler and the advantage. */
const slopes: Record<string, (ratio: number, advantage: number, low: number, high: number) => number> = {
  importance_sampling: (ratio, advantage) => -ratio * advantage,
  ppo: (ratio, advantage, low, high) =>
    ratio * advantage <= Math.min(Math.max(ratio, low), high) * advantage ? -ratio * advantage : 0,
  cispo: (ratio, advantage, low, high) => -Math.min(Math.max(ratio, low), high) * advantage,
};

export class Bigram {
  readonly size: number;
  logits: Float64Array;
  gradient: Float64Array;
  /** Datums since the last step. */
  count = 0;
  first: Float64Array;
  second: Float64Array;
  steps = 0;

  constructor(size: number, key: Key) {
    this.size = size;
    this.logits = Float64Array.from({ length: size * size }, (_, i) => normal(key, i));
    this.gradient = new Float64Array(size * size);
    this.first = new Float64Array(size * size);
    this.second = new Float64Array(size * size);
  }

  copy(): Bigram {
    const other = new Bigram(0, [0, 0]);
    Object.assign(other, { size: this.size, steps: this.steps });
    other.logits = this.logits.slice();
    other.gradient = new Float64Array(this.gradient.length);
    other.first = this.first.slice();
    other.second = this.second.slice();
    return other;
  }

  /** log p(. | previous token). */
  row(previous: number): Float64Array {
    const row = this.logits.slice(previous * this.size, (previous + 1) * this.size);
    const most = row.reduce((a, b) => Math.max(a, b));
    const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0)) + most;
    return row.map((x) => x - total);
  }

  sample(prompt: readonly number[], maxTokens: number, stop: readonly number[], key: Key) {
    const tokens: number[] = [];
    const logprobs: number[] = [];
    for (let previous = prompt[prompt.length - 1]; tokens.length < maxTokens;) {
      const row = this.row(previous);
      const u = uniform(key, tokens.length);
      let token = 0;
      for (let below = Math.exp(row[0]); below <= u && token < this.size - 1; below += Math.exp(row[token])) token++;
      tokens.push(token);
      logprobs.push(row[token]);
      previous = token;
      if (stop.includes(token)) return { tokens, logprobs, stop_reason: "stop" };
    }
    return { tokens, logprobs, stop_reason: "length" };
  }

  /** Log-probabilities of the targets; `rows` keeps what one request needs more than once. */
  logprobs({ tokens, inputs }: TrainingDatum, rows = new Map<number, Float64Array>()): number[] {
    return inputs["target_tokens"].map((target, t) => {
      const row = rows.get(tokens[t]) ?? this.row(tokens[t]);
      rows.set(tokens[t], row);
      return row[target];
    });
  }

  /** One request on a server of `kind`; returns log-probabilities of all targets and adds the gradient unless it is only forward. */
  train(kind: ProfileName, { data, loss, config }: Training, forwardOnly: boolean): number[][] {
    const rows = new Map<number, Float64Array>();
    const outputs = data.map((datum) => this.logprobs(datum, rows));
    if (forwardOnly) return outputs;
    this.count += data.length;
    const masks = data.map((datum) => maskOf(kind, loss, datum));
    const maskTotal = masks.flat().reduce((a, b) => a + b, 0);
    data.forEach((datum, d) => {
      const mask = masks[d];
      const own = mask.reduce((a, b) => a + b, 0);
      // Twinkle's cross entropy is a mean over the tokens of the request; all its losses but one are cross entropy.
      const crossEntropy = loss === "cross_entropy" || (kind === "twinkle" && loss !== "importance_sampling");
      const scale =
        kind === "skyrl-jax"
          ? 1 / Math.max(own, 1e-9)
          : kind === "twinkle"
            ? crossEntropy
              ? 1 / maskTotal
              : 1 / (own * data.length)
            : 1;
      const [old, advantages] = ["logprobs", "advantages"].map((name) => aligned(kind, datum.inputs[name] ?? [], mask));
      outputs[d].forEach((p, t) => {
        if (mask[t] === 0) return;
        const [low, high] = clipOf(kind, config);
        const slope = crossEntropy
          ? -1
          : slopes[kind === "twinkle" ? "ppo" : loss](Math.exp(p - old[t]), advantages[t], low, high);
        this.#descend(datum.tokens[t], datum.inputs["target_tokens"][t], slope * mask[t] * scale);
      });
    });
    return outputs;
  }

  /** Adds slope * d p / d logits. */
  #descend(previous: number, target: number, slope: number): void {
    const row = this.row(previous);
    for (let j = 0; j < this.size; j++)
      this.gradient[previous * this.size + j] += slope * ((j === target ? 1 : 0) - Math.exp(row[j]));
  }

  /** One step of Adam; returns the norm of the gradient that was used. */
  step(kind: ProfileName, { learningRate, beta1, beta2, epsilon, weightDecay, gradientClip }: AdamSettings): number {
    const divisor = kind === "skyrl-jax" ? Math.max(1, this.count) : 1;
    const gradient = this.gradient.map((g) => g / divisor);
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    const shrink = kind !== "skyrl-jax" && gradientClip > 0 && norm > gradientClip ? gradientClip / norm : 1;
    this.steps++;
    gradient.forEach((raw, i) => {
      const g = raw * shrink;
      this.first[i] = beta1 * this.first[i] + (1 - beta1) * g;
      this.second[i] = beta2 * this.second[i] + (1 - beta2) * g * g;
      const m = this.first[i] / (1 - beta1 ** this.steps);
      const v = this.second[i] / (1 - beta2 ** this.steps);
      this.logits[i] -= learningRate * (m / (Math.sqrt(v) + epsilon) + weightDecay * this.logits[i]);
    });
    this.gradient.fill(0);
    this.count = 0;
    return norm;
  }
}

/** The factor of each token: the weights where a server multiplies by them, 1 elsewhere. */
function maskOf(kind: ProfileName, loss: string, { inputs }: TrainingDatum): number[] {
  const ones = inputs["target_tokens"].map(() => 1);
  const weights = inputs["weights"] ?? ones;
  if (kind === "twinkle") return weights.map((w) => (w === 0 ? 0 : 1));
  if (kind === "skyrl-jax" || kind === "open-rl") return [...weights];
  return loss === "cross_entropy" ? [...weights] : ones;
}

/** Twinkle scatters arrays that are as long as the trained part. */
function aligned(kind: ProfileName, values: readonly number[], mask: readonly number[]): readonly number[] {
  if (kind !== "twinkle" || values.length === mask.length) return values;
  let at = 0;
  const result = mask.map((m) => (m === 0 ? 0 : values[at++]));
  if (at !== values.length) throw new RangeError(`${values.length} values for ${at} trained tokens`);
  return result;
}

function clipOf(kind: ProfileName, config: Readonly<Record<string, number>>): readonly [number, number] {
  if (kind === "twinkle") return [1 - (config["epsilon"] ?? 0.2), 1 + (config["epsilon"] ?? 0.2)];
  if (kind === "open-rl") return [1 - (config["clip_range"] ?? 0.2), 1 + (config["clip_range"] ?? 0.2)];
  return [config["clip_low_threshold"] ?? 0.8, config["clip_high_threshold"] ?? 1.2];
}
