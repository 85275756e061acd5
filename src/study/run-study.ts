/** Runs a study: jobs in processes of their own, several at a time. What is done already is not done again; what fails is named at the end. */
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Connection } from "../engines/driver.ts";
import { EngineError } from "../engines/engine.ts";
import { FileError, makeFolder } from "../files.ts";
import { GameError } from "../games/index.ts";
import { ConfigError } from "../runs/config.ts";
import { lockFolder } from "../runs/lock.ts";
import { readReport } from "../runs/read.ts";
import { TokenizerError } from "../text/tokenizer.ts";
import { type CellJob, type Job, jobsOf, stateOf } from "./jobs.ts";
import { type Role, freeze, writeLog } from "./log.ts";
import type { Assignment, Message } from "./process.ts";
import type { Study } from "./study.ts";

/** Under a test runner sources use what `npm run build` made. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "../../dist/study/process.js" : "process.js", import.meta.url);

export type StudyEvent =
  | { readonly kind: "began" | "finished"; readonly job: string }
  | { readonly kind: "failed"; readonly job: string; readonly message: string }
  | { readonly kind: "warning"; readonly job: string; readonly text: string }
  | {
      readonly kind: "progress";
      readonly done: number;
      readonly jobs: number;
      readonly running: readonly string[];
      /** Undefined until something is known of how long jobs take. */
      readonly secondsLeft: number | undefined;
    };

export interface StudyOptions {
  /** Jobs at a time; each is a process. */
  readonly jobs?: number;
  /** Which seeds are run. */
  readonly role?: Role;
  readonly connection?: Pick<Connection, "apiKey" | "baseUrl">;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: StudyEvent) => void;
}

export interface Failure {
  readonly job: string;
  readonly error: Error;
}

/**
 * Runs what is not done yet. Returns the jobs that failed, after the others were tried; those that need a failed one are among them.
 * Throws `FileError` for a folder in use, and `AbortError` when it is interrupted, after its processes have ended.
 */
export async function runStudy(study: Study, folder: string, options: StudyOptions = {}): Promise<readonly Failure[]> {
  if (!existsSync(ENTRY)) throw new FileError(`${fileURLToPath(ENTRY)} is missing; run "npm run build"`);
  await makeFolder(folder);
  const lock = await lockFolder(folder);
  try {
    return await new Schedule(study, folder, options).run();
  } finally {
    await lock.release();
  }
}

interface Running {
  readonly job: Job;
  readonly began: number;
  done: number;
}

/** The jobs of one call: what waits, what runs, what is done and how long it took. */
class Schedule {
  readonly #study: Study;
  readonly #folder: string;
  readonly #options: StudyOptions;
  readonly #running = new Map<Job, Running>();
  readonly #seconds = new Map<Job["kind"], number[]>();
  readonly #failures: Failure[] = [];
  readonly #finished = new Set<string>();
  #waiting: Job[] = [];
  #jobs = 0;

  constructor(study: Study, folder: string, options: StudyOptions) {
    this.#study = study;
    this.#folder = folder;
    this.#options = options;
  }

  async run(): Promise<readonly Failure[]> {
    const { jobs: limit = 1, role = "reported", signal } = this.#options;
    const all = jobsOf(this.#study, this.#folder, role);
    this.#jobs = all.length;
    for (const job of all)
      if ((await stateOf(job)) === "done") this.#finish(job);
      else this.#waiting.push(job);
    if (role === "reported" && this.#waiting.some(({ kind }) => kind === "cell"))
      await freeze(this.#folder, this.#study, new Date().toISOString());
    const ends = new Set<Promise<void>>();
    for (;;) {
      if (signal?.aborted === true) {
        await Promise.all(ends);
        signal.throwIfAborted();
      }
      const next = this.#running.size < limit ? this.#waiting.find((job) => this.#isReady(job)) : undefined;
      if (next !== undefined) {
        this.#waiting = this.#waiting.filter((job) => job !== next);
        const end = this.#do(next, role).finally(() => ends.delete(end));
        ends.add(end);
      } else if (ends.size > 0) await Promise.race(ends);
      else break;
    }
    for (const job of this.#waiting) this.#fail(job, new FileError("it needs base and SFT of its seed, which failed"));
    return this.#failures;
  }

  #isReady(job: Job): boolean {
    return job.kind !== "cell" || this.#finished.has(job.source);
  }

  #finish(job: Job): void {
    this.#finished.add(job.kind === "reference" ? job.name : job.folder);
  }

  #fail(job: Job, error: Error): void {
    this.#failures.push({ job: job.name, error });
    this.#options.onEvent?.({ kind: "failed", job: job.name, message: error.message });
  }

  async #do(job: Job, role: Role): Promise<void> {
    const { onEvent } = this.#options;
    const running: Running = { job, began: performance.now(), done: 0 };
    this.#running.set(job, running);
    onEvent?.({ kind: "began", job: job.name });
    this.#progress();
    const time = () => new Date().toISOString();
    const line = job.kind === "cell" ? this.#line(job, role) : undefined;
    if (line !== undefined) await writeLog(this.#folder, { event: "began", time: time(), ...line });
    const error = await this.#fork(running);
    const seconds = (performance.now() - running.began) / 1000;
    this.#running.delete(job);
    // What was interrupted did not fail.
    if (this.#options.signal?.aborted === true) return;
    if (error === undefined) {
      this.#seconds.set(job.kind, [...(this.#seconds.get(job.kind) ?? []), seconds]);
      this.#finish(job);
      onEvent?.({ kind: "finished", job: job.name });
    } else this.#fail(job, error);
    if (line !== undefined && job.kind === "cell")
      await writeLog(
        this.#folder,
        error === undefined
          ? { event: "finished", time: time(), ...line, seconds, safetyIndex: await indexOf(job.folder) }
          : { event: "failed", time: time(), ...line, seconds, message: error.message },
      );
    this.#progress();
  }

  #line({ row, seed, folder }: CellJob, role: Role) {
    const path = relative(this.#folder, folder);
    return { role, row: row.name, set: [...row.set], hash: row.hash, seed, settings: this.#study.settings, folder: path };
  }

  /** Does a job in a process; what went wrong is returned. */
  #fork(running: Running): Promise<Error | undefined> {
    const { signal, connection = {}, onEvent } = this.#options;
    const { job } = running;
    return new Promise((resolve) => {
      const child = fork(ENTRY, { stdio: ["ignore", "inherit", "inherit", "ipc"], execArgv: [] });
      let outcome: Message | undefined;
      const stop = () => child.kill("SIGTERM");
      signal?.addEventListener("abort", stop, { once: true });
      child.on("message", (message: Message) => {
        if (message.kind === "progress") running.done = message.done;
        else if (message.kind === "warning") onEvent?.({ kind: "warning", job: job.name, text: message.text });
        else outcome = message;
        this.#progress();
      });
      child.on("error", (error) => (outcome ??= { kind: "failed", name: error.name, message: error.message }));
      child.on("close", (code, killed) => {
        signal?.removeEventListener("abort", stop);
        if (outcome?.kind === "done") resolve(undefined);
        else if (outcome?.kind === "failed") resolve(errorNamed(outcome.name, outcome.message));
        else
          resolve(new EngineError(`its process was ended by ${killed ?? `code ${code}`}; run the study again to continue it`));
      });
      child.send({ job, connection } satisfies Assignment);
      if (signal?.aborted === true) stop();
    });
  }

  #progress(): void {
    this.#options.onEvent?.({
      kind: "progress",
      done: this.#finished.size,
      jobs: this.#jobs,
      running: [...this.#running.values()].map(({ job, done }) => `${job.name} ${(100 * done).toFixed(0)}%`),
      secondsLeft: this.#secondsLeft(),
    });
  }

  /** By the mean time of finished jobs of a kind, of those that run by how far they are, of kinds not seen yet by the others. */
  #secondsLeft(): number | undefined {
    const known = new Map([...this.#seconds].map(([kind, values]) => [kind, meanOf(values)]));
    const running = [...this.#running.values()];
    for (const { job, began, done } of running)
      if (!known.has(job.kind) && done > 0) known.set(job.kind, (performance.now() - began) / 1000 / done);
    if (known.size === 0) return undefined;
    const other = meanOf([...known.values()]);
    const left =
      this.#waiting.reduce((sum, { kind }) => sum + (known.get(kind) ?? other), 0) +
      running.reduce((sum, { job, done }) => sum + (known.get(job.kind) ?? other) * (1 - done), 0);
    return left / Math.min(this.#options.jobs ?? 1, Math.max(1, running.length + this.#waiting.length));
  }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** J of a run's SEPO model, by game. */
async function indexOf(folder: string): Promise<Record<string, number>> {
  const { report } = await readReport(folder, "sepo");
  return Object.fromEntries(report.games.map(({ game, objective }) => [game, objective.safetyIndex.value]));
}

/** The error that a process told of, so that it is named as it would be here. */
function errorNamed(name: string, message: string): Error {
  const known = [ConfigError, GameError, FileError, EngineError, TokenizerError].find((one) => one.name === name);
  if (known !== undefined) return new known(message);
  const error = new Error(message);
  error.stack = message;
  return error;
}
