/** Exit codes and how errors become one. docs/metrics.md has the same table. */
import { type Command, CommanderError } from "commander";
import { EngineError } from "../engines/engine.ts";
import { FileError, reasonOf } from "../files.ts";
import { GameError } from "../games/index.ts";
import { ConfigError } from "../runs/config.ts";
import { TokenizerError } from "../text/tokenizer.ts";

export const EXIT_CODES = {
  success: 0,
  /** A bug: please report it. */
  internal: 1,
  /** Wrong arguments, names or configuration. */
  usage: 2,
  /** A file, run or checkpoint is missing, malformed, changed or in use, or cannot be written. */
  file: 3,
  /** The engine or its server failed. */
  engine: 4,
  interrupted: 130,
} as const;

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && "syscall" in error;

/** The exit code and message of an error. */
export function describeFailure(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof ConfigError || error instanceof GameError) return { code: EXIT_CODES.usage, message: error.message };
  if (error instanceof FileError || error instanceof TokenizerError) return { code: EXIT_CODES.file, message: error.message };
  if (error instanceof EngineError) return { code: EXIT_CODES.engine, message: error.message };
  if (error instanceof Error && error.name === "AbortError") return { code: EXIT_CODES.interrupted, message: "interrupted" };
  if (isSystemError(error))
    return { code: EXIT_CODES.file, message: `${error.path ?? error.syscall ?? "file"}: ${reasonOf(error)}` };
  return { code: EXIT_CODES.internal, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Seconds after an interrupt within which a program that does not end by itself is ended. */
const PATIENCE = 5;

/**
 * A signal that Ctrl-C and termination abort, for work that can end in order. A second one ends the process at once, and so does the first
 * when the work has not ended after a few seconds.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const end = () => process.exit(EXIT_CODES.interrupted);
  const stop = () => {
    if (controller.signal.aborted) end();
    controller.abort();
    setTimeout(end, PATIENCE * 1000).unref();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}

/** Runs a program with the arguments of the process; what goes wrong becomes one line, after `name`, and an exit code. */
export async function runProgram(program: Command, name: string): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A reader that closes early, such as "head", is no error.
    if (error.code === "EPIPE") process.exit(EXIT_CODES.success);
    process.stderr.write(`${name}: standard output: ${reasonOf(error)}\n`);
    process.exit(EXIT_CODES.file);
  });
  // Where progress cannot be shown, the work goes on without.
  process.stderr.on("error", () => undefined);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage;
    else {
      const { code, message } = describeFailure(error);
      process.stderr.write(`${name}: ${message}\n`);
      process.exitCode = code;
    }
  }
}
