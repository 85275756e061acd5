/**
 * The exact engine: a softmax over allowed tokens for each row, where a prompt's last token names the row and a completion is
 * one token. With one row per information state it is the tabular softmax policy of the literature; all of it is computed in
 * closed form in double precision, so it serves as the reference for the other engines and for the credit estimators.
 */
import { uniform } from "../../random.ts";
import { checkLoss } from "../loss.ts";
import {
  type AdamSettings,
  type Completion,
  type Engine,
  EngineError,
  type EngineFacts,
  type Loss,
  type LossResult,
  type Sampler,
  type SampleRequest,
  type SamplerSettings,
  type ScoreRequest,
} from "../engine.ts";

export interface TabularOptions {
  /** Allowed tokens per row; the row of a prompt is its last token. */
  readonly rows: readonly (readonly number[])[];
  readonly vocabularySize: number;
  /** Logits per row, in the order of `rows`; default all 0, that is, uniform. */
  readonly logits?: readonly (readonly number[])[];
}

/** A table of logits: the part that samples and scores. */
class Table implements Sampler {
  readonly rows: readonly (readonly number[])[];
  /** Where each row begins in the flat vectors. */
  readonly offsets: readonly number[];
  logits: Float64Array;
  #released = false;

  constructor(rows: readonly (readonly number[])[], logits: Float64Array) {
    this.rows = rows;
    let at = 0;
    this.offsets = rows.map((row) => (at += row.length) - row.length);
    this.logits = logits;
  }

  /** log softmax(logits / temperature) of the row a prompt names. */
  logProbabilities(prompt: { readonly tokens: readonly number[] }, temperature: number): { row: number; values: number[] } {
    if (this.#released) throw new EngineError("tabular: used after release");
    if (!(temperature > 0)) throw new EngineError(`tabular: temperature must be above 0, got ${temperature}`);
    const row = prompt.tokens[prompt.tokens.length - 1];
    if (row === undefined || this.rows[row] === undefined)
      throw new EngineError(`tabular: a prompt must end with a row 0..${this.rows.length - 1}, got ${row}`);
    const scaled = this.rows[row].map((_, j) => this.logits[this.offsets[row] + j] / temperature);
    const most = Math.max(...scaled);
    const total = Math.log(scaled.reduce((sum, x) => sum + Math.exp(x - most), 0));
    return { row, values: scaled.map((x) => x - most - total) };
  }

  /** Position of a one-token continuation in its row. */
  column(row: number, continuation: readonly number[]): number {
    const column = continuation.length === 1 ? this.rows[row].indexOf(continuation[0]) : -1;
    if (column < 0)
      throw new EngineError(
        `tabular: row ${row} continues with one of ${this.rows[row].join(", ")}, got [${continuation.join(", ")}]`,
      );
    return column;
  }

  sample(
    requests: readonly SampleRequest[],
    { temperature, maxTokens, stop }: SamplerSettings,
  ): Promise<readonly Completion[]> {
    if (maxTokens < 1) throw new EngineError(`tabular: maxTokens must be at least 1, got ${maxTokens}`);
    return Promise.resolve(
      requests.map(({ prompt, key }) => {
        const { row, values } = this.logProbabilities(prompt, temperature);
        const u = uniform(key, 0);
        let column = 0;
        for (let below = Math.exp(values[0]); below <= u && column < values.length - 1; below += Math.exp(values[column]))
          column++;
        const token = this.rows[row][column];
        return { tokens: [token], logprobs: [values[column]], finish: stop.includes(token) ? "stop" : "length" };
      }),
    );
  }

  score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]> {
    return Promise.resolve(
      requests.map(({ prompt, continuation }) => {
        const { row, values } = this.logProbabilities(prompt, temperature);
        return [values[this.column(row, continuation)]];
      }),
    );
  }

  release(): Promise<void> {
    this.#released = true;
    return Promise.resolve();
  }
}

export class TabularEngine extends Table implements Engine {
  readonly facts: EngineFacts;
  #gradient: Float64Array;
  #first: Float64Array;
  #second: Float64Array;
  #steps = 0;

  constructor({ rows, vocabularySize, logits }: TabularOptions) {
    const size = rows.reduce((sum, row) => sum + row.length, 0);
    super(rows, logits === undefined ? new Float64Array(size) : Float64Array.from(logits.flat()));
    if (this.logits.length !== size)
      throw new EngineError(`tabular: ${size} logits are needed for these rows, got ${this.logits.length}`);
    this.#gradient = new Float64Array(size);
    this.#first = new Float64Array(size);
    this.#second = new Float64Array(size);
    this.facts = {
      name: "tabular",
      vocabularySize,
      contextLength: 1_000_000,
      losses: ["cross_entropy", "ppo"],
      readsGradient: true,
      frozenSnapshots: true,
    };
  }

  async accumulate(loss: Loss): Promise<LossResult> {
    checkLoss(loss);
    const temperature = loss.kind === "ppo" ? loss.temperature : 1;
    let total = 0;
    const logprobs = loss.examples.map((example, i) => {
      const { row, values } = this.logProbabilities(example.prompt, temperature);
      const column = this.column(row, example.completion);
      const { value, slope } = tokenLoss(loss, i, values[column]);
      total += value;
      // d log p_column / d logit_j = ([j = column] - p_j) / temperature
      for (let j = 0; j < values.length; j++)
        this.#gradient[this.offsets[row] + j] += (slope * ((j === column ? 1 : 0) - Math.exp(values[j]))) / temperature;
      return [values[column]];
    });
    return { loss: total, logprobs };
  }

  gradient(): Promise<Float32Array> {
    return Promise.resolve(Float32Array.from(this.#gradient));
  }

  clearGradient(): Promise<void> {
    this.#gradient.fill(0);
    return Promise.resolve();
  }

  async step({
    learningRate,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    gradientClip,
  }: AdamSettings): Promise<{ readonly gradientNorm: number }> {
    const gradientNorm = norm(this.#gradient);
    if (!Number.isFinite(gradientNorm))
      throw new EngineError(`tabular: the gradient's norm is ${gradientNorm}; no step was taken`);
    const shrink = gradientClip > 0 && gradientNorm > gradientClip ? gradientClip / gradientNorm : 1;
    this.#steps++;
    for (let i = 0; i < this.logits.length; i++) {
      const g = this.#gradient[i] * shrink;
      this.#first[i] = beta1 * this.#first[i] + (1 - beta1) * g;
      this.#second[i] = beta2 * this.#second[i] + (1 - beta2) * g * g;
      const m = this.#first[i] / (1 - beta1 ** this.#steps);
      const v = this.#second[i] / (1 - beta2 ** this.#steps);
      this.logits[i] -= learningRate * (m / (Math.sqrt(v) + epsilon) + weightDecay * this.logits[i]);
    }
    this.#gradient.fill(0);
    const wrong = this.logits.findIndex((logit) => !Number.isFinite(logit));
    if (wrong >= 0)
      throw new EngineError(`tabular: logit ${wrong} became ${this.logits[wrong]}; expected a smaller learning rate`);
    return { gradientNorm };
  }

  resetOptimizer(): Promise<void> {
    this.#first.fill(0);
    this.#second.fill(0);
    this.#steps = 0;
    return Promise.resolve();
  }

  snapshot(): Promise<Sampler> {
    return Promise.resolve(new Table(this.rows, this.logits.slice()));
  }

  // What reads and writes files is loaded when it is used, so that a program which only solves stays light.
  async save(folder: string): Promise<void> {
    const { writeTable } = await import("./file.ts");
    await writeTable(folder, {
      rows: this.rows.map((row) => [...row]),
      logits: [...this.logits],
      first: [...this.#first],
      second: [...this.#second],
      steps: this.#steps,
    });
  }

  async load(folder: string): Promise<void> {
    const { readTable } = await import("./file.ts");
    const { logits, first, second, steps } = await readTable(folder, this.rows);
    this.logits = Float64Array.from(logits);
    this.#first = Float64Array.from(first);
    this.#second = Float64Array.from(second);
    this.#steps = steps;
  }
}

/** Euclidean norm; a spread into Math.hypot overflows the stack for large tables. */
function norm(vector: Float64Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  return Math.sqrt(sum);
}

/** Loss of one token and its derivative in the token's log-probability. */
function tokenLoss(loss: Loss, index: number, logprob: number): { value: number; slope: number } {
  if (loss.kind === "cross_entropy") {
    const weight = loss.examples[index].weights[0];
    return { value: -weight * logprob, slope: -weight };
  }
  const { logprobs, advantages } = loss.examples[index];
  const ratio = Math.exp(logprob - logprobs[0]);
  const clipped = Math.min(Math.max(ratio, 1 - loss.clip), 1 + loss.clip);
  const [free, bounded] = [ratio * advantages[0], clipped * advantages[0]];
  return { value: -Math.min(free, bounded), slope: free <= bounded ? -free : 0 };
}
