import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { importModel } from "./checkpoint.ts";
import { importEmbeddedEngine, loadEmbeddedEngine, type EmbeddedEngine } from "./engine.ts";
import { writeTensors } from "./tensor-file.ts";
import { golden } from "./testing.ts";

const newFolder = () => mkdtemp(join(tmpdir(), "pretrained-"));

const Scores = z.object({
  temperature: z.number(),
  requests: z.array(
    z.object({ prompt: z.array(z.number()), continuation: z.array(z.number()), logprobs: z.array(z.number()) }),
  ),
});

/** The largest distance between an engine's log-probabilities and those beside the golden model, with `shared` tokens shared. */
async function distance(engine: EmbeddedEngine, family: string, shared: number): Promise<number> {
  const { temperature, requests } = Scores.parse(JSON.parse(await readFile(join(golden(family), "scores.json"), "utf8")));
  const asked = requests.map(({ prompt: tokens, continuation }) => {
    return { prompt: { tokens, shared: Math.min(shared, tokens.length) }, continuation };
  });
  const scores = await engine.score(asked, temperature);
  return Math.max(...scores.flatMap((list, i) => list.map((x, t) => Math.abs(x - requests[i].logprobs[t]))));
}

const FAMILIES = [
  ["llama", { queryKeyNorms: false, tiedEmbeddings: false, headWidth: 8, ropeTheta: 100_000, normEpsilon: 1e-5 }],
  ["qwen3", { headWidth: 16, ropeTheta: 1_000_000, normEpsilon: 1e-6 }],
] as const;

describe.each(FAMILIES)("%s", (family, differences) => {
  test("log-probabilities are those of transformers", async () => {
    const engine = await importEmbeddedEngine(golden(family), { threads: 1 });
    expect(engine.model).toEqual({
      vocabularySize: 48,
      width: 32,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
      feedForward: 40,
      contextLength: 128,
      ...differences,
    });
    expect(await distance(engine, family, 0)).toBeLessThan(2e-5);
    expect(await distance(engine, family, 12)).toBeLessThan(2e-5);
    await engine.release();
  });

  test("a saved model is read again as it was, under its architecture", async () => {
    const engine = await importEmbeddedEngine(golden(family), { threads: 1 });
    const folder = await newFolder();
    await engine.save(folder);
    const json = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    expect(json).toMatchObject({ model_type: family, bos_token_id: 1, eos_token_id: 2 });
    const again = await loadEmbeddedEngine(folder, { threads: 1 });
    expect(again.model).toEqual(engine.model);
    expect(await again.weights()).toEqual(await engine.weights());
    await Promise.all([engine.release(), again.release(), rm(folder, { recursive: true })]);
  });
});

/** A copy of a golden folder whose `config.json` has other fields. */
async function changed(family: string, fields: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await newFolder();
  await cp(golden(family), folder, { recursive: true });
  const path = join(folder, "config.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...fields }));
  return folder;
}

test.each([
  ["llama", { rope_scaling: { type: "linear", factor: 2 } }, 'rope_scaling must be null, got {"type":"linear","factor":2}'],
  ["llama", { rope_parameters: { rope_type: "llama3", rope_theta: 1e4, factor: 8 } }, "and no scaling; got"],
  ["llama", { attention_bias: true }, "attention_bias must be false, got true"],
  ["llama", { mlp_bias: true }, "mlp_bias must be false, got true"],
  ["llama", { hidden_act: "gelu" }, 'hidden_act must be "silu", got "gelu"'],
  ["llama", { quantization_config: { bits: 4 } }, 'quantization_config must be null, got {"bits":4}'],
  ["qwen3", { use_sliding_window: true }, "use_sliding_window must be false, got true"],
  ["qwen3", { layer_types: ["full_attention", "sliding_attention"] }, 'must all be "full_attention", got "sliding_attention"'],
  ["qwen3", { model_type: "gemma3" }, 'model_type must be "qwen3" or "llama", got "gemma3"'],
])("%s with %o is refused before its weights are read", async (family, fields, message) => {
  const folder = await changed(family, fields);
  await rm(join(folder, "model.safetensors"), { force: true });
  await expect(importModel(folder)).rejects.toThrow(message);
});

test("a Llama's heads divide its width, and each has keys and values of its own, unless the file says otherwise", async () => {
  const folder = await changed("llama", { head_dim: null, num_attention_heads: 2, num_key_value_heads: null });
  await expect(importModel(folder)).rejects.toThrow("k_proj.weight has shape [16,32], expected [32,32]");
  const same = await changed("llama", { head_dim: null });
  expect((await importModel(same)).config.headWidth).toBe(8);
});

test("an output layer must be there exactly where it is not tied, or equal the embedding", async () => {
  const untied = await changed("qwen3", { tie_word_embeddings: false });
  const { weights, config } = await importModel(untied);
  const size = config.vocabularySize * config.width;
  expect(weights.slice(-size)).toEqual(weights.slice(0, size));
  const tied = await changed("llama", { tie_word_embeddings: true });
  await expect(importModel(tied)).rejects.toThrow("lm_head.weight differs from model.embed_tokens.weight");
  const headless = await newFolder();
  const engine = await importEmbeddedEngine(golden("qwen3"), { threads: 1 });
  await engine.save(headless);
  await engine.release();
  const path = join(headless, "config.json");
  await writeFile(path, (await readFile(path, "utf8")).replace('"tie_word_embeddings": true', '"tie_word_embeddings": false'));
  await expect(importModel(headless)).rejects.toThrow("model.safetensors: tensor lm_head.weight is missing");
});

test("shards that are missing, or outside the folder, are named", async () => {
  const folder = await changed("llama", {});
  const index = join(folder, "model.safetensors.index.json");
  const text = await readFile(index, "utf8");
  await writeFile(index, text.replaceAll("model-00002", "../model-00002"));
  await expect(importModel(folder)).rejects.toThrow("expected names of files in the folder");
  await writeFile(index, text);
  await rm(join(folder, "model-00002-of-00003.safetensors"));
  await expect(importModel(folder)).rejects.toThrow("model-00002-of-00003.safetensors: cannot be read");
});

test("a tensor that two shards hold is named with both", async () => {
  const folder = await changed("llama", {});
  const index = join(folder, "model.safetensors.index.json");
  const { weight_map: map } = z
    .object({ weight_map: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(index, "utf8")));
  const name = "model.norm.weight";
  await writeTensors(join(folder, "more.safetensors"), [{ name, shape: [2], offset: 0 }], [Float32Array.of(1, 2)], {});
  await writeFile(index, JSON.stringify({ weight_map: { ...map, more: "more.safetensors" } }));
  const message = new RegExp(`more.safetensors: tensor ${name} is also in .*${map[name]}|${map[name]}.*is also in .*more`);
  await expect(importModel(folder)).rejects.toThrow(message);
});

test("constants that old versions saved are passed over, unknown tensors are not", async () => {
  const folder = await changed("llama", {});
  const index = join(folder, "model.safetensors.index.json");
  const { weight_map: map } = z
    .object({ weight_map: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(index, "utf8")));
  const add = async (name: string) => {
    await writeTensors(join(folder, "more.safetensors"), [{ name, shape: [2], offset: 0 }], [Float32Array.of(1, 2)], {});
    await writeFile(index, JSON.stringify({ weight_map: { ...map, [name]: "more.safetensors" } }));
  };
  await add("model.layers.0.self_attn.rotary_emb.inv_freq");
  await importModel(folder);
  await add("model.layers.0.self_attn.q_proj.bias");
  await expect(importModel(folder)).rejects.toThrow(
    "more.safetensors: tensor model.layers.0.self_attn.q_proj.bias is not part",
  );
});
