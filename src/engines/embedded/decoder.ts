/**
 * The decoder as expressions. Activations are [rows x length, width]; inside attention they are
 * [groups, rows, heads per group x length, headWidth], where a group is the query heads that share one key-value head, so a shared
 * prefix's keys [groups, 1, prefix, headWidth] meet all rows without a copy of the queries. Keys and values are
 * [groups, rows, length, headWidth].
 */
import { attention, rmsNorm, rotary, swiglu, type KeyValues, type RotaryTable, type Segment } from "../../tensor/neural.ts";
import { add, gather, matmul, reshape, split, transpose } from "../../tensor/operators.ts";
import { constant, input, stopGradient, type Tensor } from "../../tensor/tensor.ts";
import type { LayerWeights, LowRank, Weights } from "./inputs.ts";
import type { ModelConfig } from "./model.ts";

export interface Decoder {
  readonly config: ModelConfig;
  readonly weights: Weights;
  readonly table: RotaryTable;
}

/** Rows of equal length at given positions: int64 [1] (the first of consecutive ones) or [groups x rows, length]. */
export interface Layout {
  readonly rows: number;
  readonly length: number;
  readonly positions: Tensor;
}

/** Symbolic keys and values of a prefix, [groups, 1, slots, headWidth] in every layer. */
export const keyValueInputs = ({ layers, keyValueHeads, headWidth }: ModelConfig, slots: number): readonly KeyValues[] =>
  Array.from({ length: layers }, () => ({
    keys: input([keyValueHeads, 1, slots, headWidth]),
    values: input([keyValueHeads, 1, slots, headWidth]),
  }));

/** A prefix's keys and values by the names under which graphs give and take them. */
export const namedKeyValues = (layers: readonly KeyValues[]): Record<string, Tensor> =>
  Object.fromEntries(
    layers.flatMap(({ keys, values }, i) => [
      [`prefix.${i}.keys`, keys],
      [`prefix.${i}.values`, values],
    ]),
  );

/** Cosines and sines of position * theta^(-2 i / headWidth) for positions below `length`. */
export function rotaryTable({ headWidth, ropeTheta }: ModelConfig, length: number): RotaryTable {
  const half = headWidth / 2;
  const angle = (at: number) => Math.floor(at / half) * ropeTheta ** ((-2 * (at % half)) / headWidth);
  const values = (f: (at: number) => number) =>
    constant(
      Float32Array.from({ length: length * half }, (_, at) => f(angle(at))),
      [length, half],
    );
  return { cosine: values(Math.cos), sine: values(Math.sin), negativeSine: values((x) => -Math.sin(x)) };
}

/** Embedding rows [n, width] of int32 tokens [n]. No gradient: `training.ts` adds rows back outside the graph, which is faster. */
export const embed = (decoder: Decoder, tokens: Tensor): Tensor => gather(stopGradient(decoder.weights.embedding), tokens);

/** [rows x length, groups x perGroup x headWidth] to [groups, rows, perGroup, length, headWidth]. */
function toHeads({ config }: Decoder, x: Tensor, { rows, length }: Layout, perGroup: number): Tensor {
  const heads = reshape(x, [rows, length, config.keyValueHeads, perGroup, config.headWidth]);
  return transpose(heads, [2, 0, 3, 1, 4]);
}

/** Heads normed, where the model has norms for them, and turned by their positions. */
function turned(
  { config, table }: Decoder,
  heads: Tensor,
  norm: Tensor | undefined,
  { rows, length, positions }: Layout,
): Tensor {
  const [groups, , perGroup] = heads.shape;
  const normed = norm ? rmsNorm(heads, norm, config.normEpsilon) : heads;
  const flat = reshape(normed, [groups * rows, perGroup, length, config.headWidth]);
  return reshape(rotary(flat, positions, table), [groups, rows, perGroup * length, config.headWidth]);
}

const queriesOf = (decoder: Decoder, layer: LayerWeights, projected: Tensor, layout: Layout): Tensor => {
  const perGroup = decoder.config.heads / decoder.config.keyValueHeads;
  return turned(decoder, toHeads(decoder, projected, layout, perGroup), layer.queryNorm, layout);
};

function keyValuesOf(decoder: Decoder, layer: LayerWeights, keys: Tensor, values: Tensor, layout: Layout): KeyValues {
  const { keyValueHeads, headWidth } = decoder.config;
  const shape = [keyValueHeads, layout.rows, layout.length, headWidth];
  return {
    keys: turned(decoder, toHeads(decoder, keys, layout, 1), layer.keyNorm, layout),
    values: reshape(toHeads(decoder, values, layout, 1), shape),
  };
}

/** y + scale B A h, where there is an adapter. */
function adapted(y: Tensor, h: Tensor, adapter: LowRank | undefined): Tensor {
  if (!adapter) return y;
  const inner = matmul(h, adapter.a, { transposeB: true });
  return add(y, matmul(inner, adapter.b, { transposeB: true, scale: adapter.scale }));
}
/** W h, with the adapter of W where there is one. */
const linear = (h: Tensor, w: Tensor, adapter: LowRank | undefined): Tensor =>
  adapted(matmul(h, w, { transposeB: true }), h, adapter);

/** Sizes of the parts of the joint projection: queries, keys, values. */
function parts({ heads, keyValueHeads, headWidth }: ModelConfig): readonly [number, number, number] {
  return [heads * headWidth, keyValueHeads * headWidth, keyValueHeads * headWidth];
}

/** Keys and values from their frozen projections of normed activations h. */
function adaptedKeyValues(
  decoder: Decoder,
  layer: LayerWeights,
  h: Tensor,
  [keys, values]: readonly Tensor[],
  layout: Layout,
): KeyValues {
  const { k_proj: forKeys, v_proj: forValues } = layer.adapters;
  return keyValuesOf(decoder, layer, adapted(keys, h, forKeys), adapted(values, h, forValues), layout);
}

/** Queries, keys and values of normed activations [rows x length, width]. */
export function project(decoder: Decoder, layer: LayerWeights, h: Tensor, layout: Layout): { queries: Tensor; own: KeyValues } {
  const joint = matmul(h, layer.queriesKeysValues, { transposeB: true });
  const [q, k, v] = split(joint, parts(decoder.config), 1);
  const { q_proj: adapter } = layer.adapters;
  return {
    queries: queriesOf(decoder, layer, adapted(q, h, adapter), layout),
    own: adaptedKeyValues(decoder, layer, h, [k, v], layout),
  };
}

/** What rows attend to: the prefix, which is one matrix for all rows, and their own tokens as far as `mask` lets them see. */
function segmentsOf(prefix: KeyValues | undefined, own: KeyValues, mask: Tensor): readonly Segment[] {
  const segments: Segment[] = [{ parts: [own], mask }];
  if (prefix) segments.unshift({ parts: [prefix], batch: [prefix.keys.shape[0], 1] });
  return segments;
}

/** The rest of a layer: attention's output [groups, rows, heads per group x length, headWidth] into the residual stream x. */
export function finishLayer({ config }: Decoder, layer: LayerWeights, x: Tensor, attended: Tensor, layout: Layout): Tensor {
  const perGroup = config.heads / config.keyValueHeads;
  const heads = reshape(attended, [config.keyValueHeads, layout.rows, perGroup, layout.length, config.headWidth]);
  const flat = reshape(transpose(heads, [1, 3, 0, 2, 4]), [layout.rows * layout.length, config.heads * config.headWidth]);
  const { o_proj: output, gate_proj: forGate, up_proj: forUp, down_proj: down } = layer.adapters;
  const middle = add(x, linear(flat, layer.output, output));
  const h = rmsNorm(middle, layer.feedForwardNorm, config.normEpsilon);
  const gate = linear(h, layer.gate, forGate);
  const up = linear(h, layer.up, forUp);
  return add(middle, linear(swiglu(gate, up), layer.down, down));
}

/** One layer over whole rows. `mask` is added to the scores [.., heads per group x length, length] of own tokens. */
export function wholeLayer(
  decoder: Decoder,
  layer: LayerWeights,
  x: Tensor,
  layout: Layout,
  mask: Tensor,
  prefix?: KeyValues,
): { x: Tensor; own: KeyValues } {
  const { queries, own } = project(decoder, layer, rmsNorm(x, layer.inputNorm, decoder.config.normEpsilon), layout);
  const attended = attention(queries, segmentsOf(prefix, own, mask), decoder.config.headWidth ** -0.5);
  return { x: finishLayer(decoder, layer, x, attended, layout), own };
}

/** The keys and values of a layer, whose output nobody needs. */
export function keyValuesOnly(decoder: Decoder, layer: LayerWeights, x: Tensor, layout: Layout): KeyValues {
  const [queries, keys, values] = parts(decoder.config);
  const [, weight] = split(layer.queriesKeysValues, [queries, keys + values], 0);
  const h = rmsNorm(x, layer.inputNorm, decoder.config.normEpsilon);
  const projected = split(matmul(h, weight, { transposeB: true }), [keys, values], 1);
  return adaptedKeyValues(decoder, layer, h, projected, layout);
}

/** Which positions a layer continues for: `pick` is one-hot [rows, chosen, length], with more rows than there are where they are copied. */
export interface Choice {
  readonly pick: Tensor;
  readonly layout: Layout;
  /** Broadcasts over the scores [groups, rows, heads per group x chosen, length] of own tokens. */
  readonly mask: Tensor;
}

/** The last layer, whose queries and feed-forward run for chosen positions only. Returns [rows x chosen, width]. */
export function chosenLayer(
  decoder: Decoder,
  layer: LayerWeights,
  x: Tensor,
  layout: Layout,
  choice: Choice,
  prefix?: KeyValues,
): { x: Tensor; own: KeyValues } {
  const { config } = decoder;
  const [queries, keys, values] = parts(config);
  const [queryWeight, keyValueWeight] = split(layer.queriesKeysValues, [queries, keys + values], 0);
  const { rows, length } = layout;
  const chosen = choice.layout.length;
  const select = (y: Tensor) =>
    reshape(matmul(choice.pick, reshape(y, [rows, length, config.width])), [choice.layout.rows * chosen, config.width]);
  const h = rmsNorm(x, layer.inputNorm, config.normEpsilon);
  const projected = split(matmul(h, keyValueWeight, { transposeB: true }), [keys, values], 1);
  const own = adaptedKeyValues(decoder, layer, h, projected, layout);
  const q = queriesOf(decoder, layer, linear(select(h), queryWeight, layer.adapters.q_proj), choice.layout);
  const attended = attention(q, segmentsOf(prefix, own, choice.mask), config.headWidth ** -0.5);
  return { x: finishLayer(decoder, layer, select(x), attended, choice.layout), own };
}
