import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { foldIn, seedKey } from "../../random.ts";
import { EngineError, type CrossEntropyExample } from "../engine.ts";
import { createEmbeddedEngine, loadEmbeddedEngine } from "./engine.ts";
import { ADAM, promptsOf, TINY, tinyEngine, tokensOf } from "./testing.ts";

const SETTINGS = { temperature: 0.8, maxTokens: 7, stop: [3, 5] };
const requestsOf = (count: number, shared: number) =>
  promptsOf(count, shared).map((prompt, i) => ({ prompt, key: foldIn(seedKey(5), i) }));

function largestDifference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  expect(a.map((list) => list.length)).toEqual(b.map((list) => list.length));
  return Math.max(...a.flatMap((list, i) => list.map((x, t) => Math.abs(x - b[i][t]))));
}

test("sampled, scored and trained log-probabilities agree, with and without a shared prefix", async () => {
  const engine = tinyEngine();
  const requests = requestsOf(9, 20);
  const completions = await engine.sample(requests, SETTINGS);
  const sampled = completions.map(({ logprobs }) => logprobs);
  const scoreAt = (shared: number) =>
    engine.score(
      requests.map(({ prompt }, i) => ({ prompt: { ...prompt, shared }, continuation: completions[i].tokens })),
      SETTINGS.temperature,
    );
  const { logprobs } = await engine.accumulate({
    kind: "ppo",
    clip: 0.2,
    temperature: SETTINGS.temperature,
    examples: requests.map(({ prompt }, i) => ({
      prompt,
      completion: completions[i].tokens,
      logprobs: sampled[i],
      advantages: sampled[i].map(() => 1),
    })),
  });
  const shared = await scoreAt(20);
  expect(largestDifference(sampled, shared)).toBeLessThan(1e-5);
  expect(largestDifference(sampled, logprobs)).toBeLessThan(1e-5);
  expect(largestDifference(shared, await scoreAt(0))).toBeLessThan(1e-5);
  expect(largestDifference(shared, await scoreAt(7))).toBeLessThan(1e-5);
  await engine.release();
});

test("completions end with a stop token or at the limit", async () => {
  const engine = tinyEngine();
  const completions = await engine.sample(requestsOf(40, 4), SETTINGS);
  for (const { tokens, logprobs, finish } of completions) {
    expect(logprobs).toHaveLength(tokens.length);
    const stops = tokens.map((token) => SETTINGS.stop.includes(token));
    expect(stops.slice(0, -1)).not.toContain(true);
    expect(finish).toBe(stops.at(-1) ? "stop" : "length");
    expect(finish === "stop" || tokens.length === SETTINGS.maxTokens).toBe(true);
  }
  expect(new Set(completions.map(({ finish }) => finish))).toEqual(new Set(["stop", "length"]));
  const one = await engine.sample(requestsOf(3, 4), { ...SETTINGS, maxTokens: 1 });
  expect(one.map(({ tokens }) => tokens)).toEqual(completions.slice(0, 3).map(({ tokens }) => tokens.slice(0, 1)));
  await engine.release();
});

/** Answer with the last prompt token plus one. */
const successor = (seed: number): CrossEntropyExample => {
  const own = tokensOf(seed, 4).map((token) => token % 20);
  return { prompt: { tokens: [21, 22, ...own], shared: 2 }, completion: [own[3] + 1, 23], weights: [1 / 64, 1 / 64] };
};

test("learns to answer with the successor of the last token", { timeout: 30_000 }, async () => {
  const engine = tinyEngine();
  for (let step = 0; step < 120; step++) {
    const examples = Array.from({ length: 32 }, (_, i) => successor(step * 32 + i));
    await engine.accumulate({ kind: "cross_entropy", examples });
    await engine.step(ADAM);
  }
  const examples = Array.from({ length: 32 }, (_, i) => successor(1_000_000 + i));
  const requests = examples.map(({ prompt }, i) => ({ prompt, key: foldIn(seedKey(6), i) }));
  const completions = await engine.sample(requests, { temperature: 0.5, maxTokens: 3, stop: [23] });
  const right = completions.filter(({ tokens }, i) => tokens.join() === examples[i].completion.join()).length;
  expect(right).toBeGreaterThanOrEqual(30);
  await engine.release();
});

test("a saved engine trains on bit for bit", async () => {
  const examples = Array.from({ length: 8 }, (_, i) => successor(i));
  const engine = tinyEngine();
  const train = async (who: typeof engine) => {
    await who.accumulate({ kind: "cross_entropy", examples });
    await who.step(ADAM);
  };
  await train(engine);
  const folder = await mkdtemp(join(tmpdir(), "engine-"));
  await engine.save(folder);
  const loaded = await loadEmbeddedEngine(folder, { threads: 1 });
  const again = tinyEngine(2);
  await again.load(folder);
  for (const who of [engine, loaded, again]) await train(who);
  const [expected, ...others] = await Promise.all([engine, loaded, again].map((who) => who.weights()));
  for (const weights of others) expect(Buffer.from(weights.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  const second = await mkdtemp(join(tmpdir(), "engine-"));
  const third = await mkdtemp(join(tmpdir(), "engine-"));
  await engine.save(second);
  await again.save(third);
  for (const file of ["config.json", "model.safetensors", "optimizer.safetensors"]) {
    expect((await readFile(join(second, file))).equals(await readFile(join(third, file)))).toBe(true);
  }
  await Promise.all([engine, loaded, again].map((who) => who.release()));
});

test("a snapshot stays as it was and outlives its engine", async () => {
  const engine = tinyEngine();
  const requests = requestsOf(4, 5);
  const before = await engine.sample(requests, SETTINGS);
  const snapshot = await engine.snapshot();
  await engine.accumulate({ kind: "cross_entropy", examples: [successor(1)] });
  await engine.step({ ...ADAM, learningRate: 0.1 });
  expect(await snapshot.sample(requests, SETTINGS)).toEqual(before);
  expect(await engine.sample(requests, SETTINGS)).not.toEqual(before);
  await engine.release();
  expect(await snapshot.sample(requests, SETTINGS)).toEqual(before);
  await snapshot.release();
  await expect(engine.sample(requests, SETTINGS)).rejects.toThrow(EngineError);
  await expect(engine.gradient()).rejects.toThrow("the engine was released");
  await expect(snapshot.score([], 1)).rejects.toThrow(EngineError);
});

test("misuse is an EngineError that names the value", async () => {
  const engine = tinyEngine();
  const key = seedKey(1);
  const sample = (tokens: readonly number[], shared: number, settings = {}) =>
    engine.sample([{ prompt: { tokens, shared }, key }], { ...SETTINGS, ...settings });
  await expect(sample(tokensOf(1, 122), 0)).rejects.toThrow(
    new EngineError("a prompt of 122 tokens and a completion of 7 exceed the context length 128"),
  );
  await expect(sample([], 0)).rejects.toThrow("a prompt needs at least one token, got none");
  await expect(sample([1, 24], 0)).rejects.toThrow("token 24 is outside the vocabulary of 24");
  await expect(sample([1], 2)).rejects.toThrow("shared must be between 0 and the prompt's 1 tokens, got 2");
  await expect(sample([1], 0, { temperature: 0 })).rejects.toThrow("temperature must be a positive number, got 0");
  await expect(sample([1], 0, { maxTokens: 0 })).rejects.toThrow("maxTokens must be a positive integer, got 0");
  await expect(sample([1], 0, { stop: [99] })).rejects.toThrow("stop token 99 is outside the vocabulary of 24");
  const prompt = { tokens: [1], shared: 0 };
  const short = engine.accumulate({ kind: "cross_entropy", examples: [{ prompt, completion: [1, 2], weights: [1] }] });
  await expect(short).rejects.toThrow("example 0: 1 weights for a completion of 2 tokens");
  await engine.release();
});

test("a device that this machine lacks is named, with the way out", async () => {
  const engine = createEmbeddedEngine({ model: TINY, key: seedKey(1), device: "cuda" });
  const request = { prompt: { tokens: [1, 2], shared: 0 }, key: seedKey(2) };
  const sampled = engine.sample([request], { temperature: 1, maxTokens: 2, stop: [] });
  // On a machine with the provider the engine works; the message is for all others.
  await sampled.then(
    ([{ tokens }]) => expect(tokens).toHaveLength(2),
    (error: unknown) => {
      expect(error).toBeInstanceOf(EngineError);
      expect(String(error)).toMatch(/CUDA provider.*ONNXRUNTIME_NODE_INSTALL=cuda12.*"cpu"/s);
    },
  );
  await engine.release();
});

test("a continuation may be almost all of a text", async () => {
  const engine = tinyEngine();
  const prompt = { tokens: tokensOf(1, 3), shared: 2 };
  const continuation = tokensOf(2, 100);
  const [whole] = await engine.score([{ prompt, continuation }], 1);
  const pieces = continuation.map((token, t) => ({
    prompt: { tokens: [...prompt.tokens, ...continuation.slice(0, t)], shared: 0 },
    continuation: [token],
  }));
  const apart = (await engine.score(pieces, 1)).map(([logprob]) => [logprob]);
  expect(largestDifference([whole], [apart.flat()])).toBeLessThan(1e-5);
  await engine.release();
});
