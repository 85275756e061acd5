import { expect, test } from "vitest";
import { foldIn, seedKey, shuffle } from "../../random.ts";
import type { Completion, LossResult, SampleRequest } from "../engine.ts";
import { createEmbeddedEngine } from "./engine.ts";
import { defaultModel, type ModelConfig } from "./model.ts";
import { ADAM, promptsOf, TINY, tinyEngine, tokensOf } from "./testing.ts";

const SETTINGS = { temperature: 0.9, maxTokens: 6, stop: [3] };

/** 40 requests with two shared prefixes and with none, of many lengths. */
const requests: readonly SampleRequest[] = [...promptsOf(18, 20), ...promptsOf(12, 33, 90), ...promptsOf(10, 0, 70)].map(
  (prompt, i) => ({ prompt, key: foldIn(seedKey(5), i) }),
);

/** Large enough for batches of few rows, down to one, and for searching its vocabulary by blocks. */
const LARGE: ModelConfig = { ...TINY, vocabularySize: 9216, width: 256, heads: 6, headWidth: 32, feedForward: 1024 };

/** Both a tiny model and the default one, whose matrices are large enough for other kernels and for threads. */
const models = [
  ["tiny", TINY, 1] as const,
  ["ungrouped", { ...TINY, keyValueHeads: 4 }, 1] as const,
  ["default", { ...defaultModel(200), contextLength: 256 }, 2] as const,
  ["large", LARGE, 2] as const,
  ["large ungrouped", { ...LARGE, heads: 2, queryKeyNorms: false }, 1] as const,
];

test.each(models)("a completion's bytes do not depend on its company: %s model", async (_, model, threads) => {
  const engine = createEmbeddedEngine({ model, key: seedKey(2), threads });
  const together = await engine.sample(requests, SETTINGS);
  const inParts = async (size: number): Promise<readonly Completion[]> => {
    const parts: Completion[] = [];
    for (let i = 0; i < requests.length; i += size) parts.push(...(await engine.sample(requests.slice(i, i + size), SETTINGS)));
    return parts;
  };
  expect(await inParts(1)).toEqual(together);
  expect(await inParts(3)).toEqual(together);
  const order = shuffle(
    seedKey(8),
    requests.map((__, i) => i),
  );
  const shuffled = await engine.sample(
    order.map((i) => requests[i]),
    SETTINGS,
  );
  expect(shuffled).toEqual(order.map((i) => together[i]));
  // The same prompt once, three times and 45 times, so that rows of every number of completions occur.
  const thrice = requests.slice(0, 3).flatMap((request) => [request, request, request]);
  expect(await engine.sample(thrice, SETTINGS)).toEqual(together.slice(0, 3).flatMap((one) => [one, one, one]));
  const copies = await engine.sample(
    Array.from({ length: 45 }, () => requests[4]),
    SETTINGS,
  );
  expect(copies).toEqual(copies.map(() => together[4]));

  const continued = requests.map(({ prompt }, i) => ({ prompt, continuation: tokensOf(i, 1 + (i % 5)) }));
  const scores = await engine.score(continued, 0.9);
  const alone = await Promise.all(continued.map((request) => engine.score([request], 0.9)));
  expect(alone.flat()).toEqual(scores);
  await engine.release();
});

test.each(models)("rows that pass the layers in parts give the bytes they give alone: %s model", async (_, model) => {
  const engine = createEmbeddedEngine({ model: { ...model, contextLength: 400 }, key: seedKey(2), threads: 1 });
  const prompts = (count: number, own: number) =>
    Array.from({ length: count }, (__, i) => ({ tokens: [...tokensOf(9, 20), ...tokensOf(40 + i, own)], shared: 20 }));
  // 64 prompts with one completion each, and 8 longer ones with 16: more tokens than pass together.
  const many = prompts(64, 40).map((prompt, i) => ({ prompt, key: foldIn(seedKey(3), i) }));
  const groups = prompts(8, 300).flatMap((prompt, g) =>
    Array.from({ length: 16 }, (__, i) => ({ prompt, key: foldIn(seedKey(4), g, i) })),
  );
  for (const list of [many, groups]) {
    const together = await engine.sample(list, SETTINGS);
    for (const i of [0, 17, 38, list.length - 1]) expect(await engine.sample([list[i]], SETTINGS)).toEqual([together[i]]);
  }
  await engine.release();
});

test.each(models)("a completion's bytes do not depend on the number of workers: %s model", async (_, model) => {
  // One prompt 70 times and eight of one length: few rows, which several workers share.
  const few = [
    ...Array.from({ length: 70 }, (__, i) => ({ ...requests[4], key: foldIn(seedKey(6), i) })),
    ...promptsOf(8, 20, 3).map((prompt) => ({ prompt: { ...prompt, tokens: prompt.tokens.slice(0, 24) }, key: seedKey(7) })),
  ];
  const continued = few.map(({ prompt }, i) => ({ prompt, continuation: tokensOf(i, 3) }));
  const run = async (threads: number) => {
    const engine = createEmbeddedEngine({ model, key: seedKey(2), threads });
    const result = [await engine.sample(few, SETTINGS), await engine.score(continued, 0.9)];
    await engine.release();
    return result;
  };
  const one = await run(1);
  expect(await run(2)).toEqual(one);
  expect(await run(5)).toEqual(one);
});

test("training from a seed gives the same bytes on any number of threads", async () => {
  const bytesOf = ({ buffer }: Float32Array) => Buffer.from(buffer).toString("hex");
  const run = async (threads: number) => {
    const engine = createEmbeddedEngine({ model: { ...defaultModel(64), contextLength: 128 }, key: seedKey(2), threads });
    const losses: LossResult[] = [];
    const gradients: string[] = [];
    for (let step = 0; step < 3; step++) {
      const examples = promptsOf(21, 20, step).map((prompt, i) => {
        const completion = tokensOf(i, 1 + (i % 9));
        return { prompt, completion, weights: completion.map(() => 0.1) };
      });
      losses.push(await engine.accumulate({ kind: "cross_entropy", examples }));
      gradients.push(bytesOf(await engine.gradient()));
      await engine.step(ADAM);
    }
    const weights = bytesOf(await engine.weights());
    const snapshot = await engine.snapshot();
    const completions = await snapshot.sample(requests, SETTINGS);
    const scores = await engine.score(
      completions.map(({ tokens }, i) => ({ prompt: requests[i].prompt, continuation: tokens })),
      0.9,
    );
    await snapshot.release();
    await engine.release();
    return { losses, gradients, weights, completions, scores };
  };
  const one = await run(1);
  for (const threads of [1, 2, 3]) expect(await run(threads)).toEqual(one);
});

test("tokens come as often as their probabilities say", async () => {
  const engine = tinyEngine(4);
  // A few steps make the distribution uneven.
  const prompt = { tokens: [1, 2, 3], shared: 2 };
  const examples = [5, 5, 5, 6, 6, 9].map((token) => ({ prompt, completion: [token], weights: [1] }));
  for (let step = 0; step < 5; step++) {
    await engine.accumulate({ kind: "cross_entropy", examples });
    await engine.step({ ...ADAM, learningRate: 1e-3 });
  }
  const count = 4096;
  const drawn = await engine.sample(
    Array.from({ length: count }, (_, i) => ({ prompt, key: foldIn(seedKey(11), i) })),
    { temperature: 1.3, maxTokens: 1, stop: [] },
  );
  const every = Array.from({ length: TINY.vocabularySize }, (_, token) => ({ prompt, continuation: [token] }));
  const probabilities = (await engine.score(every, 1.3)).map(([logprob]) => Math.exp(logprob));
  expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  const statistic = probabilities.reduce((total, p, token) => {
    const seen = drawn.filter(({ tokens }) => tokens[0] === token).length;
    return total + (seen - count * p) ** 2 / (count * p);
  }, 0);
  // The 99.9% point of chi-square with 23 degrees of freedom: scipy.stats.chi2.ppf(0.999, 23) = 49.728.
  expect(statistic).toBeLessThan(49.728);
  await engine.release();
});
