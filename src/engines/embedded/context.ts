/** Rows that continue one shared prefix: masks, the prefix's own pass, and hidden states at chosen positions. */
import { rmsNorm } from "../../tensor/neural.ts";
import { add, cast, concat, expand, less, multiply, oneHot, range, reshape } from "../../tensor/operators.ts";
import { constant, input, type Tensor } from "../../tensor/tensor.ts";
import { chosenLayer, embed, keyValuesOnly, rotaryTable, wholeLayer, type Decoder, type KeyValues } from "./decoder.ts";
import type { ModelConfig } from "./model.ts";
import { weightInputs } from "./parameters.ts";

/** The static sizes of a graph; one graph is compiled for each. */
export interface Sizes {
  /** Slots for the shared prefix, 0 for none. */
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

/** [copies x length, offset + length]: query t sees the first `offset` keys and its own keys up to t; repeated for each head. */
function causalMask(length: number, offset: number, copies: number): Tensor {
  const width = offset + length;
  const hidden = (i: number) => (i % width) - offset > Math.floor(i / width) % length;
  const values = Float32Array.from({ length: copies * length * width }, (_, i) => (hidden(i) ? HIDDEN : 0));
  return constant(values, [copies * length, width]);
}

export interface Context {
  readonly decoder: Decoder;
  readonly sizes: Sizes;
  /** int32: prefixTokens [prefix] and prefixLength [1] (absent without a prefix), tokens [rows, length], at [rows, chosen]. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** [1, prefix], 0 or -1e9 for unused slots. */
  readonly prefixMask: Tensor | undefined;
  /** Embedding rows [n, width] with the tokens that chose them, whose gradients belong to the embedding. */
  readonly embedded: Readonly<Record<string, Tensor>>;
  readonly prefix: readonly KeyValues[];
  readonly own: readonly KeyValues[];
  /** Final hidden states [rows x chosen, width], after the last norm. */
  readonly hidden: Tensor;
}

/** One graph's expressions up to the hidden states at positions `at` of each row; `spare` more positions can be rotated later. */
export function contextOf(config: ModelConfig, sizes: Sizes, spare = 0): Context {
  const { rows, length, chosen, prefix: slots } = sizes;
  const table = rotaryTable(config, slots + length + spare);
  const decoder: Decoder = { config, weights: weightInputs(config), table };
  const own = { tokens: input([rows, length], "int32"), at: input([rows, chosen], "int32") };
  const shared = slots > 0 ? { prefixTokens: input([slots], "int32"), prefixLength: input([1], "int32") } : undefined;
  const offset = shared ? shared.prefixLength : constant(Int32Array.of(0), [1]);
  const perGroup = config.heads / config.keyValueHeads;
  const prefixMask = shared && reshape(hideWhere(less(reshape(offset, [1, 1]), add(range(slots), 1))), [1, slots]);

  const suffix = embed(decoder, reshape(own.tokens, [rows * length]));
  const head = shared && embed(decoder, shared.prefixTokens);
  const prefix = head ? prefixPass(decoder, head) : [];

  const layout = { rows, length, positions: cast(offset, "int64") };
  let mask = causalMask(length, slots, perGroup);
  if (prefixMask) mask = add(mask, concat([prefixMask, constant(new Float32Array(length), [1, length])], 1));
  const layers = decoder.weights.layers;
  const keyValues: KeyValues[] = [];
  let x = suffix;
  for (const [i, layer] of layers.slice(0, -1).entries()) {
    const result = wholeLayer(decoder, layer, x, layout, mask, prefix[i]);
    x = result.x;
    keyValues.push(result.own);
  }
  const choice = {
    pick: oneHot(own.at, length),
    layout: { rows, length: chosen, positions: groupPositions(config, add(own.at, offset)) },
    mask: choiceMask(own.at, sizes, perGroup, prefixMask),
  };
  const last = chosenLayer(decoder, layers.at(-1)!, x, layout, choice, prefix.at(-1));
  return {
    decoder,
    sizes,
    inputs: { ...own, ...shared },
    prefixMask,
    embedded: { suffix, ...(head && { prefix: head }) },
    prefix,
    own: [...keyValues, last.own],
    hidden: rmsNorm(last.x, decoder.weights.finalNorm, config.normEpsilon),
  };
}

/** The prefix's keys and values in every layer; the last layer needs no more than those. */
function prefixPass(decoder: Decoder, embedded: Tensor): readonly KeyValues[] {
  const { config, weights } = decoder;
  const length = embedded.shape[0];
  const layout = { rows: 1, length, positions: constant(BigInt64Array.of(0n), [1]) };
  const mask = causalMask(length, 0, config.heads / config.keyValueHeads);
  const result: KeyValues[] = [];
  let x = embedded;
  for (const layer of weights.layers.slice(0, -1)) {
    const done = wholeLayer(decoder, layer, x, layout, mask);
    x = done.x;
    result.push(done.own);
  }
  return [...result, keyValuesOnly(decoder, weights.layers.at(-1)!, x, layout)];
}

/** int32 positions [rows, n] as int64 [groups x rows, n]. */
export function groupPositions(config: ModelConfig, positions: Tensor): Tensor {
  const [rows, n] = positions.shape;
  const groups = config.keyValueHeads;
  return cast(reshape(expand(reshape(positions, [1, rows, n]), [groups, rows, n]), [groups * rows, n]), "int64");
}

/** [1, rows, perGroup x chosen, prefix + length]: a chosen position sees the prefix and its row up to itself. */
function choiceMask(at: Tensor, { rows, chosen, length, prefix }: Sizes, perGroup: number, prefixMask?: Tensor): Tensor {
  const own = hideWhere(less(reshape(at, [rows, chosen, 1]), range(length)));
  const whole = prefixMask ? concat([expand(reshape(prefixMask, [1, 1, prefix]), [rows, chosen, prefix]), own], 2) : own;
  const repeated = expand(reshape(whole, [rows, 1, chosen, prefix + length]), [rows, perGroup, chosen, prefix + length]);
  return reshape(repeated, [1, rows, perGroup * chosen, prefix + length]);
}
