/** The main thread's side of one worker: what it keeps, what it works on, and what its end means. */
import { host } from "#host";
import type { Program } from "./compile.ts";
import type { Answer, WorkerHandle, WorkerOptions } from "./messages.ts";
import { DeviceError } from "./device.ts";
import type { Arrays } from "./session.ts";

/** Inputs that stay in the workers from run to run, such as weights. Whoever changes them raises the version. */
export interface Resident {
  readonly id: number;
  readonly arrays: Arrays;
  version: number;
}
let residents = 0;
export const resident = (arrays: Arrays): Resident => ({ id: residents++, arrays, version: 0 });

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

/** One worker and what it is known to keep. */
export class Thread {
  readonly #worker: WorkerHandle;
  /** Ids of programs, the one used last at the end. */
  readonly #programs = new Set<number>();
  /** Versions of resident arrays by id. */
  readonly #versions = new Map<number, number>();
  readonly #idle: () => void;
  #task: Task | undefined;
  /** Called when the task is over, where somebody waits for that. */
  #ended: (() => void) | undefined;

  constructor(options: WorkerOptions, events: { readonly idle: () => void; readonly exit: () => void }) {
    this.#idle = events.idle;
    this.#worker = host.startWorker(options, {
      answer: (answer) => this.#settle(answer),
      exit: (reason, cause) => {
        events.exit();
        this.#task?.reject(new WorkerError(`${options.name} ended before it answered: ${reason}`, { cause }));
        this.#ended?.();
      },
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
    this.#worker.setBusy(true);
    this.#worker.post({
      kind: "run",
      program: program.id,
      arrays,
      residents,
      ...(!loaded && { model: program.model }),
    });
    const [oldest] = this.#programs;
    if (this.#programs.size > CAPACITY && this.#programs.delete(oldest)) this.#worker.post({ kind: "unload", program: oldest });
  }

  forget({ id }: Resident): void {
    if (this.#versions.delete(id)) this.#worker.post({ kind: "forget", resident: id });
  }

  /** Ends the worker after what it works on. */
  async end(): Promise<void> {
    if (this.#task) await new Promise<void>((resolve) => (this.#ended = resolve));
    await this.#worker.terminate();
  }

  #settle(answer: Answer): void {
    const { program, resolve, reject } = this.#task!;
    this.#task = undefined;
    this.#worker.setBusy(false);
    this.#ended?.();
    if ("results" in answer) resolve(answer.results);
    else {
      this.#programs.delete(program.id); // it may not have been loaded
      const { error } = answer;
      reject(answer.device && error instanceof Error ? new DeviceError(error.message, { cause: error }) : error);
    }
    this.#idle();
  }
}
