/** A model's weights as graphs read them: symbols, and the arrays that are fed for them. */
import { input, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import { resident, type Resident } from "../../tensor/thread.ts";
import { adaptersOf, trainedParameters, type GraphConfig, type Target } from "./lora.ts";
import type { ModelConfig } from "./model.ts";
import { blocksOf, EMBEDDING, HEAD, type Parameter } from "./parameters.ts";

/** The factors of one adapter, A [rank, in] and B [out, rank], and what scales their product. */
export interface LowRank {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scale: number;
}

/** The parameters of one layer as a graph reads them: neighbours that multiply the same vector are one matrix. */
export interface LayerWeights {
  readonly inputNorm: Tensor;
  /** [(heads + 2 keyValueHeads) headWidth, width] */
  readonly queriesKeysValues: Tensor;
  /** Of models that norm queries and keys. */
  readonly queryNorm: Tensor | undefined;
  readonly keyNorm: Tensor | undefined;
  readonly output: Tensor;
  readonly feedForwardNorm: Tensor;
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly down: Tensor;
  readonly adapters: Readonly<Partial<Record<Target, LowRank>>>;
}
export interface Weights {
  readonly embedding: Tensor;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm: Tensor;
  /** The output layer [vocabulary, width]: the embedding where they are tied. */
  readonly head: Tensor;
  /** The same tensors, adapters too, by the names under which a compiled graph is fed. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Those of `inputs` that training changes: the adapters where there are any, otherwise all. */
  readonly trained: Readonly<Record<string, Tensor>>;
}

/** Symbols for every adapter by layer and target, and by name. */
function adapterInputs(config: GraphConfig) {
  const { lora } = config;
  const layers = Array.from({ length: config.layers }, (): Partial<Record<Target, LowRank>> => ({}));
  const inputs: Record<string, Tensor> = {};
  if (!lora) return { layers, inputs };
  for (const { layer, target, a, b } of adaptersOf({ ...config, lora })) {
    const adapter = { a: input(a.shape), b: input(b.shape), scale: lora.alpha / lora.rank };
    layers[layer][target] = adapter;
    inputs[a.name] = adapter.a;
    inputs[b.name] = adapter.b;
  }
  return { layers, inputs };
}

/** Symbolic weights for a new graph. */
export function weightInputs(config: GraphConfig): Weights {
  const blocks = blocksOf(config).map(({ name, shape }) => [name, input(shape)] as const);
  const inputs: Readonly<Record<string, Tensor>> = Object.fromEntries(blocks);
  const adapters = adapterInputs(config);
  const layer = (i: number): LayerWeights => {
    const weight = (name: string) => inputs[`model.layers.${i}.${name}.weight`];
    return {
      inputNorm: weight("input_layernorm"),
      queriesKeysValues: weight("self_attn.q_proj"),
      queryNorm: weight("self_attn.q_norm"),
      keyNorm: weight("self_attn.k_norm"),
      output: weight("self_attn.o_proj"),
      feedForwardNorm: weight("post_attention_layernorm"),
      gate: weight("mlp.gate_proj"),
      up: weight("mlp.up_proj"),
      down: weight("mlp.down_proj"),
      adapters: adapters.layers[i],
    };
  };
  return {
    embedding: inputs[EMBEDDING],
    layers: Array.from({ length: config.layers }, (_, i) => layer(i)),
    finalNorm: inputs["model.norm.weight"],
    head: inputs[config.tiedEmbeddings === false ? HEAD : EMBEDDING],
    inputs: { ...inputs, ...adapters.inputs },
    trained: config.lora ? adapters.inputs : inputs,
  };
}

const views = (places: readonly Parameter[], flat: Float32Array, prefix = ""): Record<string, Float32Array> =>
  Object.fromEntries(places.map(({ name, shape, offset }) => [prefix + name, flat.subarray(offset, offset + sizeOf(shape))]));

/** Views of a model's flat weights as graphs read them. */
export const blockViews = (config: ModelConfig, flat: Float32Array): Record<string, Float32Array> =>
  views(blocksOf(config), flat);

/** Views of a flat vector of what training changes, named with a prefix. */
export const trainedViews = (config: GraphConfig, flat: Float32Array, prefix = ""): Record<string, Float32Array> =>
  views(config.lora ? trainedParameters(config) : blocksOf(config), flat, prefix);

/** A flat vector of what training changes, and the copies of it that workers keep. Whoever changes it raises `version`. */
export interface LiveWeights extends Resident {
  readonly flat: Float32Array;
  /** The model's own weights, frozen, where `flat` holds adapters. */
  readonly base?: Resident;
}
export const liveWeights = (config: GraphConfig, flat: Float32Array, base?: Resident): LiveWeights => ({
  ...resident(trainedViews(config, flat)),
  flat,
  ...(base && { base }),
});
