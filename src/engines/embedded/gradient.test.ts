import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sizeOf } from "../../tensor/tensor.ts";
import { normals } from "../../tensor/testing.ts";
import type { Loss } from "../engine.ts";
import { lossValue } from "../loss.ts";
import { seedKey } from "../../random.ts";
import { norm } from "./adam.ts";
import { Graphs } from "./graphs.ts";
import type { ModelConfig } from "./model.ts";
import { liveWeights } from "./inputs.ts";
import { initialize, parametersOf } from "./parameters.ts";
import { promptsOf, TINY, tokensOf } from "./testing.ts";
import { WeightsSampler } from "./sampler.ts";
import { Trainer } from "./trainer.ts";

/** Three layers, so that a prefix passes through whole layers and gradients through its keys and values in each. */
const CONFIG: ModelConfig = { ...TINY, layers: 3 };
const graphs = new Graphs(CONFIG, { threads: 1 }).hold();
afterAll(() => graphs.letGo());

/** Weights away from their start, where some gradients are tiny: larger embeddings, uneven norms. */
function unevenWeights(): Float32Array {
  const weights = initialize(CONFIG, seedKey(1));
  for (const [p, { name, shape, offset }] of parametersOf(CONFIG).entries()) {
    const noise = normals(p, sizeOf(shape));
    const deviation = name.includes("embed") ? 0.5 : 0.3;
    if (shape.length === 1 || name.includes("embed")) noise.forEach((x, i) => (weights[offset + i] += deviation * x));
  }
  return weights;
}
const weights = unevenWeights();
const live = liveWeights(CONFIG, weights);
const trainer = new Trainer(graphs, live);
const sampler = new WeightsSampler(graphs, live);

/** The loss from scored log-probabilities, without a graph of gradients. */
async function lossOf(loss: Loss): Promise<number> {
  const requests = loss.examples.map(({ prompt, completion }) => ({ prompt, continuation: completion }));
  return lossValue(loss, await sampler.score(requests, loss.kind === "ppo" ? loss.temperature : 1));
}

const completions = Array.from({ length: 5 }, (_, i) => tokensOf(50 + i, 1 + 2 * i));
const number = (seed: number, list: readonly number[]) => Array.from(normals(seed, list.length));
const examples = promptsOf(5, 12).map((prompt, i) => ({ prompt, completion: completions[i] }));

async function losses(): Promise<Readonly<Record<Loss["kind"], Loss>>> {
  const crossEntropy: Loss = {
    kind: "cross_entropy",
    examples: examples.map((example, i) => ({ ...example, weights: number(i, example.completion) })),
  };
  // Old log-probabilities near today's put some ratios inside the clipping range and some outside.
  const temperature = 1.7;
  const requests = examples.map(({ prompt, completion }) => ({ prompt, continuation: completion }));
  const logprobs = await sampler.score(requests, temperature);
  const ppo: Loss = {
    kind: "ppo",
    clip: 0.2,
    temperature,
    examples: examples.map((example, i) => ({
      ...example,
      logprobs: logprobs[i].map((p, t) => p + [0.05, -0.1, 0.6, -0.6][(i + t) % 4]),
      advantages: number(20 + i, example.completion),
    })),
  };
  return { cross_entropy: crossEntropy, ppo };
}

/** The derivative of a loss along a direction in one parameter, from four points: error of order step^4. */
async function slope(loss: Loss, offset: number, direction: Float32Array, step: number): Promise<number> {
  const at = async (multiple: number): Promise<number> => {
    const before = weights.slice(offset, offset + direction.length);
    direction.forEach((x, i) => (weights[offset + i] += multiple * step * x));
    live.version++;
    const value = await lossOf(loss);
    weights.set(before, offset);
    live.version++;
    return value;
  };
  return (8 * ((await at(1)) - (await at(-1))) - ((await at(2)) - (await at(-2)))) / (12 * step);
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((total, x, i) => total + x * b[i], 0);
const unit = (vector: Float32Array) => vector.map((x) => x / norm(vector));
const kinds = parametersOf(CONFIG).map((parameter) => [parameter.name, parameter] as const);

describe.each(["cross_entropy", "ppo"] as const)("%s", (kind) => {
  let loss: Loss;
  const gradient = new Float32Array(weights.length);
  beforeAll(async () => {
    loss = (await losses())[kind];
    await trainer.accumulate(loss, gradient);
  });

  test("the loss is that of the scored log-probabilities", async () => {
    const result = await trainer.accumulate(loss, new Float32Array(weights.length));
    expect(result.loss).toBeCloseTo(await lossOf(loss), 4);
  });

  // Half along the gradient, where its length shows, and half across, where its direction does.
  test.each(kinds)("gradient of %s", async (_, { shape, offset }) => {
    const own = gradient.slice(offset, offset + sizeOf(shape));
    const along = unit(own);
    const across = unit(normals(offset, own.length));
    const direction = unit(along.map((x, i) => x + across[i]));
    const step = 0.02 / Math.max(1, Math.sqrt(norm(own)));
    expect(Math.abs((await slope(loss, offset, direction, step)) - dot(own, direction))).toBeLessThan(1e-3 * norm(own));
  });
});

test("a gradient does not depend on how much of the prompt is shared", async () => {
  const gradientAt = async (shared: number) => {
    const gradient = new Float32Array(weights.length);
    const moved = examples.map(({ prompt: { tokens }, completion }, i) => {
      return { prompt: { tokens, shared }, completion, weights: number(i, completion) };
    });
    await trainer.accumulate({ kind: "cross_entropy", examples: moved }, gradient);
    return gradient;
  };
  const plain = await gradientAt(0);
  for (const shared of [1, 5, 12]) {
    const other = await gradientAt(shared);
    expect(norm(other.map((x, i) => x - plain[i])) / norm(plain)).toBeLessThan(1e-5);
  }
});
