/** The command line as a process of its own: started, killed, and judged by its exit code and what it prints. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the checkout, above this file or above what it was compiled to. */
export const ROOT = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
})();
const MAIN = join(ROOT, "dist", "cli", "main.js");

export interface Ending {
  /** Null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ending>;
}

export interface StartOptions {
  /** A module that is loaded before the program. */
  readonly preload?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The working directory; default: that of this process. */
  readonly place?: string;
  /** Largest file that the process may write, in blocks of 512 bytes; default: any. */
  readonly blocks?: number;
  /** A file or device for the standard output; default: a pipe. */
  readonly out?: number;
}

/** Seconds after which a process counts as hanging and is killed. */
const LIMIT = 120;

/** Starts `sepo` with arguments. */
export function start(args: readonly string[], { preload, environment = {}, place, blocks, out }: StartOptions = {}): Running {
  const began = performance.now();
  const load = preload === undefined ? [] : ["--import", preload];
  const command = [process.execPath, ...load, MAIN, ...args];
  const limited = blocks === undefined ? command : ["sh", "-c", `ulimit -f ${blocks}; exec "$@"`, "sh", ...command];
  const child = spawn(limited[0], limited.slice(1), {
    stdio: ["ignore", out ?? "pipe", "pipe"],
    ...(place === undefined ? {} : { cwd: place }),
    env: { ...process.env, ...environment },
  });
  const text = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (text.out += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (text.err += chunk));
  const hanging = setTimeout(() => child.kill("SIGKILL"), LIMIT * 1000);
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(hanging);
      const seconds = (performance.now() - began) / 1000;
      if (seconds > LIMIT) text.err += `\nnot ended after ${LIMIT} seconds`;
      resolve({ code, signal, ...text, seconds });
    });
  });
  return { child, pid: child.pid ?? -1, ended };
}

export const sepo = (args: readonly string[], options?: StartOptions): Promise<Ending> => start(args, options).ended;

/**
 * Name of a run's folder within the working directory of its process. A relative path, because reports tell the command that makes
 * them again, and their bytes must not depend on where a trial took place.
 */
export const RUN = "trained";

export interface RunOptions extends StartOptions {
  /** Whether to continue; default: when there is a configuration to continue with. */
  readonly resume?: boolean;
}

/** Starts `sepo train` in a folder, which is made, or continues the run that is there. */
export function startRun(config: string, place: string, options: RunOptions = {}): Running {
  const { resume = existsSync(join(place, RUN, "config.json")), ...others } = options;
  mkdirSync(place, { recursive: true });
  return start(["train", ...(resume ? ["--resume"] : [config]), "--out", RUN], { ...others, place });
}

export const run = (config: string, place: string, options?: RunOptions): Promise<Ending> =>
  startRun(config, place, options).ended;

/** A moment of a run, found again on a machine that is faster or slower: seconds after so many lines of progress. */
export interface Moment {
  readonly lines: number;
  readonly seconds: number;
}

/** A run that is sent a signal at a moment, unless it has ended by then. */
export async function signalled(
  config: string,
  place: string,
  { lines, seconds }: Moment,
  signal: NodeJS.Signals,
): Promise<Ending> {
  const { child, ended } = startRun(config, place);
  let seen = 0;
  let timer: NodeJS.Timeout | undefined;
  const look = (text: string) => {
    seen += text.split("\n").length - 1;
    if (seen >= lines) timer ??= setTimeout(() => child.kill(signal), seconds * 1000);
  };
  look("");
  child.stderr?.on("data", look);
  const ending = await ended;
  clearTimeout(timer);
  return ending;
}

/** A run that is sent a signal after some seconds, unless it has ended by then. */
export async function interrupted(config: string, place: string, seconds: number, signal: NodeJS.Signals): Promise<Ending> {
  const { child, ended } = startRun(config, place);
  const timer = setTimeout(() => child.kill(signal), seconds * 1000);
  const ending = await ended;
  clearTimeout(timer);
  return ending;
}

/** What is wrong with the ending of a process that had to succeed. */
export const unsuccessful = ({ code, signal, err }: Ending): string[] =>
  code === 0 ? [] : [`ended with ${signal ?? code}: ${err.trim()}`];
