/** Sampling and scoring with one vector of weights; engines and their snapshots are built on it. */
import { uniform } from "../../random.ts";
import type { Arrays } from "../../tensor/session.ts";
import {
  EngineError,
  type Completion,
  type Sampler,
  type SampleRequest,
  type SamplerSettings,
  type ScoreRequest,
} from "../engine.ts";
import { chosenValues, contextArrays, continuedRow, invariantBatches, promptRow, type Batch } from "./batches.ts";
import type { Sizes } from "./context.ts";
import type { Graphs } from "./graphs.ts";
import { liveWeights, type LiveWeights } from "./parameters.ts";
import { samplingGraph } from "./sampling.ts";
import { scoringGraph } from "./scoring.ts";

/** Row counts of a run, largest first. Rows of 64 gain nothing on one thread; rows of 16 cost 7% more each, rows of 8 a third more. */
const SAMPLING_ROWS = [32, 8] as const;
const SCORING_ROWS = [32, 8] as const;
/** Slots for generated tokens are a multiple of this, so that few graphs are compiled. */
const GENERATED_STEP = 16;
/** The largest float32 below 1. */
const BELOW_ONE = 1 - 2 ** -24;

export const keyOf = (kind: string, { prefix, rows, length, chosen }: Sizes, more = 0): string =>
  [kind, prefix, rows, length, chosen, more].join(" ");

/** Throws `EngineError` unless the temperature is a positive number. */
export function checkTemperature(temperature: number): void {
  if (!Number.isFinite(temperature) || temperature <= 0) {
    throw new EngineError(`temperature must be a positive number, got ${temperature}`);
  }
}

export class WeightsSampler implements Sampler {
  readonly #graphs: Graphs;
  readonly #weights: LiveWeights;
  #released = false;

  constructor(graphs: Graphs, weights: LiveWeights) {
    this.#graphs = graphs.hold();
    this.#weights = weights;
  }

  /** A sampler with a copy of the weights and the same workers. Only inside `Graphs.exclusive`. */
  copy(): WeightsSampler {
    return new WeightsSampler(this.#graphs, liveWeights(this.#graphs.config, this.#weights.flat.slice()));
  }

  /** Throws `EngineError` after `release`. */
  checkHeld(): void {
    if (this.#released) throw new EngineError("the engine was released");
  }

  async sample(requests: readonly SampleRequest[], settings: SamplerSettings): Promise<readonly Completion[]> {
    this.checkHeld();
    const { config } = this.#graphs;
    checkSettings(settings, config.vocabularySize);
    const rows = requests.map(({ prompt }, index) => promptRow(config, prompt, settings.maxTokens, index));
    return this.#graphs.exclusive(async () => {
      this.checkHeld();
      const completions = Array.from<Completion>({ length: requests.length });
      const batches = invariantBatches(rows, SAMPLING_ROWS, true);
      await Promise.all(batches.map((batch) => this.#sampleBatch(batch, requests, settings, completions)));
      return completions;
    });
  }

  async #sampleBatch(
    batch: Batch,
    requests: readonly SampleRequest[],
    settings: SamplerSettings,
    completions: Completion[],
  ): Promise<void> {
    const { config } = this.#graphs;
    const most = Math.ceil(settings.maxTokens / GENERATED_STEP) * GENERATED_STEP;
    const arrays = {
      ...contextArrays(batch),
      uniforms: uniformsOf(batch, requests, settings.maxTokens, most),
      inverseTemperature: Float32Array.of(1 / settings.temperature),
      stop: flagsOf(settings.stop, config.vocabularySize),
      idle: Int32Array.from({ length: batch.sizes.rows }, (_, r) => Number(r >= batch.rows.length)),
      trips: BigInt64Array.of(BigInt(settings.maxTokens - 1)),
    };
    const build = () => samplingGraph(config, batch.sizes, most);
    const result = await this.#graphs.run(keyOf("sample", batch.sizes, most), build, arrays, this.#weights);
    for (const [r, { index }] of batch.rows.entries())
      completions[index] = completionOf(result, r, batch.sizes.rows, settings.stop);
  }

  async score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]> {
    this.checkHeld();
    checkTemperature(temperature);
    const { config } = this.#graphs;
    const rows = requests.map(({ prompt, continuation }, index) => continuedRow(config, prompt, continuation, index));
    return this.#graphs.exclusive(async () => {
      this.checkHeld();
      const scores: (readonly number[])[] = requests.map(() => []);
      const batches = invariantBatches(
        rows.filter(({ chosen }) => chosen > 0),
        SCORING_ROWS,
        false,
      );
      await Promise.all(batches.map((batch) => this.#scoreBatch(batch, requests, temperature, scores)));
      return scores;
    });
  }

  async #scoreBatch(
    batch: Batch,
    requests: readonly ScoreRequest[],
    temperature: number,
    scores: (readonly number[])[],
  ): Promise<void> {
    const { config } = this.#graphs;
    const arrays = {
      ...contextArrays(batch),
      targets: chosenValues(batch, new Int32Array(batch.sizes.rows * batch.sizes.chosen), (i) => requests[i].continuation),
      inverseTemperature: Float32Array.of(1 / temperature),
    };
    const build = () => scoringGraph(config, batch.sizes);
    const { logprobs } = await this.#graphs.run(keyOf("score", batch.sizes), build, arrays, this.#weights);
    readLogprobs(batch, logprobs, scores);
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#graphs.exclusive(() => this.#graphs.letGo(this.#weights));
  }
}

function checkSettings({ temperature, maxTokens, stop }: SamplerSettings, vocabularySize: number): void {
  checkTemperature(temperature);
  if (!Number.isInteger(maxTokens) || maxTokens < 1)
    throw new EngineError(`maxTokens must be a positive integer, got ${maxTokens}`);
  for (const token of stop) {
    if (!Number.isInteger(token) || token < 0 || token >= vocabularySize) {
      throw new EngineError(`stop token ${token} is outside the vocabulary of ${vocabularySize}`);
    }
  }
}

function flagsOf(tokens: readonly number[], size: number): Int32Array {
  const flags = new Int32Array(size);
  for (const token of tokens) flags[token] = 1;
  return flags;
}

/** [most, rows]; rounding to float32 must not give 1. */
function uniformsOf({ rows, sizes }: Batch, requests: readonly SampleRequest[], maxTokens: number, most: number): Float32Array {
  const out = new Float32Array(most * sizes.rows);
  for (const [r, { index }] of rows.entries()) {
    for (let t = 0; t < maxTokens; t++) out[t * sizes.rows + r] = Math.min(uniform(requests[index].key, t), BELOW_ONE);
  }
  return out;
}

/** A row's tokens up to the first that stops; the graph samples on until every row has stopped. */
function completionOf(result: Arrays, row: number, rows: number, stop: readonly number[]): Completion {
  const tokens = [Number(result.firstTokens[row])];
  const logprobs = [Number(result.firstLogprobs[row])];
  for (let at = row; at < result.nextTokens.length && !stop.includes(tokens.at(-1)!); at += rows) {
    tokens.push(Number(result.nextTokens[at]));
    logprobs.push(Number(result.nextLogprobs[at]));
  }
  return { tokens, logprobs, finish: stop.includes(tokens.at(-1)!) ? "stop" : "length" };
}

/** Copies a batch's log-probabilities [rows x chosen] to the lists of its requests. */
export function readLogprobs({ rows, sizes }: Batch, logprobs: ArrayLike<number | bigint>, lists: (readonly number[])[]): void {
  for (const [r, { index, chosen }] of rows.entries()) {
    lists[index] = Array.from({ length: chosen }, (_, i) => Number(logprobs[r * sizes.chosen + i]));
  }
}
