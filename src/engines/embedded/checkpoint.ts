/** A folder that Hugging Face `transformers` loads as `Qwen3ForCausalLM`, with the optimizer's state beside the weights. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readJson } from "../../json.ts";
import { EngineError } from "../engine.ts";
import { freshMoments, type Moments } from "./adam.ts";
import { checkModel, type ModelConfig } from "./model.ts";
import { parameterCount, parametersOf } from "./parameters.ts";
import { readTensors, writeTensors } from "./safetensors.ts";

/** Fields of `config.json` that concern the tokenizer, passed through. */
export interface TokenIds {
  readonly begin?: number;
  readonly end?: number;
}

const CONFIG = "config.json";
const WEIGHTS = "model.safetensors";
const OPTIMIZER = "optimizer.safetensors";

/** Field names of `config.json` for the sizes of a model. */
const FIELDS = {
  vocabularySize: "vocab_size",
  width: "hidden_size",
  layers: "num_hidden_layers",
  heads: "num_attention_heads",
  keyValueHeads: "num_key_value_heads",
  headWidth: "head_dim",
  feedForward: "intermediate_size",
  contextLength: "max_position_embeddings",
  ropeTheta: "rope_theta",
  normEpsilon: "rms_norm_eps",
} as const satisfies Record<keyof ModelConfig, string>;

/** Both the names of transformers 5 (dtype, rope_parameters) and of transformers 4 (torch_dtype, rope_theta). */
function configJson(config: ModelConfig, { begin, end }: TokenIds): string {
  const sizes = Object.entries(FIELDS).map(([field, name]) => [name, new Map(Object.entries(config)).get(field)]);
  const json = {
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    ...Object.fromEntries(sizes),
    rope_parameters: { rope_type: "default", rope_theta: config.ropeTheta },
    rope_scaling: null,
    dtype: "float32",
    torch_dtype: "float32",
    tie_word_embeddings: true,
    hidden_act: "silu",
    attention_bias: false,
    attention_dropout: 0,
    initializer_range: 0.02,
    use_sliding_window: false,
    sliding_window: null,
    max_window_layers: config.layers,
    use_cache: true,
    ...(begin !== undefined && { bos_token_id: begin }),
    ...(end !== undefined && { eos_token_id: end }),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

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
  await writeTensors(join(folder, WEIGHTS), parametersOf(config), weights, { format: "pt" });
  const both = new Float32Array(2 * moments.first.length);
  both.set(moments.first);
  both.set(moments.second, moments.first.length);
  const metadata = { steps: String(moments.steps) };
  await writeTensors(join(folder, OPTIMIZER), optimizerPlaces(config), both, metadata);
}

/** Fields of a Qwen3 configuration that change the mathematics and that this engine has one value for. */
const FIXED = { hidden_act: "silu", attention_bias: false, use_sliding_window: false, rope_scaling: null } as const;

/** The base of rotary positions: of its own in transformers 4, in `rope_parameters` in 5, which may also ask for scaling. */
function ropeTheta(path: string, json: ReadonlyMap<string, unknown>): number {
  const schema = z.looseObject({ rope_theta: z.number().optional(), rope_type: z.literal("default").optional() });
  const parameters = schema.safeParse(json.get("rope_parameters") ?? {});
  const theta = json.get(FIELDS.ropeTheta) ?? parameters.data?.rope_theta;
  if (parameters.success && typeof theta === "number") return theta;
  const found = JSON.stringify({ rope_theta: json.get(FIELDS.ropeTheta), rope_parameters: json.get("rope_parameters") });
  throw new EngineError(`${path}: expected rope_theta, a number, and no scaling; got ${found}`);
}

async function readConfig(path: string): Promise<{ config: ModelConfig; ids: TokenIds }> {
  const content = await readJson(
    path,
    z.record(z.string(), z.unknown()),
    "a model's configuration",
    (...error) => new EngineError(...error),
  );
  const json = new Map(Object.entries(content));
  const number = (name: string): number => {
    const value = json.get(name);
    if (typeof value !== "number") throw new EngineError(`${path}: ${name} must be a number, got ${JSON.stringify(value)}`);
    return value;
  };
  if (json.get("model_type") !== "qwen3") {
    throw new EngineError(`${path}: model_type must be "qwen3", got ${JSON.stringify(json.get("model_type"))}`);
  }
  for (const [name, expected] of Object.entries(FIXED)) {
    if (json.has(name) && json.get(name) !== expected)
      throw new EngineError(`${path}: ${name} must be ${JSON.stringify(expected)}, got ${JSON.stringify(json.get(name))}`);
  }
  if (json.get("tie_word_embeddings") !== true) throw new EngineError(`${path}: tie_word_embeddings must be true`);
  const config: ModelConfig = {
    vocabularySize: number(FIELDS.vocabularySize),
    width: number(FIELDS.width),
    layers: number(FIELDS.layers),
    heads: number(FIELDS.heads),
    keyValueHeads: number(FIELDS.keyValueHeads),
    headWidth: number(FIELDS.headWidth),
    feedForward: number(FIELDS.feedForward),
    contextLength: number(FIELDS.contextLength),
    ropeTheta: ropeTheta(path, json),
    normEpsilon: number(FIELDS.normEpsilon),
  };
  checkModel(config);
  const id = (name: string) => (json.get(name) == null ? undefined : number(name));
  const [begin, end] = [id("bos_token_id"), id("eos_token_id")];
  return { config, ids: { ...(begin !== undefined && { begin }), ...(end !== undefined && { end }) } };
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
  const { data: weights } = await readTensors(join(folder, WEIGHTS), parametersOf(config));
  return { config, ids, weights };
}

async function readMoments(path: string, config: ModelConfig): Promise<Moments> {
  const { data, metadata } = await readTensors(path, optimizerPlaces(config));
  const steps = Number(metadata.steps ?? NaN);
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw new EngineError(`${path}: steps must be a count, got ${String(metadata.steps)}`);
  const size = parameterCount(config);
  return { first: data.slice(0, size), second: data.slice(size), steps };
}
