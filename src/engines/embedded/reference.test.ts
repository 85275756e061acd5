import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { seedKey } from "../../random.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { normals } from "../../tensor/testing.ts";
import { freshMoments } from "./adam.ts";
import { EmbeddedEngine } from "./engine.ts";
import { initialize, parametersOf } from "./parameters.ts";
import { TINY, tokensOf } from "./testing.ts";

/** Uneven norms and large embeddings, so that every part of the architecture shows. */
function referenceWeights(): Float32Array {
  const weights = initialize(TINY, seedKey(42));
  for (const [p, { name, shape, offset }] of parametersOf(TINY).entries()) {
    const noise = normals(1000 + p, sizeOf(shape));
    if (shape.length === 1 || name.includes("embed")) noise.forEach((x, i) => (weights[offset + i] += 0.3 * x));
  }
  return weights;
}

const TEMPERATURE = 0.7;
const SHARED = 17;
const REQUESTS = [3, 30, 60].map((own, i) => ({
  prompt: { tokens: [...tokensOf(1, SHARED), ...tokensOf(10 + i, own)], shared: SHARED },
  continuation: tokensOf(20 + i, 4),
}));

/**
 * Log-probabilities that transformers gives, printed by
 * `EXPORT_REFERENCE=/tmp/reference npx vitest run src/engines/embedded/reference.test.ts` and then
 * `python reference/compare-transformers.py check /tmp/reference /tmp/reference/scores.json --print`, whose last line was
 * "Qwen3ForCausalLM: 12 tokens, largest difference 4.8e-06 (transformers 5.23.0, torch 2.15.0+cu132)".
 */
const REFERENCE: readonly (readonly number[])[] = [
  [-9.75482, -8.65571, -8.50493, -9.15087],
  [-8.42753, -6.19611, -4.33002, -6.89012],
  [-5.92902, -7.32273, -5.81683, -8.71669],
];

test("log-probabilities are those of Hugging Face transformers", async () => {
  const weights = referenceWeights();
  const engine = new EmbeddedEngine({ config: TINY, ids: {}, weights, moments: freshMoments(weights.length) });
  const scores = await engine.score(REQUESTS, TEMPERATURE);
  const folder = process.env.EXPORT_REFERENCE;
  if (folder) {
    await mkdir(folder, { recursive: true });
    await engine.save(folder);
    const requests = REQUESTS.map(({ prompt, continuation }, i) => ({
      prompt: prompt.tokens,
      continuation,
      logprobs: scores[i],
    }));
    await writeFile(join(folder, "scores.json"), JSON.stringify({ temperature: TEMPERATURE, requests }));
  }
  await engine.release();
  for (const [i, list] of REFERENCE.entries()) {
    for (const [t, expected] of list.entries()) expect(Math.abs(scores[i][t] - expected)).toBeLessThan(1e-4);
  }
});
