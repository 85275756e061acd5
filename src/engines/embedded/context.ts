/** Rows that continue one shared prefix, whose keys and values are given: masks, and hidden states at chosen positions. */
import { rmsNorm, type KeyValues } from "../../tensor/neural.ts";
import { add, cast, concat, equalSplit, expand, less, multiply, oneHot, range, reshape } from "../../tensor/operators.ts";
import { constant, input, type Tensor } from "../../tensor/tensor.ts";
import { chosenLayer, embed, keyValueInputs, namedKeyValues, rotaryTable, wholeLayer, type Decoder } from "./decoder.ts";
import type { GraphConfig } from "./lora.ts";
import { weightInputs } from "./inputs.ts";

/** The static sizes of a graph; one graph is compiled for each. */
export interface Sizes {
  /** Tokens of the shared prefix, 0 for none. A graph has exactly so many, because games have few prefixes. */
  readonly prefix: number;
  readonly rows: number;
  /** Slots for each row's own tokens. */
  readonly length: number;
  /** Positions of each row whose next token matters. */
  readonly chosen: number;
}

/** Added to scores that must not count; exp underflows to exactly 0 after the maximum is subtracted. */
const HIDDEN = -1e9;

/** -1e9 where a condition holds, 0 elsewhere. */
export const hideWhere = (condition: Tensor): Tensor => multiply(cast(condition, "float32"), HIDDEN);

/** [copies x length, length]: query t sees keys up to t; repeated for each head. */
export function causalMask(length: number, copies: number): Tensor {
  const hidden = (i: number) => i % length > Math.floor(i / length) % length;
  const values = Float32Array.from({ length: copies * length * length }, (_, i) => (hidden(i) ? HIDDEN : 0));
  return constant(values, [copies * length, length]);
}

export interface Context {
  readonly decoder: Decoder;
  readonly sizes: Sizes;
  /**
   * int32: tokens [rows, length], at [rows, chosen]; with a prefix also its keys and values, named as `prefixGraph` names them.
   */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Embedding rows [rows x length, width], whose gradients belong to the embedding. */
  readonly embedded: Tensor;
  readonly prefix: readonly KeyValues[];
  /** The keys and values of the prefix by name. */
  readonly prefixInputs: Readonly<Record<string, Tensor>>;
  /** Keys and values of the rows' own tokens: for each layer, of the rows that pass together. */
  readonly own: readonly (readonly KeyValues[])[];
  /** Final hidden states [rows x chosen, width], after the last norm; two equal ones where they would be one. */
  readonly hidden: Tensor;
}

interface ContextOptions {
  /** Positions after the last token that can be rotated later. */
  readonly spare?: number;
  /** Rows that pass the layers together, a divisor of all rows, which they are unless given. */
  readonly together?: number;
}

/** One graph's expressions up to the hidden states at positions `at` of each row. */
export function contextOf(config: GraphConfig, sizes: Sizes, options: ContextOptions = {}): Context {
  const { rows, length, chosen, prefix: offset } = sizes;
  const { spare = 0, together = rows } = options;
  const decoder: Decoder = { config, weights: weightInputs(config), table: rotaryTable(config, offset + length + spare) };
  const own = { tokens: input([rows, length], "int32"), at: input([rows, chosen], "int32") };
  const prefix = offset > 0 ? keyValueInputs(config, offset) : [];
  const prefixInputs = namedKeyValues(prefix);
  const embedded = embed(decoder, reshape(own.tokens, [rows * length]));
  const parts = rows / together;
  const ats = equalSplit(own.at, parts, 0);
  const passes = equalSplit(embedded, parts, 0).map((x, i) => pass(decoder, { ...sizes, rows: together }, x, ats[i], prefix));
  return {
    decoder,
    sizes,
    inputs: { ...own, ...prefixInputs },
    embedded,
    prefix,
    prefixInputs,
    own: passes[0].own.map((_, i) => passes.map((each) => each.own[i])),
    hidden: concat(
      passes.map(({ hidden }) => hidden),
      0,
    ),
  };
}

/** Rows [rows x length, width] through all layers: their keys and values in each, and hidden states at positions `at`. */
function pass(
  decoder: Decoder,
  sizes: Sizes,
  embedded: Tensor,
  at: Tensor,
  prefix: readonly KeyValues[],
): { readonly own: readonly KeyValues[]; readonly hidden: Tensor } {
  const { config, weights } = decoder;
  const { rows, length, chosen, prefix: offset } = sizes;
  const perGroup = config.heads / config.keyValueHeads;
  const layout = { rows, length, positions: constant(BigInt64Array.of(BigInt(offset)), [1]) };
  const mask = causalMask(length, perGroup);
  const own: KeyValues[] = [];
  let x = embedded;
  for (const [i, layer] of weights.layers.slice(0, -1).entries()) {
    const result = wholeLayer(decoder, layer, x, layout, mask, prefix[i]);
    x = result.x;
    own.push(result.own);
  }
  // A single position is computed twice: ONNX Runtime multiplies a single row with another kernel than several.
  const positions = rows * chosen === 1 ? expand(at, [2, 1]) : at;
  const choice = {
    pick: oneHot(positions, length),
    layout: { rows: positions.shape[0], length: chosen, positions: groupPositions(config, add(positions, offset)) },
    mask: choiceMask(positions, length, perGroup),
  };
  const last = chosenLayer(decoder, weights.layers.at(-1)!, x, layout, choice, prefix.at(-1));
  return { own: [...own, last.own], hidden: rmsNorm(last.x, weights.finalNorm, config.normEpsilon) };
}

/** int32 positions [rows, n] as int64 [groups x rows, n]. */
export function groupPositions(config: GraphConfig, positions: Tensor): Tensor {
  const [rows, n] = positions.shape;
  const groups = config.keyValueHeads;
  return cast(reshape(expand(reshape(positions, [1, rows, n]), [groups, rows, n]), [groups * rows, n]), "int64");
}

/** [1, rows, perGroup x chosen, length]: a chosen position sees its row up to itself. */
function choiceMask(at: Tensor, length: number, perGroup: number): Tensor {
  const [rows, chosen] = at.shape;
  const own = hideWhere(less(reshape(at, [rows, 1, chosen, 1]), range(length)));
  return reshape(expand(own, [rows, perGroup, chosen, length]), [1, rows, perGroup * chosen, length]);
}
