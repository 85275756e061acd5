/** From the results of requests to what an engine reports. */
import { type AdamSettings, EngineError } from "../engine.ts";
import { type Sequence, type TrainingPlan, completionLogprobs } from "./datums.ts";
import type { Profile } from "./profiles.ts";
import * as wire from "./wire.ts";

/** Log-probabilities of completions once all results of a plan are there. */
export const outputsOf = async (
  profile: Profile,
  sequences: readonly Sequence[],
  plan: TrainingPlan,
  results: readonly Promise<wire.TrainingResult>[],
) =>
  completionLogprobs(
    profile,
    sequences,
    plan,
    (await Promise.all(results)).map(({ loss_fn_outputs: outputs }) => outputs),
  );

export const resultOf = async <T>(accepted: Promise<{ readonly result: Promise<T> }>): Promise<T> => (await accepted).result;

export const schemaOf = <T>(schema: Parameters<typeof wire.read<T>>[0], operation: string) => ({
  read: (value: unknown): T => wire.read(schema, value, operation),
});

export const adamParameters = ({ learningRate, beta1, beta2, epsilon, weightDecay, gradientClip }: AdamSettings) => ({
  learning_rate: learningRate,
  beta1,
  beta2,
  eps: epsilon,
  weight_decay: weightDecay,
  grad_clip_norm: gradientClip,
});

/** The norm that a server reports under a name of its own; NaN where it reports none. */
export function gradientNorm(metrics: Readonly<Record<string, unknown>>): number {
  const [, value] = Object.entries(metrics).find(([name]) => name.includes("grad_norm")) ?? [];
  const norm = value === undefined ? NaN : Number(value);
  if (value !== undefined && !Number.isFinite(norm))
    throw new EngineError(`tinker: the gradient's norm is ${JSON.stringify(value)}; the step may have spoiled the weights`);
  return norm;
}
