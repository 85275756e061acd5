/**
 * The parameters of a model as one flat vector. Gradients, moments and checkpoints have the same layout, so each is one
 * `Float32Array` too. Matrices are stored [out, in] under Hugging Face's names.
 */
import { foldIn, normal, type Key } from "../../random.ts";
import { sharedFloats } from "../../tensor/shared.ts";
import { sizeOf, type Shape } from "../../tensor/tensor.ts";
import type { ModelConfig } from "./model.ts";

export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  /** Where it begins in the flat vector. */
  readonly offset: number;
}

/** The first parameter. */
export const EMBEDDING = "model.embed_tokens.weight";
/** The output layer of a model whose embeddings are not tied. */
export const HEAD = "lm_head.weight";

/** Parameters that lie one after another in a flat vector. */
export function place(shapes: readonly (readonly [string, Shape])[]): readonly Parameter[] {
  let offset = 0;
  return shapes.map(([name, shape]) => {
    const parameter = { name, shape, offset };
    offset += sizeOf(shape);
    return parameter;
  });
}

/** Every parameter, in the order of the flat vector. */
export function parametersOf(config: ModelConfig): readonly Parameter[] {
  const { width, headWidth, feedForward } = config;
  const queries = config.heads * headWidth;
  const keys = config.keyValueHeads * headWidth;
  const norms =
    config.queryKeyNorms === false ? [] : ["self_attn.q_norm", "self_attn.k_norm"].map((name) => [name, [headWidth]] as const);
  const layer = (i: number): readonly (readonly [string, Shape])[] =>
    (
      [
        ["input_layernorm", [width]],
        ["self_attn.q_proj", [queries, width]],
        ["self_attn.k_proj", [keys, width]],
        ["self_attn.v_proj", [keys, width]],
        ...norms,
        ["self_attn.o_proj", [width, queries]],
        ["post_attention_layernorm", [width]],
        ["mlp.gate_proj", [feedForward, width]],
        ["mlp.up_proj", [feedForward, width]],
        ["mlp.down_proj", [width, feedForward]],
      ] satisfies readonly (readonly [string, Shape])[]
    ).map(([name, shape]) => [`model.layers.${i}.${name}.weight`, shape] as const);
  return place([
    [EMBEDDING, [config.vocabularySize, width]],
    ...Array.from({ length: config.layers }, (_, i) => layer(i)).flat(),
    ["model.norm.weight", [width]],
    ...(config.tiedEmbeddings === false ? [[HEAD, [config.vocabularySize, width]] as const] : []),
  ]);
}

export const parameterCount = (config: ModelConfig): number =>
  parametersOf(config).reduce((total, { shape }) => total + sizeOf(shape), 0);

/** Runs of neighbouring parameters that graphs read as one: name, shape and offset of each. */
export function blocksOf(config: ModelConfig): readonly Parameter[] {
  const merged = [".self_attn.k_proj.", ".self_attn.v_proj."];
  const blocks: Parameter[] = [];
  for (const parameter of parametersOf(config)) {
    const last = blocks.at(-1);
    if (!last || !merged.some((part) => parameter.name.includes(part))) blocks.push(parameter);
    else blocks[blocks.length - 1] = { ...last, shape: [last.shape[0] + parameter.shape[0], last.shape[1]] };
  }
  return blocks;
}

function fillNormal(view: Float32Array, deviation: number, key: Key): void {
  for (let i = 0; i < view.length; i++) view[i] = deviation * normal(key, i);
}

/**
 * Fresh weights: norms are ones, everything else is normal with standard deviation 0.02 for the embedding and 1 / sqrt(in) for
 * projections, which for the two that write to the residual stream is divided by sqrt(2 layers) (Radford et al., "Language models
 * are unsupervised multitask learners", 2019, section 2.3).
 */
export function initialize(config: ModelConfig, key: Key): Float32Array {
  const flat = sharedFloats(parameterCount(config));
  for (const { name, shape, offset } of parametersOf(config)) {
    const view = flat.subarray(offset, offset + sizeOf(shape));
    if (shape.length === 1) {
      view.fill(1);
      continue;
    }
    const residual = name.includes("o_proj") || name.includes("down_proj");
    const scaled = shape[1] ** -0.5 * (residual ? (2 * config.layers) ** -0.5 : 1);
    fillNormal(view, name.includes("embed_tokens") ? 0.02 : scaled, foldIn(key, name));
  }
  return flat;
}
