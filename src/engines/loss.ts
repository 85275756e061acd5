/** What every engine does with a loss before, and some after, computing its gradient. */
import { EngineError, type Loss } from "./engine.ts";

/** The definitions of `Loss`, in double precision, at log-probabilities of every completion token; in nats for cross entropy. */
export function lossValue(loss: Loss, logprobs: readonly (readonly number[])[]): number {
  let total = 0;
  for (const [i, list] of logprobs.entries()) {
    for (const [t, p] of list.entries()) {
      if (loss.kind === "cross_entropy") {
        total -= loss.examples[i].weights[t] * p;
        continue;
      }
      const ratio = Math.exp(p - loss.examples[i].logprobs[t]);
      const clipped = Math.min(Math.max(ratio, 1 - loss.clip), 1 + loss.clip);
      const advantage = loss.examples[i].advantages[t];
      total -= Math.min(ratio * advantage, clipped * advantage);
    }
  }
  return total;
}

/** Throws `EngineError` naming the first weight, advantage or log-probability that is not a finite number. */
export function checkLoss({ kind, examples }: Loss): void {
  for (const [i, example] of examples.entries())
    for (const [name, values] of Object.entries(example)) {
      if (name !== "weights" && name !== "advantages" && name !== "logprobs") continue;
      const wrong = values.findIndex((value: number) => !Number.isFinite(value));
      if (wrong >= 0)
        throw new EngineError(`${kind}: ${name}[${wrong}] of example ${i} is ${values[wrong]}; nothing was learned`);
    }
}
