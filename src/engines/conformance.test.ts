import { describe, expect, test } from "vitest";
import { seedKey } from "../random.ts";
import { engineConformance } from "./conformance.ts";
import { createEmbeddedEngine } from "./embedded/engine.ts";
import { scriptedSampler } from "./scripted.ts";
import { TabularEngine } from "./tabular/engine.ts";

const model = {
  vocabularySize: 40,
  width: 16,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headWidth: 8,
  feedForward: 24,
  contextLength: 64,
  ropeTheta: 10_000,
  normEpsilon: 1e-6,
};
const shared = [3, 1, 4, 1, 5];

describe("tabular engine", () => {
  const subject = {
    create: () =>
      Promise.resolve(
        new TabularEngine({
          vocabularySize: 6,
          rows: [
            [3, 4],
            [4, 5],
            [3, 5, 4],
          ],
        }),
      ),
    prompts: [0, 1, 2, 0, 2].map((row) => ({ tokens: [row], shared: 0 })),
    settings: { temperature: 0.8, maxTokens: 4, stop: [3, 4] },
  };
  for (const { name, run } of engineConformance(subject)) test(name, () => run());

  test("matches the closed form of a softmax", async () => {
    // Logits 1 and 0 at temperature 0.5: p = 1 / (1 + e^-2).
    const engine = new TabularEngine({ vocabularySize: 3, rows: [[1, 2]], logits: [[1, 0]] });
    const [[logprob]] = await engine.score([{ prompt: { tokens: [0], shared: 0 }, continuation: [1] }], 0.5);
    expect(logprob).toBeCloseTo(-Math.log(1 + Math.exp(-2)), 12);
  });
});

describe("embedded engine", () => {
  const subject = {
    create: () => Promise.resolve(createEmbeddedEngine({ model, key: seedKey(2), threads: 2 })),
    prompts: [[7], [8, 9], [10, 11, 12], [7], [13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]].map(
      (own) => ({
        tokens: [...shared, ...own],
        shared: shared.length,
      }),
    ),
    settings: { temperature: 0.8, maxTokens: 6, stop: [2, 6, 33] },
  };
  for (const { name, run } of engineConformance(subject)) test(name, () => run());
});

test("a scripted sampler replays, stops and scores", async () => {
  const sampler = scriptedSampler(([first]) => [first, 9, 1]);
  const settings = { temperature: 1, maxTokens: 5, stop: [9] };
  const [{ tokens, finish }] = await sampler.sample([{ prompt: { tokens: [4], shared: 0 }, key: seedKey(0) }], settings);
  expect({ tokens, finish }).toEqual({ tokens: [4, 9], finish: "stop" });
});
