/** Options of commands that ask chat models. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { WORDINGS, type WordingName } from "../games/index.ts";
import type { Price } from "../models/cost.ts";
import { PATIENCE } from "../models/limits.ts";
import { MAX_TOKENS } from "../models/adapter.ts";
import { naturalNumber, positiveNumber, positiveReal } from "./options.ts";

/** How a chat model is asked. */
export interface AskingFlags {
  readonly baseUrl?: string;
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxTokens: number;
  readonly modelSeed?: number;
  readonly providerOptions?: Readonly<Record<string, unknown>>;
  readonly logprobs?: number;
  readonly concurrency?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly patience: number;
  readonly timeout: number;
  readonly price?: Price;
  readonly maxCost?: number;
}

export interface ModelFlags extends AskingFlags {
  readonly out?: string;
  readonly wording?: WordingName | "all";
  /** File of the user's own system prompt. */
  readonly system?: string;
  readonly samples: number;
  readonly dryRun?: boolean;
}

const SAMPLES = 4;

/** Options of an evaluation. */
export const addModelOptions = (command: Command): Command =>
  addAskingOptions(
    command
      .optionsGroup("Options for chat models:")
      .option("-o, --out <folder>", "where calls and report are kept; default: runs/ and the model's name")
      .addOption(wordingOption())
      .option("--system <file>", "system prompt of your own agent, set before the rules"),
  )
    .option(
      "--logprobs <n>",
      "ask for log-probabilities with so many alternatives (servers of the OpenAI kind)",
      positiveNumber,
    )
    .option("--samples <n>", "answers at each position of the action table", positiveNumber, SAMPLES)
    .option("--dry-run", "print calls, tokens and cost; send nothing");

/** Options of every command that asks. */
export const addAskingOptions = (command: Command): Command =>
  command
    .option("--base-url <url>", "address of a server, such as http://127.0.0.1:8000/v1")
    .option("--temperature <t>", "default: the provider's", nonNegative)
    .option("--top-p <p>", "default: the provider's", positiveReal)
    .option("--max-tokens <n>", "longest reply, reasoning included", positiveNumber, MAX_TOKENS)
    .option("--model-seed <n>", "seed sent to the provider; none unless given", naturalNumber)
    .option("--provider-options <json>", 'sent as they are, such as \'{"reasoning_effort":"low"}\'', jsonObject)
    .option("--requests-per-minute <n>", "begin no more calls than this", positiveReal)
    .option("--tokens-per-minute <n>", "input and output together, on the average", positiveReal)
    .option("--patience <seconds>", "how long one call is tried again before the command stops", positiveReal, PATIENCE)
    .option("--timeout <seconds>", "how long one answer may take", positiveReal, 300)
    .option(
      "--price <in,out>",
      "dollars per million tokens, input and output; default: the price list's, where it knows the model",
      priceOf,
    )
    .option("--max-cost <dollars>", "begin no call that could cost more than this in all", positiveReal);

const wordingOption = (): Option =>
  new Option("--wording <name>", "words of rules and prompts; all: each of them, and how J differs; default: standard").choices(
    [...WORDINGS, "all"],
  );

function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0) || !Number.isFinite(value))
    throw new InvalidArgumentError("expected a number, 0 or more");
  return value;
}

function priceOf(text: string): Price {
  const [input, output, ...more] = text.split(",").map(nonNegative);
  if (output === undefined || more.length > 0)
    throw new InvalidArgumentError("expected two numbers, dollars per million tokens, such as 0.25,2");
  return { input, output };
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new InvalidArgumentError("expected a JSON object");
}
