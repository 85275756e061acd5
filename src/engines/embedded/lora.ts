/**
 * Low-rank adapters: W x + (alpha / rank) B A x beside frozen matrices W (Hu et al., "LoRA: Low-rank adaptation of large language
 * models", ICLR 2022). All adapters of a model are one flat vector; B begins as zeros, so that fresh adapters change nothing.
 */
import { foldIn, uniform, type Key } from "../../random.ts";
import { sharedFloats } from "../../tensor/shared.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { EngineError } from "../engine.ts";
import type { ModelConfig } from "./model.ts";
import { parametersOf, place, type Parameter } from "./parameters.ts";

/** The projections of a layer that may have adapters, by Hugging Face's names. */
export const TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const;
export type Target = (typeof TARGETS)[number];

export interface LoraConfig {
  readonly rank: number;
  /** The adapters' outputs are scaled by alpha / rank. */
  readonly alpha: number;
  readonly targets: readonly Target[];
}

export interface LoraOptions {
  readonly rank: number;
  /** Twice the rank unless given. */
  readonly alpha?: number;
  /** All projections unless given. */
  readonly targets?: readonly Target[];
  /** Of the initial A. */
  readonly key: Key;
}

/** The model that graphs compute, with adapters or without. */
export interface GraphConfig extends ModelConfig {
  readonly lora?: LoraConfig;
}

/** Throws `EngineError` naming what is out of range. The targets come in the order of `TARGETS`. */
export function loraConfig({ rank, alpha = 2 * rank, targets = TARGETS }: Omit<LoraOptions, "key">): LoraConfig {
  if (!Number.isSafeInteger(rank) || rank < 1) throw new EngineError(`rank must be a positive integer, got ${rank}`);
  if (!Number.isFinite(alpha) || alpha <= 0) throw new EngineError(`alpha must be a positive number, got ${alpha}`);
  const unknown = targets.find((target) => !TARGETS.includes(target));
  if (unknown !== undefined) throw new EngineError(`targets must be of ${TARGETS.join(", ")}; got ${unknown}`);
  if (targets.length === 0) throw new EngineError(`targets must name at least one of ${TARGETS.join(", ")}`);
  return { rank, alpha, targets: TARGETS.filter((target) => targets.includes(target)) };
}

/** A matrix W [out, in] and its adapter's A [rank, in] and B [out, rank]. */
export interface Adapted {
  readonly layer: number;
  readonly target: Target;
  readonly matrix: Parameter;
  readonly a: Parameter;
  readonly b: Parameter;
}

/** Every adapter, in the order of the flat vector. */
export function adaptersOf(config: GraphConfig & { readonly lora: LoraConfig }): readonly Adapted[] {
  const { rank, targets } = config.lora;
  const matrices = parametersOf(config).flatMap((matrix) => {
    const [, layer, name] = /^model\.layers\.(\d+)\.\w+\.(\w+)\.weight$/.exec(matrix.name) ?? [];
    const target = targets.find((each) => each === name);
    return target ? [{ layer: Number(layer), target, matrix }] : [];
  });
  const factors = place(
    matrices.flatMap(({ matrix: { name, shape } }) => {
      const stem = name.slice(0, -".weight".length);
      return [
        [`${stem}.lora_A.weight`, [rank, shape[1]]],
        [`${stem}.lora_B.weight`, [shape[0], rank]],
      ] as const;
    }),
  );
  return matrices.map((each, i) => ({ ...each, a: factors[2 * i], b: factors[2 * i + 1] }));
}

/** What training changes, in the order of its flat vector: the adapters where there are any, otherwise all parameters. */
export function trainedParameters(config: GraphConfig): readonly Parameter[] {
  const { lora } = config;
  return lora ? adaptersOf({ ...config, lora }).flatMap(({ a, b }) => [a, b]) : parametersOf(config);
}

export const trainedCount = (config: GraphConfig): number =>
  trainedParameters(config).reduce((total, { shape }) => total + sizeOf(shape), 0);

/** Fresh adapters: A uniform within 1 / sqrt(in) of zero, as PEFT's, and B zero. */
export function initializeAdapters(config: GraphConfig & { readonly lora: LoraConfig }, key: Key): Float32Array {
  const flat = sharedFloats(trainedCount(config));
  for (const { a } of adaptersOf(config)) {
    fillUniform(flat.subarray(a.offset, a.offset + sizeOf(a.shape)), a.shape[1] ** -0.5, foldIn(key, a.name));
  }
  return flat;
}

function fillUniform(view: Float32Array, bound: number, key: Key): void {
  for (let i = 0; i < view.length; i++) view[i] = bound * (2 * uniform(key, i) - 1);
}

/** The weights of the model without adapters that computes the same: W + (alpha / rank) B A. A copy. */
export function mergeAdapters(
  config: GraphConfig & { readonly lora: LoraConfig },
  base: Float32Array,
  adapters: Float32Array,
): Float32Array {
  const merged = sharedFloats(base.length);
  merged.set(base);
  const view = (of: Float32Array, { shape, offset }: Parameter) => of.subarray(offset, offset + sizeOf(shape));
  const { rank, alpha } = config.lora;
  for (const { matrix, a, b } of adaptersOf(config)) {
    addProduct(view(merged, matrix), view(adapters, b), view(adapters, a), rank, alpha / rank);
  }
  return merged;
}

/** Adds scale B A to W, all row-major. */
function addProduct(w: Float32Array, b: Float32Array, a: Float32Array, rank: number, scale: number): void {
  const width = a.length / rank;
  const row = new Float64Array(width);
  for (let i = 0; i * width < w.length; i++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[i * rank + r];
      if (factor !== 0) for (let j = 0; j < width; j++) row[j] += factor * a[r * width + j];
    }
    for (let j = 0; j < width; j++) w[i * width + j] += row[j];
  }
}
