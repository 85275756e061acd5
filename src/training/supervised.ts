/** Supervised training: cross entropy on the assistant's tokens only. */
import type { CrossEntropyExample, Learner } from "../engines/engine.ts";
import type { Encoding } from "../play/encoding.ts";
import { type Key, foldIn, shuffle } from "../random.ts";
import { adamSettings } from "../runs/plan.ts";
import type { Metrics } from "./metrics.ts";
import type { Trace } from "./traces.ts";

export interface SupervisedSettings {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly gradientClip: number;
  readonly beta1: number;
  readonly beta2: number;
}

export type SupervisedExample = Omit<CrossEntropyExample, "weights">;

export const supervisedExample = (trace: Trace, encoding: Encoding): SupervisedExample => ({
  prompt: encoding.prompt(trace.game, trace.view),
  completion: encoding.reply(trace.messages[trace.messages.length - 1].content),
});

export const supervisedSteps = (examples: number, { epochs, batch }: SupervisedSettings): number =>
  epochs === 0 ? 0 : Math.max(1, Math.round((examples * epochs) / batch));

/** The examples of one step: passes over keyed shuffles, cut into batches. */
export function batchAt<T>(examples: readonly T[], step: number, batch: number, key: Key): T[] {
  const chosen: T[] = [];
  for (let at = step * batch; chosen.length < batch; at++) {
    const pass = Math.floor(at / examples.length);
    const order = orderOf(examples.length, pass, key);
    chosen.push(examples[order[at % examples.length]]);
  }
  return chosen;
}

const orders = new Map<string, readonly number[]>();
/** The keyed order of a pass; the last few are kept. */
function orderOf(size: number, pass: number, key: Key): readonly number[] {
  const name = `${key.join()}/${size}/${pass}`;
  const known = orders.get(name);
  if (known !== undefined) return known;
  if (orders.size >= 4) orders.clear();
  const order = shuffle(
    foldIn(key, "pass", pass),
    Array.from({ length: size }, (_, i) => i),
  );
  orders.set(name, order);
  return order;
}

/** One step: mean cross entropy per token over the batch, in nats. */
export async function supervisedStep(
  engine: Learner,
  batch: readonly SupervisedExample[],
  settings: SupervisedSettings,
  progress: number,
): Promise<Metrics> {
  const tokens = batch.reduce((sum, { completion }) => sum + completion.length, 0);
  const examples = batch.map((example) => ({ ...example, weights: example.completion.map(() => 1 / tokens) }));
  const adam = adamSettings(settings, Math.min(1, warmupCosine(progress)));
  // Asked for together: an engine far away then does both without waiting for us in between.
  const [{ loss }, { gradientNorm }] = await Promise.all([
    engine.accumulate({ kind: "cross_entropy", examples }),
    engine.step(adam),
  ]);
  return {
    loss,
    learning_rate: adam.learningRate,
    // An engine that cannot tell the norm says NaN.
    ...(Number.isNaN(gradientNorm) ? {} : { grad_norm: gradientNorm }),
    num_tokens: tokens,
  };
}

/** A supervised stage on examples, from a step on; yields after each step. */
export async function* supervised(
  engine: Learner,
  examples: readonly SupervisedExample[],
  settings: SupervisedSettings,
  key: Key,
  { from = 0, signal }: { readonly from?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<{ readonly step: number; readonly metrics: Metrics }, void> {
  const steps = supervisedSteps(examples.length, settings);
  for (let step = from; step < steps; step++) {
    signal?.throwIfAborted();
    const batch = batchAt(examples, step, settings.batch, key);
    yield { step: step + 1, metrics: await supervisedStep(engine, batch, settings, step / steps) };
  }
}

/** 5% linear warm-up, then a cosine to a tenth of the peak; `progress` in [0, 1). */
const warmupCosine = (progress: number): number =>
  progress < 0.05 ? (progress + 0.005) / 0.055 : 0.1 + 0.45 * (1 + Math.cos(Math.PI * progress));
