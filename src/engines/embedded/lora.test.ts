import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { seedKey } from "../../random.ts";
import { resident } from "../../tensor/thread.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { normals } from "../../tensor/testing.ts";
import { engineConformance } from "../conformance.ts";
import type { Loss } from "../engine.ts";
import { lossValue } from "../loss.ts";
import { norm } from "./adam.ts";
import { importModel } from "./checkpoint.ts";
import { importEmbeddedEngine, loadEmbeddedEngine, type EmbeddedEngine } from "./engine.ts";
import { Graphs } from "./graphs.ts";
import { blockViews, liveWeights } from "./inputs.ts";
import { adaptersOf, initializeAdapters, loraConfig, mergeAdapters, trainedCount } from "./lora.ts";
import { initialize, parameterCount, type Parameter } from "./parameters.ts";
import { WeightsSampler } from "./sampler.ts";
import { ADAM, golden, promptsOf, TINY, tokensOf } from "./testing.ts";
import { Trainer } from "./trainer.ts";

const newFolder = () => mkdtemp(join(tmpdir(), "lora-"));
const LORA = { rank: 3, alpha: 5, key: seedKey(9) };
const examples = promptsOf(6, 12).map((prompt, i) => {
  const completion = tokensOf(50 + i, 1 + i);
  return { prompt, completion, weights: Array.from(normals(i, completion.length)) };
});
const LOSS: Loss = { kind: "cross_entropy", examples };
const requests = examples.map(({ prompt, completion }) => ({ prompt, continuation: completion }));

const largest = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number =>
  Math.max(...a.flatMap((list, i) => list.map((x, t) => Math.abs(x - b[i][t]))));

describe("gradients", () => {
  const config = { ...TINY, layers: 3, lora: loraConfig(LORA) };
  const base = initialize(config, seedKey(1));
  const adapters = initializeAdapters(config, seedKey(2));
  // B away from zero, where A has no gradient.
  for (const { b } of adaptersOf(config))
    normals(b.offset, sizeOf(b.shape)).forEach((x, i) => (adapters[b.offset + i] = 0.2 * x));
  const graphs = new Graphs(config, { threads: 1 }).hold();
  const live = liveWeights(config, adapters, resident(blockViews(config, base)));
  const trainer = new Trainer(graphs, live);
  const sampler = new WeightsSampler(graphs, live);
  const { lora: _, ...plain } = config;
  const whole = new Graphs(plain, { threads: 1 }).hold();
  const merged = liveWeights(plain, mergeAdapters(config, base, adapters));
  afterAll(() => Promise.all([sampler.release(), graphs.letGo(), whole.letGo()]));
  const gradient = new Float32Array(trainedCount(config));
  const view = (of: Float32Array, { offset, shape }: Parameter) => of.subarray(offset, offset + sizeOf(shape));

  test("are the merged model's, projected: dL/dA = s B' dL/dW and dL/dB = s dL/dW A'", async () => {
    const full = new Float32Array(parameterCount(config));
    const expected = await new Trainer(whole, merged).accumulate(LOSS, full);
    const result = await trainer.accumulate(LOSS, gradient);
    expect(largest(result.logprobs, expected.logprobs)).toBeLessThan(1e-5);
    const { rank, alpha } = config.lora;
    for (const { matrix, a, b } of adaptersOf(config)) {
      const [rows, columns] = matrix.shape;
      const [g, A, B] = [view(full, matrix), view(adapters, a), view(adapters, b)];
      const [ga, gb] = [new Float32Array(A.length), new Float32Array(B.length)];
      for (let i = 0; i < rows; i++)
        for (let r = 0; r < rank; r++)
          for (let j = 0; j < columns; j++) {
            ga[r * columns + j] += (alpha / rank) * B[i * rank + r] * g[i * columns + j];
            gb[i * rank + r] += (alpha / rank) * g[i * columns + j] * A[r * columns + j];
          }
      for (const [place, wanted] of [[a, ga] as const, [b, gb] as const]) {
        const found = view(gradient, place);
        expect(norm(wanted)).toBeGreaterThan(0);
        expect(norm(found.map((x, i) => x - wanted[i])) / norm(wanted)).toBeLessThan(1e-4);
      }
    }
  });

  test("are the loss's slopes", async () => {
    const lossAt = async (multiple: number, direction: Float32Array) => {
      const before = adapters.slice();
      direction.forEach((x, i) => (adapters[i] += multiple * x));
      live.version++;
      const loss = lossValue(LOSS, await sampler.score(requests, 1));
      adapters.set(before);
      live.version++;
      return loss;
    };
    for (const seed of [1, 2, 3]) {
      const random = normals(seed, gradient.length);
      const [g, r] = [norm(gradient), norm(random)];
      // Half along the gradient, so that the slope is not lost in rounding.
      const direction = random.map((x, i) => 0.02 * (x / r + gradient[i] / g));
      const slope =
        (8 * ((await lossAt(1, direction)) - (await lossAt(-1, direction))) -
          ((await lossAt(2, direction)) - (await lossAt(-2, direction)))) /
        12;
      const expected = direction.reduce((total, x, i) => total + x * gradient[i], 0);
      expect(Math.abs(slope - expected) / Math.abs(expected)).toBeLessThan(2e-3);
    }
  });
});

const SETTINGS = { temperature: 0.9, maxTokens: 5, stop: [] };
const adapted = (family = "llama", more = {}): Promise<EmbeddedEngine> =>
  importEmbeddedEngine(golden(family), { threads: 1, lora: LORA, ...more });
const train = async (engine: EmbeddedEngine): Promise<void> => {
  await engine.accumulate(LOSS);
  await engine.step({ ...ADAM, learningRate: 0.02 });
};

describe("an adapted engine keeps the contract", () => {
  const subject = {
    create: () => adapted("qwen3", { threads: 2 }),
    prompts: promptsOf(5, 6),
    settings: { temperature: 0.8, maxTokens: 6, stop: [2, 6, 33] },
  };
  for (const { name, run } of engineConformance(subject)) test(name, () => run());
});

test.each(["llama", "qwen3"])(
  "fresh adapters of %s change nothing, trained ones do, and the model beneath stays",
  async (family) => {
    const [plain, engine] = [await importEmbeddedEngine(golden(family), { threads: 1 }), await adapted(family)];
    const before = await plain.score(requests, 1);
    expect(await engine.score(requests, 1)).toEqual(before);
    const frozen = await engine.snapshot();
    expect((await engine.accumulate(LOSS)).logprobs).toHaveLength(requests.length);
    // Per layer, ranks of 3 beside q [heads x head, 32], k, v, o, gate [40, 32], up and down.
    const heads = engine.model.headWidth * 4;
    const sizes = [heads + 32, heads / 2 + 32, heads / 2 + 32, 32 + heads, 40 + 32, 40 + 32, 32 + 40];
    expect(await engine.gradient()).toHaveLength(2 * 3 * sizes.reduce((a, b) => a + b));
    await engine.step({ ...ADAM, learningRate: 0.02 });
    expect(largest(await engine.score(requests, 1), before)).toBeGreaterThan(0.01);
    expect(await frozen.score(requests, 1)).toEqual(before);
    await Promise.all([plain, engine, frozen].map((each) => each.release()));
  },
);

test("the merged model computes the same, and is a folder of its own", async () => {
  const engine = await adapted();
  for (let i = 0; i < 3; i++) await train(engine);
  const folder = await newFolder();
  await engine.saveMerged(folder);
  const merged = await importEmbeddedEngine(folder, { threads: 1 });
  expect(merged.lora).toBeUndefined();
  expect(await merged.weights()).toEqual(await engine.merged());
  expect(largest(await merged.score(requests, 1), await engine.score(requests, 1))).toBeLessThan(1e-5);
  await Promise.all([merged.release(), engine.release(), rm(folder, { recursive: true })]);
});

test("saved adapters train on bit for bit, alone and in an engine that has the model", async () => {
  const [engine, other] = [await adapted(), await adapted("llama", { lora: { ...LORA, key: seedKey(3) } })];
  await train(engine);
  const folder = await newFolder();
  await engine.save(folder);
  const loaded = await loadEmbeddedEngine(folder, { threads: 1 });
  await other.load(folder);
  for (const each of [engine, loaded, other]) await train(each);
  expect(loaded.lora).toEqual(engine.lora);
  const expected = await engine.weights();
  expect(await loaded.weights()).toEqual(expected);
  expect(await other.weights()).toEqual(expected);
  await Promise.all([engine, loaded, other].map((each) => each.release()));
});

test("a folder of adapters names what is missing or does not fit", async () => {
  const base = join(await newFolder(), "base");
  await cp(golden("llama"), base, { recursive: true });
  const engine = await importEmbeddedEngine(base, { threads: 1, lora: LORA });
  const folder = await newFolder();
  await engine.save(folder);
  const moved = `${base}-moved`;
  await rename(base, moved);
  await expect(loadEmbeddedEngine(folder)).rejects.toThrow(`${join(base, "config.json")}: expected a model's configuration`);
  await (await loadEmbeddedEngine(folder, { base: moved })).release();
  await expect(loadEmbeddedEngine(folder, { base: golden("qwen3") })).rejects.toThrow("belong to a model with SHA-256");
  const wider = await importEmbeddedEngine(moved, { threads: 1, lora: { ...LORA, rank: 4, targets: ["q_proj"] } });
  await expect(wider.load(folder)).rejects.toThrow(
    /holds adapters \{"rank":3.*trains adapters \{"rank":4,"alpha":5,"targets":\["q_proj"\]\}/,
  );
  const whole = await importEmbeddedEngine(moved, { threads: 1 });
  await expect(whole.load(folder)).rejects.toThrow("config.json: expected a model's configuration");
  await Promise.all([engine, wider, whole].map((each) => each.release()));
});

test("adapters of PEFT give its log-probabilities, and leave under its names", async () => {
  const source = golden("llama-adapter");
  const engine = await importEmbeddedEngine(golden("llama"), { threads: 1, adapter: source });
  expect(engine.lora).toEqual({ rank: 3, alpha: 5, targets: ["q_proj", "v_proj", "o_proj", "down_proj"] });
  const { temperature, requests: asked } = JSON.parse(await readFile(join(source, "scores.json"), "utf8"));
  const list: readonly { prompt: number[]; continuation: number[]; logprobs: number[] }[] = asked;
  const wanted = list.map(({ prompt: tokens, continuation }) => ({ prompt: { tokens, shared: 0 }, continuation }));
  expect(
    largest(
      await engine.score(wanted, temperature),
      list.map(({ logprobs }) => logprobs),
    ),
  ).toBeLessThan(2e-5);
  const folder = await newFolder();
  await engine.save(folder);
  const header = async (from: string): Promise<Record<string, { shape: number[] }>> => {
    const bytes = await readFile(join(from, "adapter_model.safetensors"));
    const { __metadata__: __, ...tensors } = JSON.parse(bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0))));
    return tensors;
  };
  const shapes = async (from: string) =>
    Object.entries(await header(from))
      .map(([name, { shape }]) => [name, shape] as const)
      .sort((a, b) => (a < b ? -1 : 1));
  expect(await shapes(folder)).toEqual(await shapes(source));
  expect(JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8"))).toMatchObject({
    peft_type: "LORA",
    r: 3,
    lora_alpha: 5,
    base_model_name_or_path: golden("llama"),
  });
  await engine.release();
});

test.each([
  [{ use_dora: true }, "use_dora must be false, got true"],
  [{ bias: "all" }, 'bias must be "none", got "all"'],
  [{ rank_pattern: { q_proj: 2 } }, 'rank_pattern must be {}, got {"q_proj":2}'],
  [{ target_modules: ["q_proj", "embed_tokens"] }, "target_modules"],
  [{ r: 4 }, "lora_A.weight has shape [3,32], expected [4,32]"],
  [{ target_modules: ["q_proj"] }, "is not part of the model"],
])("adapters of PEFT with %o are refused", async (fields, message) => {
  const folder = await newFolder();
  await cp(golden("llama-adapter"), folder, { recursive: true });
  const path = join(folder, "adapter_config.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...fields }));
  await expect(importEmbeddedEngine(golden("llama"), { adapter: folder })).rejects.toThrow(message);
});

test("misuse is an EngineError that names the value", async () => {
  const make = (lora: object) => adapted("llama", { lora: { ...LORA, ...lora } });
  await expect(make({ rank: 0 })).rejects.toThrow("rank must be a positive integer, got 0");
  await expect(make({ alpha: -1 })).rejects.toThrow("alpha must be a positive number, got -1");
  await expect(make({ targets: [] })).rejects.toThrow("targets must name at least one of q_proj");
  await expect(make({ targets: ["lm_head"] })).rejects.toThrow("got lm_head");
  await expect(adapted("llama", { adapter: golden("llama-adapter") })).rejects.toThrow("expected one of them");
  await expect(adapted("llama", { contextLength: 129 })).rejects.toThrow("up to the model's 128, got 129");
  const short = await adapted("llama", { contextLength: 10 });
  expect(short.facts.contextLength).toBe(10);
  await expect(short.sample([{ prompt: { tokens: tokensOf(1, 6), shared: 0 }, key: seedKey(1) }], SETTINGS)).rejects.toThrow(
    "a prompt of 6 tokens and a completion of 5 exceed the context length 10",
  );
  await short.release();
});

test("merging adds the scaled product of the factors", async () => {
  const { config, weights } = await importModel(golden("qwen3"));
  const adaptedConfig = { ...config, lora: loraConfig({ rank: 1, alpha: 2, targets: ["down_proj"] }) };
  const adapters = new Float32Array(trainedCount(adaptedConfig)).fill(3);
  const merged = mergeAdapters(adaptedConfig, weights, adapters);
  const down = adaptersOf(adaptedConfig).map(({ matrix }) => matrix);
  const inside = (i: number) => down.some(({ offset, shape }) => i >= offset && i < offset + sizeOf(shape));
  merged.forEach((x, i) => expect(x).toBeCloseTo(weights[i] + (inside(i) ? 2 * 3 * 3 : 0), 4));
});
