/** Programs run by workers, several at a time, each on one core. */
import { host } from "#host";
import { checkArrays, type Program } from "./compile.ts";
import type { Device } from "./device.ts";
import type { Arrays } from "./session.ts";
import { Thread, WorkerError, type Resident, type Task } from "./thread.ts";

export interface PoolOptions {
  /** Workers at most; they start when there is work for them. All available cores unless given. */
  readonly threads?: number;
  /** Where workers run programs; one worker serves a device that is not the CPU. */
  readonly device?: Device;
  /** The module workers run. */
  readonly entry?: URL;
}

/** Hands runs to idle workers in the order in which they were asked for. */
export class Pool {
  /** Runs that can be under way at the same time. */
  readonly size: number;
  readonly #device: Device;
  readonly #entry: URL | undefined;
  readonly #queue: Task[] = [];
  #active: readonly Thread[] = [];
  #started = 0;
  #released = false;

  constructor({ threads = host.parallelism(), device = "cpu", entry }: PoolOptions = {}) {
    this.size = device === "cpu" ? threads : 1;
    this.#device = device;
    this.#entry = entry;
    const problem = host.problemOf(entry);
    if (problem !== undefined) throw new WorkerError(problem);
  }

  /**
   * Every output of a program for `arrays` and the resident ones, none of which may change before the promise settles. Rejects
   * with `TypeError` for arrays that do not match, `WorkerError` when the worker ends, and whatever ONNX Runtime says.
   */
  run(program: Program, arrays: Arrays, kept: readonly Resident[] = []): Promise<Arrays> {
    return new Promise((resolve, reject) => {
      if (this.#released) throw new WorkerError("the workers were released");
      checkArrays(program, Object.assign({}, ...kept.map((each) => each.arrays), arrays));
      this.#queue.push({ program, arrays, kept, resolve, reject });
      this.#dispatch();
    });
  }

  /** Frees what workers keep of resident arrays. */
  forget(kept: Resident): void {
    for (const thread of this.#active) thread.forget(kept);
  }

  /** Ends the workers after what they work on; runs that wait for a worker are rejected. */
  async release(): Promise<void> {
    this.#released = true;
    for (const { reject } of this.#queue.splice(0)) reject(new WorkerError("the workers were released"));
    await Promise.all(this.#active.map((thread) => thread.end()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#active.find(({ idle }) => idle) ?? this.#start();
      if (!thread) return;
      thread.run(this.#queue.shift()!);
    }
  }

  /** Nothing when there are as many as there may be. */
  #start(): Thread | undefined {
    if (this.#active.length >= this.size) return undefined;
    const entry = this.#entry === undefined ? {} : { entry: this.#entry };
    const thread: Thread = new Thread(
      { name: `worker ${++this.#started}`, device: this.#device, ...entry },
      {
        idle: () => this.#dispatch(),
        exit: () => {
          this.#active = this.#active.filter((other) => other !== thread);
          this.#dispatch();
        },
      },
    );
    this.#active = [...this.#active, thread];
    return thread;
  }
}
