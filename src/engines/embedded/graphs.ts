/** Programs, built when first needed, and the workers that run them; shared by an engine and its snapshots. */
import { toProgram, type Program } from "../../tensor/compile.ts";
import { Pool } from "../../tensor/pool.ts";
import type { Arrays } from "../../tensor/session.ts";
import { WorkerError } from "../../tensor/thread.ts";
import { EngineError } from "../engine.ts";
import type { ModelConfig } from "./model.ts";
import type { LiveWeights } from "./parameters.ts";
import type { Expressions } from "./scoring.ts";

/** One owner of workers for any number of holders; the workers end when the last holder lets go. */
export class Graphs {
  readonly config: ModelConfig;
  readonly #pool: Pool;
  readonly #programs = new Map<string, Program>();
  #holders = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(config: ModelConfig, threads?: number) {
    this.config = config;
    this.#pool = new Pool(threads === undefined ? {} : { threads });
  }

  /** Calls `work` after everything asked for before it, because weights must not change under a run. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Runs the graph of a key, made by `build` the first time, on a free worker. Only inside `exclusive`. */
  async run(key: string, build: () => Expressions, arrays: Arrays, weights: LiveWeights): Promise<Arrays> {
    let program = this.#programs.get(key);
    if (!program) {
      const { inputs, outputs, ragged } = build();
      program = toProgram(inputs, outputs, ragged ? { ragged } : {});
      this.#programs.set(key, program);
    }
    return this.#pool.run(program, arrays, weights).catch((error: unknown) => {
      throw error instanceof WorkerError ? new EngineError(error.message, { cause: error }) : error;
    });
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  /** Only inside `exclusive`. */
  async letGo(weights?: LiveWeights): Promise<void> {
    if (weights) this.#pool.forget(weights);
    if (--this.#holders === 0) await this.#pool.release();
  }
}
