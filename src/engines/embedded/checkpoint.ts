/**
 * An engine's folders. A whole model is a folder that Hugging Face `transformers` loads as `Qwen3ForCausalLM` or `LlamaForCausalLM`;
 * adapters are one that PEFT loads, with a reference to the model beneath. Either has the optimizer's state beside the weights.
 */
import { createHash } from "node:crypto";
import { access, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { readJson } from "../../json.ts";
import { EngineError } from "../engine.ts";
import { freshMoments, type Moments } from "./adam.ts";
import { CONFIG_SCHEMA, configJson, parseConfig } from "./config-json.ts";
import type { Checkpoint, Model } from "./learner.ts";
import { parametersOf } from "./parameters.ts";
import { ADAPTER_CONFIG, readAdapters, writeAdapters } from "./peft.ts";
import { readTensors, writeTensors } from "./tensor-file.ts";
import { readWeights, WEIGHTS } from "./weights.ts";

const CONFIG = "config.json";
const OPTIMIZER = "optimizer.safetensors";
const BASE = "base.json";

/** Writes a model alone. */
export async function writeModel(folder: string, { config, ids, weights }: Model): Promise<void> {
  await writeFile(join(folder, CONFIG), configJson(config, ids));
  await writeTensors(join(folder, WEIGHTS), parametersOf(config), [weights], { format: "pt" });
}

/** A frozen model is not written; its folder and `fingerprint` are. */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const { adapters, config, moments } = checkpoint;
  if (adapters) {
    const { lora, flat, folder: base } = adapters;
    await writeAdapters(folder, { ...config, lora }, flat, base);
    const json = { folder: base, sha256: fingerprint(checkpoint) };
    await writeFile(join(folder, BASE), `${JSON.stringify(json, null, 2)}\n`);
  } else {
    await writeModel(folder, checkpoint);
  }
  const metadata = { steps: String(moments.steps) };
  const places = optimizerPlaces(moments.first.length);
  await writeTensors(join(folder, OPTIMIZER), places, [moments.first, moments.second], metadata);
}

const fingerprints = new WeakMap<Float32Array, string>();
/**
 * SHA-256 of a frozen model: its `config.json` as this engine writes it, then its weights in float32, in this engine's order. The same
 * for every way in which a folder may store them.
 */
function fingerprint({ config, weights }: Model): string {
  const known = fingerprints.get(weights);
  if (known !== undefined) return known;
  const hash = createHash("sha256").update(configJson(config, {}));
  const made = hash.update(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)).digest("hex");
  fingerprints.set(weights, made);
  return made;
}

/** Whether adapters lie in a folder. */
const holdsAdapters = (folder: string): Promise<boolean> =>
  access(join(folder, ADAPTER_CONFIG)).then(
    () => true,
    () => false,
  );

/**
 * Reads what `writeCheckpoint` wrote. `base` says where the model beneath adapters is now, unless it is where it was; `known` is one
 * that is in memory already. Without `optimizer` its state is not read and may be missing: it has then taken no step. Throws `EngineError` naming the file and the problem.
 */
export async function readCheckpoint(
  folder: string,
  { base, known, optimizer = true }: { readonly base?: string; readonly known?: Model; readonly optimizer?: boolean } = {},
): Promise<Checkpoint> {
  const momentsOf = (size: number) => (optimizer ? readMoments(join(folder, OPTIMIZER), size) : freshMoments(size));
  if (!(await holdsAdapters(folder))) {
    const model = await importModel(folder);
    return { ...model, moments: await momentsOf(model.weights.length) };
  }
  const path = join(folder, BASE);
  const schema = z.object({ folder: z.string(), sha256: z.string() });
  const reference = await readJson(path, schema, "the adapters' base model", (...error) => new EngineError(...error));
  const from = base ?? reference.folder;
  const model = known ?? (await importModel(from));
  const found = fingerprint(model);
  if (found !== reference.sha256) {
    const where = known ? "the engine's model" : `the model in ${from}`;
    throw new EngineError(`${path}: the adapters belong to a model with SHA-256 ${reference.sha256}, ${where} has ${found}`);
  }
  const adapted = await importAdapters(folder, model, from);
  return { ...adapted, moments: await momentsOf(adapted.moments.first.length) };
}

/** Reads a model that another program saved, such as transformers. */
export async function importModel(folder: string): Promise<Model> {
  const path = join(folder, CONFIG);
  const json = await readJson(path, CONFIG_SCHEMA, "a model's configuration", (...error) => new EngineError(...error));
  const { config, ids } = parseConfig(json, path);
  return { config, ids, weights: await readWeights(folder, config) };
}

/** Reads adapters that another program saved, such as PEFT, for a model read from `base`; the optimizer has taken no step. */
export async function importAdapters(folder: string, model: Model, base: string): Promise<Checkpoint> {
  const { lora, adapters: flat } = await readAdapters(folder, model.config);
  return { ...model, adapters: { lora, flat, folder: resolve(base) }, moments: freshMoments(flat.length) };
}

const optimizerPlaces = (size: number) => [
  { name: "first_moment", shape: [size], offset: 0 },
  { name: "second_moment", shape: [size], offset: size },
];

async function readMoments(path: string, size: number): Promise<Moments> {
  const { data, metadata } = await readTensors(path, optimizerPlaces(size));
  const steps = Number(metadata.steps ?? NaN);
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw new EngineError(`${path}: steps must be a count, got ${String(metadata.steps)}`);
  return { first: data.subarray(0, size), second: data.subarray(size), steps };
}
