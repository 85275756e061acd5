/** Exit codes and how errors become one. */
import { type Command, CommanderError } from "commander";
import { EngineError } from "../engines/engine.ts";
import { GameError } from "../games/index.ts";
import { TokenizerError } from "../text/tokenizer.ts";
import { ConfigError } from "../training/config.ts";

export const EXIT_CODES = {
  success: 0,
  /** A bug: please report it. */
  internal: 1,
  /** Wrong arguments, names or configuration. */
  usage: 2,
  /** A file or checkpoint is missing, malformed or truncated, or could not be written. */
  file: 3,
  /** The engine failed. */
  engine: 4,
  interrupted: 130,
} as const;

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && "syscall" in error;

/** The exit code and message of an error. */
export function describeFailure(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof ConfigError || error instanceof GameError) return { code: EXIT_CODES.usage, message: error.message };
  if (error instanceof TokenizerError) return { code: EXIT_CODES.file, message: error.message };
  if (error instanceof EngineError) return { code: EXIT_CODES.engine, message: error.message };
  if (error instanceof Error && error.name === "AbortError") return { code: EXIT_CODES.interrupted, message: "interrupted" };
  if (isSystemError(error)) return { code: EXIT_CODES.file, message: `${error.path ?? error.syscall}: ${error.message}` };
  return { code: EXIT_CODES.internal, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Runs a program with the arguments of the process; what goes wrong becomes one line, after `name`, and an exit code. */
export async function runProgram(program: Command, name: string): Promise<void> {
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
