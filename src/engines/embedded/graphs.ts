/** Compiled graphs, built when first needed and shared by an engine and its snapshots. */
import { compile, type Compiled } from "../../tensor/compile.ts";
import type { ModelConfig } from "./model.ts";
import type { Expressions } from "./scoring.ts";

/** Sessions kept before the one used longest ago is released; each holds the memory of a run, about 40 MB for the default model. */
const CAPACITY = 64;

/**
 * One owner of sessions for any number of holders; the sessions go when the last holder lets go. Work runs one piece at a time:
 * a run uses every core already, and weights must not change under it.
 */
export class Graphs {
  readonly config: ModelConfig;
  readonly #threads: number | undefined;
  readonly #compiled = new Map<string, Compiled>();
  #holders = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(config: ModelConfig, threads?: number) {
    this.config = config;
    this.#threads = threads;
  }

  /** Runs `work` after everything asked for before it. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The graph of a key, compiled by `build` when it is not held. Only inside `exclusive`. */
  async get(key: string, build: () => Expressions): Promise<Compiled> {
    let compiled = this.#compiled.get(key);
    if (compiled) this.#compiled.delete(key);
    else {
      const { inputs, outputs, ragged } = build();
      const threads = this.#threads === undefined ? {} : { threads: this.#threads };
      compiled = await compile(inputs, outputs, { ...threads, ...(ragged && { ragged }) });
    }
    this.#compiled.set(key, compiled); // last in the map: used most recently
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > CAPACITY) await this.#drop(oldest);
    return compiled;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  /** Only inside `exclusive`. */
  async letGo(): Promise<void> {
    if (--this.#holders > 0) return;
    for (const key of this.#compiled.keys()) await this.#drop(key);
  }

  async #drop(key: string): Promise<void> {
    const compiled = this.#compiled.get(key);
    this.#compiled.delete(key);
    await compiled?.release();
  }
}
