/** The gradient of a loss, batch by batch, into one flat vector. */
import type { Arrays } from "../../tensor/session.ts";
import { EngineError, type Loss, type LossResult } from "../engine.ts";
import { chosenValues, continuedRow, denseBatches, places, prefixArrays, type Batch } from "./batches.ts";
import { lossValue } from "../loss.ts";
import { trainingCounts } from "./counts.ts";
import type { Graphs } from "./graphs.ts";
import type { GraphConfig } from "./lora.ts";
import { trainedViews, type LiveWeights } from "./inputs.ts";
import { checkTemperature, continuedName, keyOf, readLogprobs } from "./sampler.ts";
import { prefixGradientGraph, prefixIsTrained } from "./prefix.ts";
import { EMBEDDED, GRADIENT, trainingGraph } from "./scoring.ts";

export class Trainer {
  readonly #graphs: Graphs;
  readonly #weights: LiveWeights;

  constructor(graphs: Graphs, weights: LiveWeights) {
    this.#graphs = graphs;
    this.#weights = weights;
  }

  /** Adds the gradient of a loss to `gradient`, in the order of batches. Only inside `Graphs.exclusive`. */
  async accumulate(loss: Loss, gradient: Float32Array): Promise<LossResult> {
    const { config } = this.#graphs;
    checkLoss(loss);
    const rows = places(namesOf(loss), (name) => name).map((members) => {
      const { prompt, completion } = loss.examples[members[0]];
      return continuedRow(config, prompt, completion, members);
    });
    const logprobs: (readonly number[])[] = loss.examples.map(() => []);
    const batches = denseBatches(
      rows.filter(({ chosen }) => chosen > 0),
      trainingCounts(config),
    );
    const sum = new GradientSum(config, gradient);
    const prefixes = new Map<string, { readonly batch: Batch; readonly keyValues: Record<string, Float32Array> }>();
    // All batches run at once; each is added after the ones before it, so that the sum's bytes do not depend on timing.
    await batches.reduce(async (earlier, batch) => {
      const [result] = await Promise.all([this.#runBatch(batch, loss), earlier]);
      sum.add(result, suffixTokens(batch));
      readLogprobs(batch, result.logprobs, logprobs);
      if (batch.sizes.prefix === 0 || !prefixIsTrained(config)) return;
      const name = batch.rows[0].prefix.join();
      const known = prefixes.get(name);
      const fresh = keyValueGradients(result);
      if (!known) prefixes.set(name, { batch, keyValues: fresh });
      else for (const [key, values] of Object.entries(known.keyValues)) addTo(values, fresh[key]);
    }, Promise.resolve());
    await [...prefixes.values()].reduce(async (earlier, { batch, keyValues }) => {
      const [result] = await Promise.all([this.#runPrefix(batch, keyValues), earlier]);
      sum.add(
        result,
        batch.rows[0].prefix.map((token, at) => ({ token, at })),
      );
    }, Promise.resolve());
    return { loss: lossValue(loss, logprobs), logprobs };
  }

  #runBatch(batch: Batch, loss: Loss): Promise<Arrays> {
    const build = () => trainingGraph(this.#graphs.config, batch.sizes);
    return this.#graphs.runBatch(keyOf("train", batch.sizes), build, batch, lossArrays(batch, loss), this.#weights);
  }

  #runPrefix(batch: Batch, keyValues: Arrays): Promise<Arrays> {
    const { prefix } = batch.sizes;
    const build = () => prefixGradientGraph(this.#graphs.config, prefix);
    return this.#graphs.run(`prefix gradient ${prefix}`, build, { ...prefixArrays(batch), ...keyValues }, this.#weights);
  }
}

interface PlacedToken {
  readonly token: number;
  /** Row of a graph's embedding rows. */
  readonly at: number;
}

const suffixTokens = ({ sizes, rows }: Batch): readonly PlacedToken[] =>
  rows.flatMap(({ own }, r) => own.map((token, i) => ({ token, at: r * sizes.length + i })));

const keyValueGradients = (result: Arrays): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.keys(result)
      .filter((name) => name.startsWith(`${GRADIENT}prefix.`))
      .map((name) => [name, floats(result, name)]),
  );

/** A flat gradient that graphs' outputs are added to. */
class GradientSum {
  readonly #views: Readonly<Record<string, Float32Array>>;
  /** The embedding's gradient, if it has one. */
  readonly #embedding: Float32Array | undefined;
  readonly #width: number;

  constructor(config: GraphConfig, flat: Float32Array) {
    this.#views = trainedViews(config, flat, GRADIENT);
    this.#embedding = config.lora ? undefined : flat; // the flat vector's first block
    this.#width = config.width;
  }

  /** Adds what a graph gives of the weights' gradients; `tokens` are those whose embedding rows it looked up. */
  add(result: Arrays, tokens: readonly PlacedToken[]): void {
    for (const [name, view] of Object.entries(this.#views)) if (name in result) addTo(view, floats(result, name));
    if (this.#embedding) addRows(this.#embedding, floats(result, GRADIENT + EMBEDDED), tokens, this.#width);
  }
}

function floats(arrays: Arrays, name: string): Float32Array {
  const data = arrays[name];
  if (data instanceof Float32Array) return data;
  throw new TypeError(`${name}: expected Float32Array, got ${data ? data.constructor.name : "nothing"}`);
}

function addTo(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}

/** Adds the gradients of embedding rows to the rows of the tokens that chose them. */
function addRows(table: Float32Array, rows: Float32Array, tokens: readonly PlacedToken[], width: number): void {
  for (const { token, at } of tokens) {
    const to = token * width;
    const from = at * width;
    for (let j = 0; j < width; j++) table[to + j] += rows[from + j];
  }
}

/** The same for examples whose losses differ by a factor only: the same tokens, and for PPO the same log-probabilities. */
const namesOf = (loss: Loss): readonly string[] =>
  loss.kind === "cross_entropy"
    ? loss.examples.map(({ prompt, completion }) => continuedName(prompt, completion))
    : loss.examples.map(({ prompt, completion, logprobs }) => `${continuedName(prompt, completion)} ${logprobs.join()}`);

/** Sums lists of `length` numbers, one for each member. */
function sumOf(length: number, members: readonly number[], valueOf: (index: number, t: number) => number): readonly number[] {
  return Array.from({ length }, (_, t) => members.reduce((total, index) => total + valueOf(index, t), 0));
}

/** The loss's inputs of `trainingGraph`, summed over the members of a row; the weights of the other loss are zeros. */
function lossArrays(batch: Batch, loss: Loss): Record<string, Float32Array | Int32Array> {
  const size = batch.sizes.rows * batch.sizes.chosen;
  const zeros = new Float32Array(size);
  const targets = chosenValues(batch, new Int32Array(size), ({ members }) => loss.examples[members[0]].completion);
  const sums = (valueOf: (index: number, t: number) => number) =>
    chosenValues(batch, new Float32Array(size), ({ members, chosen }) => sumOf(chosen, members, valueOf));
  if (loss.kind === "cross_entropy") {
    return {
      targets,
      inverseTemperature: Float32Array.of(1),
      weights: sums((i, t) => loss.examples[i].weights[t]),
      oldLogprobs: zeros,
      gains: zeros,
      losses: zeros,
      lowest: Float32Array.of(1),
      highest: Float32Array.of(1),
    };
  }
  return {
    targets,
    inverseTemperature: Float32Array.of(1 / loss.temperature),
    weights: zeros,
    oldLogprobs: chosenValues(batch, new Float32Array(size), ({ members }) => loss.examples[members[0]].logprobs),
    gains: sums((i, t) => Math.max(loss.examples[i].advantages[t], 0)),
    losses: sums((i, t) => Math.min(loss.examples[i].advantages[t], 0)),
    lowest: Float32Array.of(1 - loss.clip),
    highest: Float32Array.of(1 + loss.clip),
  };
}

function checkList(name: string, values: readonly number[], completion: readonly number[], index: number): void {
  if (values.length !== completion.length) {
    throw new EngineError(`example ${index}: ${values.length} ${name} for a completion of ${completion.length} tokens`);
  }
  for (const value of values) {
    if (!Number.isFinite(value)) throw new EngineError(`example ${index}: ${name} must be finite numbers, got ${value}`);
  }
}

function checkLoss(loss: Loss): void {
  if (loss.kind === "cross_entropy") {
    for (const [i, { weights, completion }] of loss.examples.entries()) checkList("weights", weights, completion, i);
    return;
  }
  checkTemperature(loss.temperature);
  if (!Number.isFinite(loss.clip) || loss.clip < 0) throw new EngineError(`clip must be a number from 0, got ${loss.clip}`);
  for (const [i, { logprobs, advantages, completion }] of loss.examples.entries()) {
    checkList("logprobs", logprobs, completion, i);
    checkList("advantages", advantages, completion, i);
  }
}
