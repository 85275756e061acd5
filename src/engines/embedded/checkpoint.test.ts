import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { seedKey } from "../../random.ts";
import { EngineError } from "../engine.ts";
import { freshMoments } from "./adam.ts";
import { importModel, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { importEmbeddedEngine, loadEmbeddedEngine } from "./engine.ts";
import type { Checkpoint } from "./learner.ts";
import { checkModel } from "./model.ts";
import { initialize, parameterCount, parametersOf } from "./parameters.ts";
import { TINY, tinyEngine } from "./testing.ts";

const newFolder = () => mkdtemp(join(tmpdir(), "checkpoint-"));

function example(): Checkpoint {
  const weights = initialize(TINY, seedKey(3));
  const moments = { ...freshMoments(weights.length), steps: 17 };
  moments.first.forEach((_, i) => (moments.first[i] = i / 7));
  moments.second.forEach((_, i) => (moments.second[i] = i / 11));
  return { config: TINY, ids: { begin: 1, end: 2 }, weights, moments };
}

describe("a folder", () => {
  let good: string;
  beforeAll(async () => {
    good = await newFolder();
    await writeCheckpoint(good, example());
  });

  test("comes back as it was written", async () => {
    expect(await readCheckpoint(good)).toEqual(example());
  });

  test("has the header that transformers expects", async () => {
    const bytes = await readFile(join(good, "model.safetensors"));
    const size = Number(bytes.readBigUInt64LE(0));
    expect(size % 8).toBe(0);
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + size));
    expect(header.__metadata__).toEqual({ format: "pt" });
    expect(Object.keys(header)).not.toContain("lm_head.weight");
    expect(header["model.layers.1.self_attn.k_proj.weight"].shape).toEqual([16, 32]);
    expect(bytes).toHaveLength(8 + size + 4 * parameterCount(TINY));
    const config = JSON.parse(await readFile(join(good, "config.json"), "utf8"));
    expect(config).toMatchObject({
      architectures: ["Qwen3ForCausalLM"],
      model_type: "qwen3",
      head_dim: 8,
      rope_theta: 10_000,
      rope_parameters: { rope_type: "default", rope_theta: 10_000 },
      tie_word_embeddings: true,
      bos_token_id: 1,
      eos_token_id: 2,
    });
  });

  /** The error of reading a copy of the folder after a change. */
  async function errorAfter(change: (folder: string) => Promise<void>): Promise<string> {
    const folder = await newFolder();
    await cp(good, folder, { recursive: true });
    await change(folder);
    const error: unknown = await readCheckpoint(folder).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EngineError);
    return error instanceof Error ? error.message : "";
  }

  const editConfig = (from: string, to: string) => async (folder: string) => {
    const path = join(folder, "config.json");
    await writeFile(path, (await readFile(path, "utf8")).replace(from, to));
  };
  const edit = (file: string, change: (bytes: Buffer) => void) => async (folder: string) => {
    const bytes = await readFile(join(folder, file));
    change(bytes);
    await writeFile(join(folder, file), bytes);
  };

  const FAULTS: readonly (readonly [string, (folder: string) => Promise<void>, RegExp])[] = [
    [
      "no config",
      (folder) => rm(join(folder, "config.json")),
      /config\.json: expected a model's configuration, but it cannot be read/,
    ],
    ["no weights", (folder) => rm(join(folder, "model.safetensors")), /model\.safetensors: cannot be read/],
    ["no optimizer", (folder) => rm(join(folder, "optimizer.safetensors")), /optimizer\.safetensors: cannot be read/],
    ["a cut file", (folder) => truncate(join(folder, "model.safetensors"), 9000), /model\.safetensors: truncated, tensor/],
    ["a cut header", (folder) => truncate(join(folder, "model.safetensors"), 100), /model\.safetensors: truncated, 100 bytes/],
    [
      "an empty file",
      (folder) => truncate(join(folder, "optimizer.safetensors"), 0),
      /optimizer\.safetensors: the file is empty/,
    ],
    [
      "a pointer in place of weights",
      (folder) => writeFile(join(folder, "model.safetensors"), "version https://git-lfs.github.com/spec/v1\n"),
      /model\.safetensors: expected safetensors, got a pointer of Git LFS/,
    ],
    [
      "a PyTorch file",
      (folder) => writeFile(join(folder, "model.safetensors"), "PK\u0003\u0004 and so on"),
      /model\.safetensors: expected safetensors, got a zip archive/,
    ],
    [
      "a broken header",
      edit("model.safetensors", (bytes) => bytes.write("[", 8)),
      /model\.safetensors: header: expected JSON; it is malformed at line 1, column 16 \(byte 15\): got ":/,
    ],
    [
      "a header that is no object",
      edit("model.safetensors", (bytes) => bytes.write("[]".padEnd(Number(bytes.readBigUInt64LE(0))), 8)),
      /model\.safetensors: header: Invalid input: expected record, received array, got \[\]/,
    ],
    ["broken JSON", editConfig("{", ""), /config\.json: expected JSON/],
    ["another model", editConfig("qwen3", "gpt2"), /model_type must be "qwen3" or "llama", got "gpt2"/],
    ["a model with other parts", editConfig("qwen3", "llama"), /self_attn\.q_norm\.weight is not part of the model/],
    ["a missing size", editConfig("head_dim", "other"), /config\.json: head_dim must be a number, got undefined/],
    ["an impossible size", editConfig('"head_dim": 8', '"head_dim": 7'), /headWidth must be even, got 7/],
    [
      "another shape",
      editConfig('"hidden_size": 32', '"hidden_size": 16'),
      /embed_tokens.weight has shape \[24,32\], expected \[24,16\]/,
    ],
    [
      "fewer layers",
      editConfig('"num_hidden_layers": 2', '"num_hidden_layers": 1'),
      /model\.layers\.1\..* is not part of the model/,
    ],
    ["more layers", editConfig('"num_hidden_layers": 2', '"num_hidden_layers": 3'), /model\.layers\.2\..* is missing/],
    [
      "a NaN",
      edit("model.safetensors", (bytes) => bytes.writeFloatLE(NaN, bytes.length - 4)),
      /model\.norm\.weight holds NaN at element 31/,
    ],
    [
      "another type",
      edit("model.safetensors", (bytes) => bytes.write('"I32"', bytes.indexOf('"F32"'))),
      /has type I32, expected F32/,
    ],
    [
      "no step count",
      edit("optimizer.safetensors", (bytes) => bytes.write('"-1"', bytes.indexOf('"17"'))),
      /steps must be a count, got -1/,
    ],
  ];
  test.each(FAULTS)("with %s is refused", async (_, change, message) => {
    expect(await errorAfter(change)).toMatch(message);
  });
});

test("a model that cannot be built is refused", () => {
  expect(() => checkModel({ ...TINY, width: 0 })).toThrow("width must be a positive integer, got 0");
  expect(() => checkModel({ ...TINY, keyValueHeads: 3 })).toThrow("heads (4) must be a multiple of keyValueHeads (3)");
  expect(() => checkModel({ ...TINY, ropeTheta: NaN })).toThrow("ropeTheta must be a positive number, got NaN");
});

test("parameters fill the flat vector without gaps, in the scale of their kind", () => {
  const weights = initialize(TINY, seedKey(3));
  let end = 0;
  for (const { name, shape, offset } of parametersOf(TINY)) {
    expect(offset).toBe(end);
    const size = shape.reduce((a, b) => a * b, 1);
    end += size;
    const deviation = Math.sqrt(weights.subarray(offset, end).reduce((total, x) => total + x * x, 0) / size);
    const residual = name.includes("o_proj") || name.includes("down_proj") ? 0.5 : 1; // 1 / sqrt(2 layers)
    const projection = residual / Math.sqrt(shape.at(-1)!);
    const matrix = name.includes("embed") ? 0.02 : projection;
    const expected = shape.length === 1 ? 1 : matrix;
    expect(deviation / expected).toBeGreaterThan(0.9);
    expect(deviation / expected).toBeLessThan(1.1);
  }
  expect(end).toBe(weights.length);
});

test("a model saved elsewhere is imported with a fresh optimizer", async () => {
  const folder = await newFolder();
  const engine = tinyEngine();
  await engine.save(folder);
  await rm(join(folder, "optimizer.safetensors"));
  await expect(loadEmbeddedEngine(folder)).rejects.toThrow("optimizer.safetensors");
  const imported = await importEmbeddedEngine(folder, { threads: 1 });
  expect(await imported.weights()).toEqual(await engine.weights());
  await imported.release();
  await engine.release();
  // As transformers 5 writes it, and what this engine does not have.
  const path = join(folder, "config.json");
  const { rope_theta: theta, ...json } = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify(json));
  expect((await importModel(folder)).config.ropeTheta).toBe(theta);
  for (const [change, message] of [
    [{ rope_parameters: { rope_type: "yarn", rope_theta: 1e6 } }, "no scaling"],
    [{ rope_theta: 1e6, rope_parameters: { rope_type: "yarn" } }, "no scaling"],
    [{ hidden_act: "gelu" }, 'hidden_act must be "silu", got "gelu"'],
    [{ attention_bias: true }, "attention_bias must be false, got true"],
  ] as const) {
    await writeFile(path, JSON.stringify({ ...json, ...change }));
    await expect(importModel(folder)).rejects.toThrow(message);
  }
  await rm(folder, { recursive: true });
});
