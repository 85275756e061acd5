/** What a thread and its workers say to each other, on any host. */
import type { Device } from "./device.ts";
import type { Arrays } from "./session.ts";

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

/** What a worker is started with. */
export interface WorkerOptions {
  readonly name: string;
  readonly device: Device;
  /** The module it runs; the host's own worker unless given. */
  readonly entry?: URL;
}

/** What is heard of a worker. */
export interface WorkerEvents {
  readonly answer: (answer: Answer) => void;
  /** It ended, for a reason in words. */
  readonly exit: (reason: string, cause: unknown) => void;
}

/** A worker as the thread that started it holds it. */
export interface WorkerHandle {
  post(message: Message): void;
  /** Says that a run begins, or that its answer came. */
  setBusy(busy: boolean): void;
  /** Ends it at once. */
  terminate(): Promise<void>;
}

/** What differs between Node and a browser: the package's import `#host` is the one or the other. */
export interface Host {
  /** Workers that can be at work at the same time. */
  readonly parallelism: () => number;
  /** What is wrong with a worker's module that cannot be started; nothing where that shows only later. */
  readonly problemOf: (entry: URL | undefined) => string | undefined;
  readonly startWorker: (options: WorkerOptions, events: WorkerEvents) => WorkerHandle;
}
