/** Sampling and scoring with one vector of weights; engines and their snapshots are built on it. */
import { uniform } from "../../random.ts";
import { sharedCopy } from "../../tensor/shared.ts";
import type { Arrays } from "../../tensor/session.ts";
import {
  EngineError,
  type Alternative,
  type Completion,
  type Prompt,
  type Sampler,
  type SampleRequest,
  type SamplerSettings,
  type ScoreRequest,
} from "../engine.ts";
import { chosenValues, continuedRow, invariantBatches, places, promptRow, type Batch } from "./batches.ts";
import type { Sizes } from "./context.ts";
import { samplingPlans, scoringCounts, type Plan } from "./counts.ts";
import { BELOW_ONE } from "./draw.ts";
import type { Graphs } from "./graphs.ts";
import { liveWeights, type LiveWeights } from "./inputs.ts";
import { samplingGraph } from "./sampling.ts";
import { distributionGraph, scoringGraph } from "./scoring.ts";

/** Slots for generated tokens are a multiple of this, so that few graphs are compiled. */
const GENERATED_STEP = 16;
/**
 * Of one run: ONNX Runtime multiplies a single row with another kernel than several, and a completion's bytes must not depend on its
 * company.
 */
const FEWEST_COMPLETIONS = 2;

export const keyOf = (kind: string, { prefix, rows, length, chosen }: Sizes, ...more: readonly number[]): string =>
  [kind, prefix, rows, length, chosen, ...more].join(" ");

const names = new WeakMap<Prompt, string>();
/** The same for equal prompts; kept with the object, because callers ask for the same ones again and again. */
function promptName(prompt: Prompt): string {
  const known = names.get(prompt);
  if (known !== undefined) return known;
  const name = `${prompt.shared} ${prompt.tokens.join()}`;
  names.set(prompt, name);
  return name;
}
/** The same for requests and examples that have the same tokens. */
export const continuedName = (prompt: Prompt, continuation: readonly number[]): string =>
  `${promptName(prompt)} ${continuation.join()}`;

/** Requests with the same prompt, cut into rows of as many completions as fit. */
function partsOf(plans: readonly Plan[], members: readonly number[]) {
  const parts: { readonly plan: Plan; readonly members: readonly number[] }[] = [];
  for (let at = 0; at < members.length; at += parts.at(-1)!.members.length) {
    const plan = plans.find(({ least }) => members.length - at >= least)!;
    parts.push({ plan, members: members.slice(at, at + plan.samples) });
  }
  return parts;
}

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

  /** A sampler with a copy of what training changes, the same frozen weights and the same workers. Only inside `Graphs.exclusive`. */
  copy(): WeightsSampler {
    const { flat, base } = this.#weights;
    return new WeightsSampler(this.#graphs, liveWeights(this.#graphs.config, sharedCopy(flat), base));
  }

  /** Throws `EngineError` after `release`. */
  checkHeld(): void {
    if (this.#released) throw new EngineError("the engine was released");
  }

  async sample(requests: readonly SampleRequest[], settings: SamplerSettings): Promise<readonly Completion[]> {
    this.checkHeld();
    const { config } = this.#graphs;
    checkSettings(settings, config.vocabularySize);
    const plans = samplingPlans(config);
    const parts = places(requests, ({ prompt }) => promptName(prompt)).flatMap((members) => partsOf(plans, members));
    const runs = plans.flatMap((plan) => {
      const own = parts.filter((part) => part.plan === plan);
      const list = own.map(({ members }) => promptRow(config, requests[members[0]].prompt, settings.maxTokens, members));
      return invariantBatches(list, plan.counts, true, this.#graphs.workers).map((batch) => ({ batch, samples: plan.samples }));
    });
    return this.#graphs.exclusive(async () => {
      this.checkHeld();
      const completions = Array.from<Completion>({ length: requests.length });
      await Promise.all(runs.map((run) => this.#sampleBatch(run, requests, settings, completions)));
      return completions;
    });
  }

  async #sampleBatch(
    { batch, samples: drawn }: { readonly batch: Batch; readonly samples: number },
    requests: readonly SampleRequest[],
    settings: SamplerSettings,
    completions: Completion[],
  ): Promise<void> {
    const { config } = this.#graphs;
    const samples = batch.sizes.rows * drawn === 1 ? FEWEST_COMPLETIONS : drawn;
    const columns = batch.sizes.rows * samples;
    const placed = batch.rows.flatMap(({ members }, r) => members.map((index, i) => ({ index, column: r * samples + i })));
    const idle = new Int32Array(columns).fill(1);
    for (const { column } of placed) idle[column] = 0;
    const most = Math.ceil(settings.maxTokens / GENERATED_STEP) * GENERATED_STEP;
    const arrays = {
      uniforms: uniformsOf(placed, columns, requests, settings.maxTokens, most),
      inverseTemperature: Float32Array.of(1 / settings.temperature),
      stop: flagsOf(settings.stop, config.vocabularySize),
      idle,
      trips: BigInt64Array.of(BigInt(settings.maxTokens - 1)),
    };
    const build = () => samplingGraph(config, batch.sizes, samples, most);
    const result = await this.#graphs.runBatch(
      keyOf("sample", batch.sizes, samples, most),
      build,
      batch,
      arrays,
      this.#weights,
    );
    for (const { index, column } of placed) completions[index] = completionOf(result, column, columns, settings.stop);
  }

  async score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]> {
    this.checkHeld();
    checkTemperature(temperature);
    const { config } = this.#graphs;
    const rows = places(requests, ({ prompt, continuation }) => continuedName(prompt, continuation)).map((members) => {
      const { prompt, continuation } = requests[members[0]];
      return continuedRow(config, prompt, continuation, members);
    });
    return this.#graphs.exclusive(async () => {
      this.checkHeld();
      const scores: (readonly number[])[] = requests.map(() => []);
      const batches = invariantBatches(
        rows.filter(({ chosen }) => chosen > 0),
        scoringCounts(config),
        false,
        this.#graphs.workers,
      );
      await Promise.all(batches.map((batch) => this.#scoreBatch(batch, requests, temperature, scores)));
      return scores;
    });
  }

  async alternatives(
    requests: readonly ScoreRequest[],
    temperature: number,
    count: number,
  ): Promise<readonly (readonly (readonly Alternative[])[])[]> {
    this.checkHeld();
    checkTemperature(temperature);
    const { config } = this.#graphs;
    const rows = requests.map(({ prompt, continuation }, i) => continuedRow(config, prompt, continuation, [i]));
    return this.#graphs.exclusive(async () => {
      this.checkHeld();
      const found: (readonly (readonly Alternative[])[])[] = requests.map(() => []);
      const batches = invariantBatches(
        rows.filter(({ chosen }) => chosen > 0),
        scoringCounts(config),
        false,
        this.#graphs.workers,
      );
      for (const batch of batches) {
        const arrays = { inverseTemperature: Float32Array.of(1 / temperature) };
        const build = () => distributionGraph(config, batch.sizes);
        const key = keyOf("distribution", batch.sizes);
        const { probabilities } = await this.#graphs.runBatch(key, build, batch, arrays, this.#weights);
        batch.rows.forEach(({ members: [index], chosen }, r) => {
          found[index] = Array.from({ length: chosen }, (_, t) =>
            likeliest(probabilities, (r * batch.sizes.chosen + t) * config.vocabularySize, config.vocabularySize, count),
          );
        });
      }
      return found;
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
      targets: chosenValues(
        batch,
        new Int32Array(batch.sizes.rows * batch.sizes.chosen),
        ({ members }) => requests[members[0]].continuation,
      ),
      inverseTemperature: Float32Array.of(1 / temperature),
    };
    const build = () => scoringGraph(config, batch.sizes);
    const { logprobs } = await this.#graphs.runBatch(keyOf("score", batch.sizes), build, batch, arrays, this.#weights);
    readLogprobs(batch, logprobs, scores);
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#graphs.exclusive(() => this.#graphs.letGo(this.#weights));
  }
}

/** The likeliest of the `size` tokens whose probabilities begin at `from`. */
function likeliest(probabilities: ArrayLike<number | bigint>, from: number, size: number, count: number): Alternative[] {
  const all = Array.from({ length: size }, (_, token) => ({ token, p: Number(probabilities[from + token]) }));
  return all
    .toSorted((a, b) => b.p - a.p || a.token - b.token)
    .slice(0, count)
    .map(({ token, p }) => ({ token, logprob: Math.log(p) }));
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

/** [most, columns]; rounding to float32 must not give 1. */
function uniformsOf(
  placed: readonly { readonly index: number; readonly column: number }[],
  columns: number,
  requests: readonly SampleRequest[],
  maxTokens: number,
  most: number,
): Float32Array {
  const out = new Float32Array(most * columns);
  for (const { index, column } of placed) {
    const { key } = requests[index];
    for (let t = 0; t < maxTokens; t++) out[t * columns + column] = Math.min(uniform(key, t), BELOW_ONE);
  }
  return out;
}

/** One completion up to the first token that stops; the graph samples on until every completion has stopped. */
function completionOf(result: Arrays, column: number, columns: number, stop: readonly number[]): Completion {
  const tokens = [Number(result.firstTokens[column])];
  const logprobs = [Number(result.firstLogprobs[column])];
  for (let at = column; at < result.nextTokens.length && !stop.includes(tokens.at(-1)!); at += columns) {
    tokens.push(Number(result.nextTokens[at]));
    logprobs.push(Number(result.nextLogprobs[at]));
  }
  return { tokens, logprobs, finish: stop.includes(tokens.at(-1)!) ? "stop" : "length" };
}

/** Copies a batch's log-probabilities [rows x chosen] to the lists of its requests. */
export function readLogprobs({ rows, sizes }: Batch, logprobs: ArrayLike<number | bigint>, lists: (readonly number[])[]): void {
  for (const [r, { members, chosen }] of rows.entries()) {
    const list = Array.from({ length: chosen }, (_, i) => Number(logprobs[r * sizes.chosen + i]));
    for (const index of members) lists[index] = list;
  }
}
