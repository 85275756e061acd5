/** Programs, built when first needed, and the workers that run them; shared by an engine and its snapshots. */
import { toProgram, type Program } from "../../tensor/compile.ts";
import { Pool, type PoolOptions } from "../../tensor/pool.ts";
import { DeviceError } from "../../tensor/device.ts";
import type { Arrays } from "../../tensor/session.ts";
import { resident, WorkerError, type Resident } from "../../tensor/thread.ts";
import { EngineError } from "../engine.ts";
import { contextArrays, prefixArrays, type Batch } from "./batches.ts";
import type { GraphConfig } from "./lora.ts";
import type { LiveWeights } from "./inputs.ts";
import { prefixGraph } from "./prefix.ts";
import type { Expressions } from "./scoring.ts";

/** Prefixes kept for one version of weights; more are forgotten, and computed again when needed. */
const KEPT_PREFIXES = 32;

interface Prefixes {
  readonly version: number;
  /** By the prefix's tokens. */
  readonly keyValues: Map<string, Promise<Resident>>;
}

/** One owner of workers for any number of holders; the workers end when the last holder lets go. */
export class Graphs {
  readonly config: GraphConfig;
  readonly #pool: Pool;
  readonly #programs = new Map<string, Program>();
  readonly #prefixes = new Map<LiveWeights, Prefixes>();
  #holders = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(config: GraphConfig, options: PoolOptions = {}) {
    this.config = config;
    this.#pool = new Pool(options);
  }

  /** Calls `work` after everything asked for before it, because weights must not change under a run. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Runs that can be under way at the same time. */
  get workers(): number {
    return this.#pool.size;
  }

  /**
   * Runs the graph of a key, made by `build` the first time, on a free worker with `weights` and, where a batch's rows share a
   * prefix, its keys and values. Only inside `exclusive`.
   */
  async runBatch(key: string, build: () => Expressions, batch: Batch, arrays: Arrays, weights: LiveWeights): Promise<Arrays> {
    const prefix = batch.sizes.prefix > 0 ? [await this.#prefixOf(batch, weights)] : [];
    return this.run(key, build, { ...contextArrays(batch), ...arrays }, weights, prefix);
  }

  /** Runs a graph with weights and other arrays that workers keep. Only inside `exclusive`. */
  async run(
    key: string,
    build: () => Expressions,
    arrays: Arrays,
    weights: LiveWeights,
    others: readonly Resident[] = [],
  ): Promise<Arrays> {
    const kept = [...(weights.base ? [weights.base] : []), weights, ...others];
    let program = this.#programs.get(key);
    if (!program) {
      const { inputs, outputs, ragged } = build();
      program = toProgram(inputs, outputs, ragged ? { ragged } : {});
      this.#programs.set(key, program);
    }
    return this.#pool.run(program, arrays, kept).catch((error: unknown) => {
      const known = error instanceof WorkerError || error instanceof DeviceError;
      throw known ? new EngineError(error.message, { cause: error }) : error;
    });
  }

  /** The keys and values of a batch's prefix for weights as they are, computed when they are first needed. */
  #prefixOf(batch: Batch, weights: LiveWeights): Promise<Resident> {
    let known = this.#prefixes.get(weights);
    if (known?.version !== weights.version || known.keyValues.size >= KEPT_PREFIXES) {
      this.#forgetPrefixes(weights);
      known = { version: weights.version, keyValues: new Map() };
      this.#prefixes.set(weights, known);
    }
    const name = batch.rows[0].prefix.join();
    const found = known.keyValues.get(name);
    if (found) return found;
    const { prefix } = batch.sizes;
    const made = this.run(`prefix ${prefix}`, () => prefixGraph(this.config, prefix), prefixArrays(batch), weights);
    const keyValues = made.then(resident);
    known.keyValues.set(name, keyValues);
    keyValues.catch(() => known.keyValues.delete(name)); // the next caller tries again
    return keyValues;
  }

  #forgetPrefixes(weights: LiveWeights): void {
    for (const keyValues of this.#prefixes.get(weights)?.keyValues.values() ?? []) {
      void keyValues.then((held) => this.#pool.forget(held)).catch(() => undefined);
    }
    this.#prefixes.delete(weights);
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  /** Only inside `exclusive`. */
  async letGo(weights?: LiveWeights): Promise<void> {
    if (weights) {
      this.#forgetPrefixes(weights);
      this.#pool.forget(weights);
    }
    if (--this.#holders === 0) await this.#pool.release();
  }
}
