/** From requests to rows of the fixed shapes that graphs are compiled for. */
import { EngineError, type Prompt } from "../engine.ts";
import type { Sizes } from "./context.ts";
import type { ModelConfig } from "./model.ts";

/** Own lengths are padded to multiples of 16 up to 128, of 32 up to 256, of 64 up to 512 and so on, so by less than a quarter. */
const LENGTH_STEP = 16;
/** Chosen positions are padded to powers of two from this, and never to more than the length. */
const FEWEST_CHOSEN = 4;

/** Requests with the same tokens as one row: the tokens after the shared prefix, and which of them predict something. */
export interface Row {
  /** Places of the requests in their call. */
  readonly members: readonly number[];
  readonly prefix: readonly number[];
  readonly own: readonly number[];
  /** Own positions whose next token matters: `chosen` consecutive ones from `first`. */
  readonly first: number;
  readonly chosen: number;
}

/** Rows that run together. */
export interface Batch {
  readonly sizes: Sizes;
  readonly rows: readonly Row[];
}

/** The number of slots for n tokens, see above. */
export function slotsFor(n: number): number {
  let step = LENGTH_STEP;
  while (step * 8 < n) step *= 2;
  return Math.ceil(n / step) * step;
}

function chosenSlots({ chosen }: Row): number {
  let slots = FEWEST_CHOSEN;
  while (slots < chosen) slots *= 2;
  return slots;
}

/** Throws `EngineError` for tokens outside the vocabulary, an empty prompt, or a `shared` outside it. */
function checkPrompt(config: ModelConfig, { tokens, shared }: Prompt): void {
  if (tokens.length === 0) throw new EngineError("a prompt needs at least one token, got none");
  if (!Number.isInteger(shared) || shared < 0 || shared > tokens.length) {
    throw new EngineError(`shared must be between 0 and the prompt's ${tokens.length} tokens, got ${shared}`);
  }
  checkTokens(config, tokens);
}

function checkTokens({ vocabularySize }: ModelConfig, tokens: readonly number[]): void {
  for (const token of tokens) {
    if (!Number.isInteger(token) || token < 0 || token >= vocabularySize) {
      throw new EngineError(`token ${token} is outside the vocabulary of ${vocabularySize}`);
    }
  }
}

function checkLength({ contextLength }: ModelConfig, prompt: number, rest: number, what: string): void {
  if (prompt + rest <= contextLength) return;
  throw new EngineError(`a prompt of ${prompt} tokens and ${what} of ${rest} exceed the context length ${contextLength}`);
}

/** At least the prompt's last token is a row's own, because it predicts the first token of the completion. */
const prefixLength = ({ tokens, shared }: Prompt): number => Math.min(shared, tokens.length - 1);

/** The row of a prompt to be continued by up to `maxTokens`. */
export function promptRow(config: ModelConfig, prompt: Prompt, maxTokens: number, members: readonly number[]): Row {
  checkPrompt(config, prompt);
  checkLength(config, prompt.tokens.length, maxTokens, "a completion");
  const cut = prefixLength(prompt);
  const own = prompt.tokens.slice(cut);
  return { members, prefix: prompt.tokens.slice(0, cut), own, first: own.length - 1, chosen: 1 };
}

/** The row of a prompt and its continuation, whose last token nothing depends on. */
export function continuedRow(
  config: ModelConfig,
  prompt: Prompt,
  continuation: readonly number[],
  members: readonly number[],
): Row {
  checkPrompt(config, prompt);
  checkTokens(config, continuation);
  checkLength(config, prompt.tokens.length, continuation.length, "a continuation");
  const cut = prefixLength(prompt);
  const own = [...prompt.tokens.slice(cut), ...continuation.slice(0, -1)];
  const first = prompt.tokens.length - cut - 1;
  return { members, prefix: prompt.tokens.slice(0, cut), own, first, chosen: continuation.length };
}

/** Groups in order of first appearance. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}

/** Places of equal items, in order of first appearance. `keyOf` tells items apart. */
export const places = <T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly number[])[] =>
  groupBy([...items.keys()], (i) => keyOf(items[i]));

const byPrefix = (rows: readonly Row[]) => groupBy(rows, ({ prefix }) => prefix.join());
const lengthSlots = ({ own }: Row): number => slotsFor(own.length);

/** What a run may hold. */
export interface Counts {
  /** Row counts, largest first. */
  readonly rows: readonly number[];
  /** Tokens at most: fewer cost time, more cost memory, and time again when they leave the processor's cache. */
  readonly slots: number;
  /** Rows that may have any number of tokens. */
  readonly fewest: number;
}

/**
 * Batches in which a row's slots follow from its own lengths alone, so that its bytes do not depend on its company. Where `sampling`,
 * one position of each row is chosen. Smaller batches than the counts allow give work to as many workers, where there would be less.
 */
export function invariantBatches(rows: readonly Row[], counts: Counts, sampling: boolean, workers = 1): readonly Batch[] {
  const chosenOf = (row: Row) => (sampling ? 1 : chosenSlots(row));
  const groups = byPrefix(rows).flatMap((group) => groupBy(group, (row) => `${lengthSlots(row)} ${chosenOf(row)}`));
  const parts = Math.ceil(workers / groups.length);
  return groups.flatMap((group) => cut(group, counts, chosenOf(group[0]), Math.ceil(group.length / parts)));
}

/** Batches of similar lengths, longest first: a row may be padded to a longer neighbour, so that few rows stay empty. */
export function denseBatches(rows: readonly Row[], counts: Counts): readonly Batch[] {
  return byPrefix(rows)
    .flatMap((group) => groupBy(group, (row) => `${chosenSlots(row)}`))
    .flatMap((group) => {
      const sorted = group.toSorted((a, b) => b.own.length - a.own.length || a.members[0] - b.members[0]);
      return cut(sorted, counts, chosenSlots(group[0]));
    });
}

/** The counts that rows of a length may come in. */
function fittingCounts({ rows, slots, fewest }: Counts, length: number): readonly number[] {
  const fitting = rows.filter((count) => count * length <= slots);
  // A power of two, which can be cut into equal parts.
  return fitting.length > 0 ? fitting : [Math.max(fewest, 2 ** Math.floor(Math.log2(slots / length)))];
}

/**
 * Batches as large as the counts and `most` allow, each as long as its first row. A rest becomes several small batches, which fill
 * better and run side by side.
 */
function cut(rows: readonly Row[], counts: Counts, chosen: number, most = rows.length): readonly Batch[] {
  const batches: Batch[] = [];
  for (let at = 0; at < rows.length; at += batches.at(-1)!.rows.length) {
    const length = lengthSlots(rows[at]);
    const fitting = fittingCounts(counts, length);
    const left = Math.min(most, rows.length - at);
    const count = fitting.find((each) => each <= left) ?? fitting.at(-1)!;
    const prefix = rows[at].prefix.length;
    batches.push({
      rows: rows.slice(at, at + count),
      sizes: { prefix, rows: count, length, chosen: Math.min(chosen, length) },
    });
  }
  return batches;
}

/** The inputs of `contextOf` for a batch, but for the prefix's keys and values. Unused slots hold token 0, which nothing attends to. */
export function contextArrays({ sizes, rows }: Batch): Record<string, Int32Array> {
  const tokens = new Int32Array(sizes.rows * sizes.length);
  const at = new Int32Array(sizes.rows * sizes.chosen);
  for (const [r, { own, first, chosen }] of rows.entries()) {
    tokens.set(own, r * sizes.length);
    for (let i = 0; i < chosen; i++) at[r * sizes.chosen + i] = first + i;
  }
  return { tokens, at };
}

/** The input of `prefixGraph` for the prefix that a batch's rows share. */
export const prefixArrays = ({ rows }: Batch): Record<string, Int32Array> => ({
  prefixTokens: Int32Array.from(rows[0].prefix),
});

/** One array [rows x chosen] from a list per row of the batch; slots without a value stay 0. */
export function chosenValues<T extends Float32Array | Int32Array>(
  { sizes, rows }: Batch,
  out: T,
  valuesOf: (row: Row) => readonly number[],
): T {
  for (const [r, row] of rows.entries()) out.set(valuesOf(row), r * sizes.chosen);
  return out;
}
