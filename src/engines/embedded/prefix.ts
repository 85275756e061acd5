/**
 * The shared prefix of many rows, computed once for given weights: its keys and values, which the graphs of rows read, and, from
 * the gradients that all rows together give these, the gradients of the weights.
 */
import { pullback } from "../../tensor/grad.ts";
import type { KeyValues } from "../../tensor/neural.ts";
import { constant, input } from "../../tensor/tensor.ts";
import { causalMask } from "./context.ts";
import { embed, keyValuesOnly, namedKeyValues, rotaryTable, wholeLayer, type Decoder } from "./decoder.ts";
import type { GraphConfig } from "./lora.ts";
import { weightInputs } from "./inputs.ts";
import { EMBEDDED, GRADIENT, namedGradients, type Expressions } from "./scoring.ts";

/** The last layer needs no more than keys and values. */
function prefixPass(config: GraphConfig, length: number) {
  const decoder: Decoder = { config, weights: weightInputs(config), table: rotaryTable(config, length) };
  const prefixTokens = input([length], "int32");
  const embedded = embed(decoder, prefixTokens);
  const layout = { rows: 1, length, positions: constant(BigInt64Array.of(0n), [1]) };
  const mask = causalMask(length, config.heads / config.keyValueHeads);
  const layers: KeyValues[] = [];
  let x = embedded;
  for (const layer of decoder.weights.layers.slice(0, -1)) {
    const done = wholeLayer(decoder, layer, x, layout, mask);
    x = done.x;
    layers.push(done.own);
  }
  layers.push(keyValuesOnly(decoder, decoder.weights.layers.at(-1)!, x, layout));
  return {
    trained: decoder.weights.trained,
    inputs: { ...decoder.weights.inputs, prefixTokens },
    embedded,
    outputs: namedKeyValues(layers),
  };
}

/** The keys and values of int32 `prefixTokens` [length]. */
export function prefixGraph(config: GraphConfig, length: number): Expressions {
  const { inputs, outputs } = prefixPass(config, length);
  return { inputs, outputs };
}

/** From gradients of the keys and values to those of the weights, named as `trainingGraph` names them. */
export function prefixGradientGraph(config: GraphConfig, length: number): Expressions {
  const { trained, inputs, embedded, outputs } = prefixPass(config, length);
  const given = Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [GRADIENT + name, input(shape)]));
  const ends = Object.entries(outputs).map(([name, end]) => [end, given[GRADIENT + name]] as const);
  const wanted = { ...trained, ...(config.lora ? {} : { [EMBEDDED]: embedded }) };
  const gradients = pullback(ends, Object.values(wanted));
  return { inputs: { ...inputs, ...given }, outputs: namedGradients(Object.keys(wanted), gradients) };
}

/** Whether what training changes has a part in a prefix's keys and values. */
export const prefixIsTrained = ({ lora, layers }: GraphConfig): boolean =>
  !lora || layers > 1 || lora.targets.includes("k_proj") || lora.targets.includes("v_proj");
