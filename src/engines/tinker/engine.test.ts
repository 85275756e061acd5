import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { foldIn, seedKey } from "../../random.ts";
import { engineConformance } from "../conformance.ts";
import { loadTinkerEngine } from "./engine.ts";
import { PROFILE_NAMES } from "./profiles.ts";
import { VOCABULARY, adamOf, startServer } from "./testing/subject.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const start = async (...args: Parameters<typeof startServer>) => {
  const started = await startServer(...args);
  closing.push(() => started.server.stop());
  return started;
};

const prompts = [[1], [2, 3], [4, 5, 6], [1], [7, 7, 7, 7]].map((tokens) => ({ tokens, shared: 0 }));
const settings = { temperature: 1, maxTokens: 5, stop: [0, 8] };

for (const kind of PROFILE_NAMES)
  describe(`tinker engine on a server like ${kind}`, () => {
    // Engines of one check share a server, for one loads what another saved.
    let started: ReturnType<typeof start> | undefined;
    const subject = {
      create: async () => {
        started ??= start(kind);
        return (await started).create();
      },
      prompts,
      settings,
      adam: adamOf(kind),
      freeAdam: kind !== "skyrl-train",
      tolerance: 1e-5,
    };
    for (const { name, run } of engineConformance(subject))
      test(name, async () => {
        started = undefined;
        await run();
      });
  });

test("saves the adapter and reopens from a folder", async () => {
  const { server, create } = await start("tinker");
  const engine = await create();
  const [{ tokens }] = await engine.sample([{ prompt: prompts[0], key: seedKey(1) }], settings);
  await engine.accumulate({
    kind: "cross_entropy",
    examples: [{ prompt: prompts[0], completion: tokens, weights: tokens.map(() => 1) }],
  });
  await engine.step(adamOf("tinker"));
  const folder = await mkdtemp(join(tmpdir(), "tinker-"));
  closing.push(() => rm(folder, { recursive: true }));
  await engine.save(folder);
  const file = JSON.parse(await readFile(join(folder, "tinker.json"), "utf8")) as unknown;
  expect(file).toMatchObject({ profile: "tinker", baseModel: "bigram", rank: 4, steps: 1 });
  expect(JSON.stringify(file)).not.toContain("tml-test");
  const adapter = await readFile(join(folder, "adapter", "adapter_model.safetensors"));
  expect([...new Float64Array(adapter.buffer.slice(adapter.byteOffset, adapter.byteOffset + adapter.length))]).toEqual(
    server.weights(),
  );
  const again = await loadTinkerEngine(folder, { apiKey: "tml-test", vocabularySize: VOCABULARY, key: seedKey(9) });
  const requests = [{ prompt: prompts[1], continuation: [1, 2, 3] }];
  expect(await again.score(requests, 1)).toEqual(await engine.score(requests, 1));
  await Promise.all([engine.release(), again.release()]);
});

test("gradients are forgotten and the optimizer starts afresh without losing the weights", async () => {
  const { server, create } = await start("skyrl-jax");
  const engine = await create();
  const examples = [{ prompt: prompts[0], completion: [2, 0], weights: [1, 1] }];
  const step = async () => {
    await engine.accumulate({ kind: "cross_entropy", examples });
    await engine.step(adamOf("skyrl-jax"));
  };
  await step();
  const before = server.weights();
  await engine.accumulate({ kind: "cross_entropy", examples });
  await engine.clearGradient();
  expect(server.weights()).toEqual(before);
  await engine.resetOptimizer();
  expect(server.weights()).toEqual(before);
  await step();
  // A first step of Adam moves every weight that has a gradient by the learning rate.
  const moved = server.weights().map((x, i) => Math.abs(x - before[i]));
  for (const distance of moved.filter((x) => x > 0)) expect(distance).toBeCloseTo(0.05, 6);
  await engine.release();
});

test("a step may be asked for before accumulate has answered", async () => {
  const [together, apart] = [await start("tinker"), await start("tinker")];
  const engines = [await together.create(), await apart.create()];
  const examples = [{ prompt: prompts[2], completion: [3, 0], weights: [0.5, 1] }];
  await Promise.all([
    engines[0].accumulate({ kind: "cross_entropy", examples }),
    engines[0].step(adamOf("tinker")),
    engines[0].accumulate({ kind: "cross_entropy", examples }),
    engines[0].step(adamOf("tinker")),
  ]);
  for (let i = 0; i < 2; i++) {
    await engines[1].accumulate({ kind: "cross_entropy", examples });
    await engines[1].step(adamOf("tinker"));
  }
  expect(together.server.weights()).toEqual(apart.server.weights());
  expect(together.server.done.map(({ body }) => body.seq_id).slice(1)).toEqual([1, 2, 3, 4]);
  await Promise.all(engines.map((engine) => engine.release()));
});

test("a batch is cut into requests without changing what is trained", async () => {
  const { server, create } = await start("twinkle");
  const cut = await start("twinkle");
  const engines = [await create(), await cut.create({ requestLimits: { datums: 2 } })];
  const examples = Array.from({ length: 7 }, (_, i) => ({
    prompt: prompts[i % prompts.length],
    completion: [1, 2, 3, 0].slice(i % 3),
    logprobs: [-1, -2, -3, -1].slice(i % 3),
    advantages: [1, -0.5, 0.25, 2].slice(i % 3),
  }));
  for (const engine of engines) {
    await engine.accumulate({ kind: "ppo", examples, clip: 0.2, temperature: 1 });
    await engine.step(adamOf("twinkle"));
  }
  const sizes = cut.server.done.filter(({ operation }) => operation === "forward_backward");
  expect(sizes.map(({ body }) => body.forward_backward_input?.data.length)).toEqual([2, 2, 2, 2]);
  server.weights().forEach((x, i) => expect(cut.server.weights()[i]).toBeCloseTo(x, 9));
  await Promise.all(engines.map((engine) => engine.release()));
});

test("a live sampler goes on while the model trains, and only where the server lets it", async () => {
  const { create } = await start("open-rl");
  const engine = await create();
  await expect(engine.snapshot()).rejects.toThrow(/follows the weights in training/);
  const live = await engine.snapshot({ frozen: false });
  const request = { prompt: prompts[0], key: seedKey(1) };
  const [{ tokens, logprobs }] = await live.sample([request], settings);
  await engine.accumulate({
    kind: "cross_entropy",
    examples: [{ prompt: prompts[0], completion: tokens, weights: tokens.map(() => 1) }],
  });
  await engine.step(adamOf("open-rl"));
  const [scored] = await live.score([{ prompt: prompts[0], continuation: tokens }], 1);
  expect(scored).toEqual((await engine.score([{ prompt: prompts[0], continuation: tokens }], 1))[0]);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  expect(sum(scored)).toBeGreaterThan(sum(logprobs));
  expect((await live.sample([request], settings))[0].tokens.length).toBeGreaterThan(0);
  await engine.release();
  await live.release();
  await expect(live.sample([request], settings)).rejects.toThrow(/was released/);
  const other = await start("twinkle");
  const twinkle = await other.create();
  await expect(twinkle.snapshot({ frozen: false })).rejects.toThrow(/does not outlast the next step/);
  await twinkle.release();
});

describe("what a profile does not honour is refused", () => {
  test("temperature, Adam's settings, snapshots and a second accumulate", async () => {
    const { create } = await start("skyrl-jax");
    const engine = await create();
    const key = foldIn(seedKey(1), "x");
    await expect(engine.sample([{ prompt: prompts[0], key }], { ...settings, temperature: 0.7 })).rejects.toThrow(
      /skyrl-jax scores and trains at temperature 1, got sampler.temperature 0.7/,
    );
    await expect(engine.step({ ...adamOf("skyrl-jax"), gradientClip: 1 })).rejects.toThrow(
      /trains as asked only with gradientClip = 0, got gradientClip = 1/,
    );
    await expect(engine.snapshot()).rejects.toThrow(/does not outlast the next step/);
    const loss = {
      kind: "cross_entropy",
      examples: [{ prompt: prompts[0], completion: [1], weights: [1] }],
    } as const;
    await engine.accumulate(loss);
    await expect(engine.accumulate(loss)).rejects.toThrow(/expected all examples in one call/);
    await engine.release();
  });

  test("a base model that is not offered, and no server at all", async () => {
    const { server, create } = await start("tinker");
    await expect(create({ baseModel: "other" })).rejects.toThrow(
      /does not offer the base model "other"; expected one of bigram/,
    );
    const { baseUrl } = server;
    await server.stop();
    await expect(create({ baseUrl })).rejects.toThrow(/127\.0\.0\.1.* does not answer/);
  });
});
