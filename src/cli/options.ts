import { InvalidArgumentError, Option } from "commander";
import { DEVICES } from "../engines/embedded/engine.ts";

/** Parses a whole number >= 0 for an option. */
export function naturalNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError("expected a whole number, 0 or more");
  return value;
}

/** Parses a whole number >= 1 for an option. */
export function positiveNumber(text: string): number {
  const value = naturalNumber(text);
  if (value < 1) throw new InvalidArgumentError("expected a whole number, 1 or more");
  return value;
}

/** Parses a number above 0 for an option. */
export function positiveReal(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("expected a number above 0");
  return value;
}

/** Where a model that runs in this process computes. */
export const deviceOption = (): Option =>
  new Option("--device <name>", "where a model in this process computes").choices(DEVICES).default("cpu");
