/** Options that several commands share, each with one name and one meaning. */
import { InvalidArgumentError, Option } from "commander";
import { DEVICES } from "../engines/driver.ts";
import { PROTOCOLS } from "../games/index.ts";

/** Parses a whole number >= 0 for an option. */
export function naturalNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError("expected a whole number, 0 or more");
  return value;
}

/** Parses a whole number >= 1 for an option. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("expected a whole number, 1 or more");
  return value;
}

/** Parses a number above 0 for an option. */
export function positiveReal(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("expected a number above 0");
  return value;
}

/** For options that may be given several times. */
export const repeat = (value: string, all: readonly string[] = []): string[] => [...all, value];

/** `--game`, repeatable: the games of interest, in the order given. */
export const gameOption = (description = "only this game, by name or path of a module (repeatable)"): Option =>
  new Option("--game <name>", description).argParser((name: string, all: readonly string[] | undefined) => {
    if (all?.includes(name) === true) throw new InvalidArgumentError(`${name} is given twice`);
    return repeat(name, all);
  });

export const protocolOption = (description = "the measurement rules; default: corrected, or those of the checkpoint"): Option =>
  new Option("--protocol <name>", description).choices(PROTOCOLS);

/** Where a model that runs in this process computes. */
export const deviceOption = (): Option =>
  new Option("--device <name>", "where a model in this process computes").choices(DEVICES).default("cpu");

export const episodesOption = (): Option =>
  new Option("--episodes <n>", "episodes per opponent").argParser(positiveNumber).default(200);

export const seedOption = (description: string): Option =>
  new Option("--seed <n>", description).argParser(naturalNumber).default(0);

export const jsonOption = (description = "print JSON"): Option => new Option("--json", description);
