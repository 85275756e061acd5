/**
 * A folder that Hugging Face `transformers` loads as `Qwen3ForCausalLM` or `LlamaForCausalLM`, with the optimizer's state beside the
 * weights.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../engine.ts";
import { freshMoments, type Moments } from "./adam.ts";
import { configJson, readConfig, type TokenIds } from "./config-json.ts";
import type { ModelConfig } from "./model.ts";
import { parameterCount, parametersOf } from "./parameters.ts";
import { readTensors, writeTensors } from "./safetensors.ts";
import { readWeights, WEIGHTS } from "./weights.ts";

const CONFIG = "config.json";
const OPTIMIZER = "optimizer.safetensors";

export interface Checkpoint {
  readonly config: ModelConfig;
  readonly ids: TokenIds;
  readonly weights: Float32Array;
  readonly moments: Moments;
}

const optimizerPlaces = (config: ModelConfig) => {
  const size = parameterCount(config);
  return [
    { name: "first_moment", shape: [size], offset: 0 },
    { name: "second_moment", shape: [size], offset: size },
  ];
};

export async function writeCheckpoint(folder: string, { config, ids, weights, moments }: Checkpoint): Promise<void> {
  await writeFile(join(folder, CONFIG), configJson(config, ids));
  await writeTensors(join(folder, WEIGHTS), parametersOf(config), [weights], { format: "pt" });
  const metadata = { steps: String(moments.steps) };
  await writeTensors(join(folder, OPTIMIZER), optimizerPlaces(config), [moments.first, moments.second], metadata);
}

/** Reads what `writeCheckpoint` wrote. Throws `EngineError` naming the file and the problem. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const model = await readModel(folder);
  return { ...model, moments: await readMoments(join(folder, OPTIMIZER), model.config) };
}

/** Reads a model that another program saved, such as transformers, with an optimizer that has taken no step. */
export async function importCheckpoint(folder: string): Promise<Checkpoint> {
  const model = await readModel(folder);
  return { ...model, moments: freshMoments(model.weights.length) };
}

async function readModel(folder: string): Promise<Omit<Checkpoint, "moments">> {
  const { config, ids } = await readConfig(join(folder, CONFIG));
  return { config, ids, weights: await readWeights(folder, config) };
}

async function readMoments(path: string, config: ModelConfig): Promise<Moments> {
  const { data, metadata } = await readTensors(path, optimizerPlaces(config));
  const steps = Number(metadata.steps ?? NaN);
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw new EngineError(`${path}: steps must be a count, got ${String(metadata.steps)}`);
  const size = parameterCount(config);
  return { first: data.slice(0, size), second: data.slice(size), steps };
}
