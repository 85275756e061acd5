/** The plain decoder beside the engine: the same log-probabilities and the same tokens. */
import { describe, expect, test } from "vitest";
import { foldIn, seedKey } from "../../random.ts";
import type { SamplerSettings } from "../engine.ts";
import { createEmbeddedEngine } from "./engine.ts";
import type { ModelConfig } from "./model.ts";
import { createPlainSampler } from "./plain.ts";
import { TINY, promptsOf, tokensOf } from "./testing.ts";

const MODELS: readonly (readonly [string, ModelConfig])[] = [
  ["Qwen3", TINY],
  ["Llama with a head of its own", { ...TINY, queryKeyNorms: false, tiedEmbeddings: false }],
  ["as many keys as queries", { ...TINY, keyValueHeads: 4, ropeTheta: 1000 }],
];

describe.each(MODELS)("%s", (_, model) => {
  const engine = createEmbeddedEngine({ model, key: seedKey(3), threads: 1 });
  const plain = engine.weights().then((weights) => createPlainSampler(model, weights));
  const prompts = promptsOf(6, 20);

  test("scores continuations within 1e-5 nats of the engine", async () => {
    const requests = prompts.map((prompt, i) => ({ prompt, continuation: tokensOf(50 + i, 12) }));
    const [ours, theirs] = await Promise.all([(await plain).score(requests, 0.7), engine.score(requests, 0.7)]);
    const gaps = ours.flatMap((row, i) => row.map((logprob, t) => Math.abs(logprob - theirs[i][t])));
    expect(gaps.length).toBe(72);
    expect(Math.max(...gaps)).toBeLessThan(1e-5);
  });

  test("draws the engine's tokens", async () => {
    const requests = prompts.map((prompt, i) => ({ prompt, key: foldIn(seedKey(9), i) }));
    const settings: SamplerSettings = { temperature: 1, maxTokens: 10, stop: [0, 1, 2] };
    const [ours, theirs] = await Promise.all([(await plain).sample(requests, settings), engine.sample(requests, settings)]);
    expect(ours.map(({ tokens, finish }) => ({ tokens, finish }))).toEqual(
      theirs.map(({ tokens, finish }) => ({ tokens, finish })),
    );
  });
});

test("a prompt beyond the context is refused", async () => {
  const engine = createEmbeddedEngine({ model: TINY, key: seedKey(3), threads: 1 });
  const plain = createPlainSampler(TINY, await engine.weights());
  const prompt = { tokens: tokensOf(1, 125), shared: 0 };
  const sampled = plain.sample([{ prompt, key: seedKey(1) }], { temperature: 1, maxTokens: 4, stop: [] });
  await expect(sampled).rejects.toThrow("129 tokens are more than the context of 128");
});
