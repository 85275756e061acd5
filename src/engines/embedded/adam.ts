/** Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019). */
import { sizeOf } from "../../tensor/tensor.ts";
import type { AdamSettings } from "../engine.ts";
import type { Parameter } from "./parameters.ts";

export interface Moments {
  /** Running means of the gradient and of its square, without bias correction. */
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** Updates taken. */
  steps: number;
}

export const freshMoments = (size: number): Moments => ({
  first: new Float32Array(size),
  second: new Float32Array(size),
  steps: 0,
});

export function norm(vector: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i] * vector[i];
  return Math.sqrt(squares);
}

/** Numbers one update needs for every parameter. */
interface Update {
  readonly settings: AdamSettings;
  /** Scales the gradient. */
  readonly scale: number;
  readonly correction1: number;
  readonly correction2: number;
}

function updateRange(
  weights: Float32Array,
  gradient: Float32Array,
  { first, second }: Moments,
  { settings, scale, correction1, correction2 }: Update,
  from: number,
  to: number,
  decay: number,
): void {
  const { learningRate, beta1, beta2, epsilon } = settings;
  for (let i = from; i < to; i++) {
    const g = gradient[i] * scale;
    const m = beta1 * first[i] + (1 - beta1) * g;
    const v = beta2 * second[i] + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] -= learningRate * (decay * weights[i] + m / correction1 / (Math.sqrt(v / correction2) + epsilon));
  }
}

/** Updates weights and moments in place; matrices decay, norms do not. `gradientNorm` is that of `gradient`. */
export function adamStep(
  parameters: readonly Parameter[],
  weights: Float32Array,
  gradient: Float32Array,
  moments: Moments,
  settings: AdamSettings,
  gradientNorm: number,
): void {
  moments.steps++;
  const { gradientClip, beta1, beta2, weightDecay } = settings;
  const update = {
    settings,
    scale: gradientClip > 0 && gradientNorm > gradientClip ? gradientClip / gradientNorm : 1,
    correction1: 1 - beta1 ** moments.steps,
    correction2: 1 - beta2 ** moments.steps,
  };
  for (const { shape, offset } of parameters) {
    const decay = shape.length > 1 ? weightDecay : 0;
    updateRange(weights, gradient, moments, update, offset, offset + sizeOf(shape), decay);
  }
}
