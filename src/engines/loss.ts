/** The value of a loss from log-probabilities, for engines that compute gradients elsewhere. */
import type { Loss } from "./engine.ts";

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
