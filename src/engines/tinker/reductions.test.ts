/** With any server's reduction, what is trained is the gradient of the contract's sum over tokens. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { seedKey } from "../../random.ts";
import type { CrossEntropyExample, Loss, PpoExample } from "../engine.ts";
import { trainingPlan } from "./datums.ts";
import { PROFILES, PROFILE_NAMES } from "./profiles.ts";
import { Bigram } from "./testing/bigram.ts";

const SIZE = 5;
const token = fc.integer({ min: 0, max: SIZE - 1 });
const value = fc.double({ min: -3, max: 3, noNaN: true });
const example = fc
  .tuple(
    fc.array(token, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(token, value, value), { minLength: 1, maxLength: 5 }),
  )
  .map(([tokens, rows]) => ({
    prompt: { tokens, shared: 0 },
    completion: rows.map(([next]) => next),
    values: rows.map(([, v]) => v),
    logprobs: rows.map(([, , old]) => -Math.abs(old)),
  }));
const examples = fc.array(example, { minLength: 1, maxLength: 7 });
type Drawn = (typeof examples extends fc.Arbitrary<infer T> ? T : never)[number];

const losses: Record<string, (drawn: readonly Drawn[], clip: number) => Loss> = {
  cross_entropy: (drawn) => ({
    kind: "cross_entropy",
    examples: drawn.map((e): CrossEntropyExample => ({ ...e, weights: e.values })),
  }),
  ppo: (drawn, clip) => ({
    kind: "ppo",
    clip,
    temperature: 1,
    examples: drawn.map((e): PpoExample => ({ ...e, advantages: e.values })),
  }),
};

/** The gradient of the contract's loss in the logits, by central differences of its own formula. */
function wantedGradient(model: Bigram, loss: Loss): number[] {
  const total = (): number => {
    let sum = 0;
    for (const [i, { prompt, completion }] of loss.examples.entries()) {
      const all = [...prompt.tokens, ...completion];
      completion.forEach((next, t) => {
        const p = model.row(all[prompt.tokens.length + t - 1])[next];
        if (loss.kind === "cross_entropy") sum -= loss.examples[i].weights[t] * p;
        else {
          const { advantages, logprobs } = loss.examples[i];
          const ratio = Math.exp(p - logprobs[t]);
          const clipped = Math.min(Math.max(ratio, 1 - loss.clip), 1 + loss.clip);
          sum -= Math.min(ratio * advantages[t], clipped * advantages[t]);
        }
      });
    }
    return sum;
  };
  const step = 1e-5;
  return Array.from(model.logits, (logit, i) => {
    const at = (x: number) => {
      model.logits[i] = x;
      const found = total();
      model.logits[i] = logit;
      return found;
    };
    return (at(logit + step) - at(logit - step)) / (2 * step);
  });
}

/** Whether a ratio is so near a bound of the clip that a difference quotient straddles it. */
function atKink(model: Bigram, loss: Loss): boolean {
  if (loss.kind !== "ppo") return false;
  return loss.examples.some(({ prompt, completion, logprobs }) => {
    const all = [...prompt.tokens, ...completion];
    return completion.some((next, t) => {
      const ratio = Math.exp(model.row(all[prompt.tokens.length + t - 1])[next] - logprobs[t]);
      return Math.abs(ratio - 1 - loss.clip) < 1e-3 || Math.abs(ratio - 1 + loss.clip) < 1e-3;
    });
  });
}

for (const name of PROFILE_NAMES)
  for (const [kind, lossOf] of Object.entries(losses))
    test(`${name} trains the sum of ${kind}`, () => {
      const profile = PROFILES[name];
      const property = fc.property(
        examples,
        fc.constantFrom(1, 2, 1024),
        fc.constantFrom(0.1, 0.2, 0.3),
        (drawn, datums, clip) => {
          const model = new Bigram(SIZE, seedKey(3));
          const loss = lossOf(drawn, clip);
          fc.pre(!atKink(model, loss));
          const now = drawn.map(({ prompt, completion }) => {
            const all = [...prompt.tokens, ...completion];
            return completion.map((next, t) => model.row(all[prompt.tokens.length + t - 1])[next]);
          });
          const plan = trainingPlan(profile, loss, now, { ...profile.limits, datums });
          for (const { data } of plan.requests) {
            expect(data.length % profile.batchMultiple).toBe(0);
            const wire = data.map(({ tokens, inputs }) => ({
              tokens,
              inputs: Object.fromEntries(Object.entries(inputs).map(([field, tensor]) => [field, tensor.data])),
            }));
            model.train(name, { data: wire, loss: plan.loss, config: plan.config }, false);
          }
          const divisor = name === "skyrl-jax" ? model.count : 1;
          const wanted = wantedGradient(model, loss);
          model.gradient.forEach((g, i) => expect(g / divisor).toBeCloseTo(wanted[i], 4));
        },
      );
      fc.assert(property, { numRuns: 40, seed: 7 });
    });
