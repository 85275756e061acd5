/** The main thread's side of one worker: what it keeps, what it works on, and what its end means. */
import { Worker } from "node:worker_threads";
import type { Program } from "./compile.ts";
import { DeviceError, type Arrays, type Device } from "./session.ts";

/** Inputs that stay in the workers from run to run, such as weights. Whoever changes them raises the version. */
export interface Resident {
  readonly id: number;
  readonly arrays: Arrays;
  version: number;
}
let residents = 0;
export const resident = (arrays: Arrays): Resident => ({ id: residents++, arrays, version: 0 });

/** What a worker is started with. */
export interface WorkerOptions {
  /** 1 while a run is under way. */
  readonly flag: Int32Array;
  readonly device: Device;
}

/** One run; `model` and the arrays of residents come with it when the worker does not have them yet. */
export interface Job {
  readonly program: number;
  readonly model?: Uint8Array;
  readonly residents: readonly { readonly id: number; readonly arrays?: Arrays }[];
  readonly arrays: Arrays;
}
export type Message =
  | ({ readonly kind: "run" } & Job)
  | { readonly kind: "unload"; readonly program: number }
  | { readonly kind: "forget"; readonly resident: number };
/** Exactly one for each run. */
export type Answer =
  | { readonly results: Arrays }
  /** An error loses its class on the way; `device` says that it was a `DeviceError`. */
  | { readonly error: unknown; readonly device: boolean };

/** A worker that ended before it answered. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
}

/** Programs a worker keeps before the one used longest ago goes; each holds about 6 MB. */
const CAPACITY = 64;

/** A run that was asked for. */
export interface Task {
  readonly program: Program;
  readonly arrays: Arrays;
  readonly kept: readonly Resident[];
  readonly resolve: (results: Arrays) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Flags of workers at work: 1 until a run is over. Node ends workers when the process exits, and one that is inside ONNX Runtime
 * would abort the process with a signal instead of its exit code.
 */
const working = new Set<Int32Array<SharedArrayBuffer>>();
const LONGEST_WAIT = 10_000;
process.on("exit", () => {
  for (const flag of working) Atomics.wait(flag, 0, 1, LONGEST_WAIT);
});

/** One worker and what it is known to keep. It holds the process open only while it works. */
export class Thread {
  readonly #worker: Worker;
  readonly #flag = new Int32Array(new SharedArrayBuffer(4));
  /** Ids of programs, the one used last at the end. */
  readonly #programs = new Set<number>();
  /** Versions of resident arrays by id. */
  readonly #versions = new Map<number, number>();
  readonly #events: { readonly idle: () => void; readonly exit: () => void };
  #task: Task | undefined;
  /** Called when the task is over, where somebody waits for that. */
  #ended: (() => void) | undefined;

  constructor(name: string, entry: URL, device: Device, events: { readonly idle: () => void; readonly exit: () => void }) {
    this.#events = events;
    const workerData: WorkerOptions = { flag: this.#flag, device };
    this.#worker = new Worker(entry, { name, execArgv: [], workerData }); // flags for the main script need not suit a worker
    this.#worker.unref();
    let cause: unknown;
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on("error", (error) => (cause = error));
    this.#worker.on("exit", (code) => {
      const reason = cause instanceof Error ? cause.message : `exit code ${code}`;
      working.delete(this.#flag);
      events.exit();
      this.#task?.reject(new WorkerError(`${name} ended before it answered: ${reason}`, { cause }));
      this.#ended?.();
    });
  }

  get idle(): boolean {
    return this.#task === undefined;
  }

  run(task: Task): void {
    const { program, arrays, kept } = task;
    const loaded = this.#programs.delete(program.id);
    this.#programs.add(program.id);
    const residents = kept.map(({ id, version, arrays: held }) => {
      const known = this.#versions.get(id) === version;
      this.#versions.set(id, version);
      return known ? { id } : { id, arrays: held };
    });
    this.#task = task;
    this.#worker.ref();
    this.#flag[0] = 1;
    working.add(this.#flag);
    this.#post({
      kind: "run",
      program: program.id,
      arrays,
      residents,
      ...(!loaded && { model: program.model }),
    });
    const [oldest] = this.#programs;
    if (this.#programs.size > CAPACITY && this.#programs.delete(oldest)) this.#post({ kind: "unload", program: oldest });
  }

  forget({ id }: Resident): void {
    if (this.#versions.delete(id)) this.#post({ kind: "forget", resident: id });
  }

  /** Ends the worker after what it works on. */
  async end(): Promise<void> {
    if (this.#task) await new Promise<void>((resolve) => (this.#ended = resolve));
    await this.#worker.terminate();
  }

  #post(message: Message): void {
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
    this.#worker.postMessage(message);
  }

  #settle(answer: Answer): void {
    const { program, resolve, reject } = this.#task!;
    this.#task = undefined;
    this.#worker.unref();
    working.delete(this.#flag);
    this.#ended?.();
    if ("results" in answer) resolve(answer.results);
    else {
      this.#programs.delete(program.id); // it may not have been loaded
      const { error } = answer;
      reject(answer.device && error instanceof Error ? new DeviceError(error.message, { cause: error }) : error);
    }
    this.#events.idle();
  }
}
