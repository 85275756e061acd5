/**
 * The shared prefix of many rows, computed once for given weights: its keys and values, which the graphs of rows read, and, from
 * the gradients that all rows together give these, the gradients of the weights.
 */
import { pullback } from "../../tensor/grad.ts";
import type { KeyValues } from "../../tensor/neural.ts";
import { constant, input } from "../../tensor/tensor.ts";
import { causalMask } from "./context.ts";
import { embed, keyValuesOnly, namedKeyValues, rotaryTable, wholeLayer, type Decoder } from "./decoder.ts";
import type { ModelConfig } from "./model.ts";
import { weightInputs } from "./parameters.ts";
import { EMBEDDED, GRADIENT, namedGradients, type Expressions } from "./scoring.ts";

/** The last layer needs no more than keys and values. */
function prefixPass(config: ModelConfig, length: number) {
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
    weights: decoder.weights.inputs,
    inputs: { ...decoder.weights.inputs, prefixTokens },
    embedded,
    outputs: namedKeyValues(layers),
  };
}

/** The keys and values of int32 `prefixTokens` [length]. */
export function prefixGraph(config: ModelConfig, length: number): Expressions {
  const { inputs, outputs } = prefixPass(config, length);
  return { inputs, outputs };
}

/** From gradients of the keys and values to those of the weights, named as `trainingGraph` names them. */
export function prefixGradientGraph(config: ModelConfig, length: number): Expressions {
  const { weights, inputs, embedded, outputs } = prefixPass(config, length);
  const given = Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [GRADIENT + name, input(shape)]));
  const ends = Object.entries(outputs).map(([name, end]) => [end, given[GRADIENT + name]] as const);
  const wanted = { ...weights, [EMBEDDED]: embedded };
  const gradients = pullback(ends, Object.values(wanted));
  return { inputs: { ...inputs, ...given }, outputs: namedGradients(Object.keys(wanted), gradients) };
}
