/**
 * Losses as datums, and back. Every server is made to train the sums of the contract: where it takes means instead, the advantages
 * are multiplied by what it will divide by.
 */
import { EngineError, type Loss, type PpoExample } from "../engine.ts";
import type { Profile } from "./profiles.ts";
import type { Datum, Tensor } from "./wire.ts";

/** A loss as one server takes it; requests go out in order. */
export interface TrainingPlan {
  readonly loss: string;
  readonly config: Readonly<Record<string, number>>;
  readonly requests: readonly Request[];
}
interface Request {
  readonly data: readonly Datum[];
  /** How many of them are examples; the rest fills the request. */
  readonly own: number;
}

export type Limits = Profile["limits"];

const float = (data: readonly number[]): Tensor => ({ data, dtype: "float32" });

/** Values over a completion as an array over the whole datum, 0 on the prompt. */
const padded = ({ prompt }: Sequence, values: readonly number[]): number[] => [
  ...Array.from({ length: prompt.tokens.length - 1 }, () => 0),
  ...values,
];

export interface Sequence {
  readonly prompt: { readonly tokens: readonly number[] };
  readonly completion: readonly number[];
}

/** Inputs and targets of a prompt and its completion. */
function datumOf(sequence: Sequence, inputs: Readonly<Record<string, Tensor>>): Datum {
  const { prompt, completion } = sequence;
  if (prompt.tokens.length === 0) throw new EngineError("tinker: a prompt needs at least one token, got none");
  if (completion.length === 0) throw new EngineError("tinker: a completion needs at least one token, got none");
  const all = [...prompt.tokens, ...completion];
  return { tokens: all.slice(0, -1), inputs: { target_tokens: { data: all.slice(1), dtype: "int64" }, ...inputs } };
}

/** Datums that are only scored: weights are 0 where the pass would train, 1 where it would not. */
export function scoringPlan(profile: Profile, sequences: readonly Sequence[], limits = profile.limits): TrainingPlan {
  const weight = profile.scoring === "zero-weights" ? 0 : 1;
  const datums = sequences.map((sequence) =>
    datumOf(sequence, {
      weights: float(
        padded(
          sequence,
          sequence.completion.map(() => weight),
        ),
      ),
    }),
  );
  return { loss: "cross_entropy", config: {}, requests: chunks(datums, limits).map(whole) };
}

const whole = (data: readonly Datum[]): Request => ({ data, own: data.length });

/**
 * A loss whose gradient on a server of `profile` is that of the contract, namely of the sum over tokens.
 *
 * A server that averages over m_d tokens of each of D datums yields sum_d (1 / D) sum_t f(A_dt) / m_d. Since
 * f(c A) = c f(A) for c > 0 in all losses used, A'_dt = D m_d A_dt makes it the sum wanted. D counts the datums of the request or,
 * where gradients are averaged when the step is taken, of everything since the last step; hence `accumulate` may be called once
 * per step there.
 *
 * @param now log-probabilities of each completion, needed for cross entropy where `profile.crossEntropy` is `measured-ratio`
 */
export function trainingPlan(
  profile: Profile,
  loss: Loss,
  now: readonly (readonly number[])[] = [],
  limits = profile.limits,
): TrainingPlan {
  if (loss.kind === "cross_entropy" && profile.crossEntropy === "weights") {
    const datums = loss.examples.map((example, i) =>
      datumOf(example, { weights: float(padded(example, ofLength(example, example.weights, "weights", i))) }),
    );
    return { loss: "cross_entropy", config: {}, requests: chunks(datums, limits).map(whole) };
  }
  const examples =
    loss.kind === "ppo"
      ? loss.examples.map((example, i) => {
          ofLength(example, example.logprobs, "logprobs", i);
          ofLength(example, example.advantages, "advantages", i);
          return example;
        })
      : loss.examples.map((example, i): PpoExample => {
          const advantages = ofLength(example, example.weights, "weights", i);
          return { ...example, advantages, logprobs: now[i] ?? advantages.map(() => 0) };
        });
  // The size of a datum does not depend on its values, so requests are cut first and their values multiplied then.
  const room = { ...limits, tokens: limits.tokens - (profile.batchMultiple - 1) };
  const requests = chunks(examples, room, sizeOfExample);
  const scaled = requests.map((request) => {
    const full = fill(request, profile.batchMultiple);
    const datums = profile.reduction === "mean-per-step" ? examples.length : full.length;
    const data = full.map((example) => advantageDatum(profile, example, divisor(profile, example.completion.length, datums)));
    return { data, own: request.length };
  });
  return { ...lossName(profile, loss), requests: scaled };
}

/** What a server divides the sum over a datum's tokens by. */
export function divisor({ reduction }: Profile, tokens: number, datums: number): number {
  switch (reduction) {
    case "sum":
    case "masked-sum":
      return 1;
    case "mean-per-step":
    case "mean-per-request":
      return tokens * datums;
  }
}

function lossName(profile: Profile, loss: Loss): Pick<TrainingPlan, "loss" | "config"> {
  if (loss.kind === "ppo") return { loss: profile.ppo.name, config: profile.ppo.config(loss.clip) };
  if (profile.crossEntropy === "unit-ratio")
    return { loss: "cispo", config: { clip_low_threshold: 1, clip_high_threshold: 1 } };
  // The ratio is 1 but for rounding, which no clip may cut.
  return { loss: profile.ppo.name, config: profile.ppo.config(WIDE_CLIP) };
}
const WIDE_CLIP = 1000;

function advantageDatum({ sendsMask, arrays }: Profile, example: PpoExample, scale: number): Datum {
  const over = (values: readonly number[]) => float(arrays === "datum" ? padded(example, values) : values);
  return datumOf(example, {
    logprobs: over(example.logprobs),
    advantages: over(example.advantages.map((a) => a * scale)),
    ...(sendsMask
      ? {
          weights: float(
            padded(
              example,
              example.completion.map(() => 1),
            ),
          ),
        }
      : {}),
  });
}

/** Adds datums of one token without advantage until the number is a multiple. */
function fill(examples: readonly PpoExample[], multiple: number): PpoExample[] {
  const missing = (multiple - (examples.length % multiple)) % multiple;
  const [{ prompt, completion }] = examples;
  const filler: PpoExample = {
    prompt: { tokens: prompt.tokens.slice(0, 1), shared: 0 },
    completion: completion.slice(0, 1),
    logprobs: [0],
    advantages: [0],
  };
  return [...examples, ...Array.from({ length: missing }, () => filler)];
}

function ofLength(example: Sequence, values: readonly number[], name: string, index: number): readonly number[] {
  if (values.length !== example.completion.length)
    throw new EngineError(
      `tinker: example ${index}: ${values.length} ${name} for a completion of ${example.completion.length} tokens`,
    );
  return values;
}

const WIDTHS = { int64: 8, float32: 4 } as const;
const sizeOfDatum = ({ tokens, inputs }: Datum): Size => ({
  tokens: tokens.length,
  bytes: Object.values(inputs).reduce((sum, { data, dtype }) => sum + WIDTHS[dtype] * data.length, 4 * tokens.length),
});
/** 4 bytes of a token, 8 of its target, 4 each of log-probability, advantage and weight. */
const sizeOfExample = ({ prompt, completion }: Sequence): Size => {
  const tokens = prompt.tokens.length - 1 + completion.length;
  return { tokens, bytes: 24 * tokens };
};
type Size = Pick<Limits, "tokens" | "bytes">;

/** Cuts items into requests within the limits; an item alone may exceed them. */
function chunks<T extends Datum>(items: readonly T[], limits: Limits): T[][];
function chunks<T>(items: readonly T[], limits: Limits, size: (item: T) => Size): T[][];
function chunks<T extends Datum>(items: readonly T[], limits: Limits, size: (item: T) => Size = sizeOfDatum): T[][] {
  const result: T[][] = [];
  let used: Size = { tokens: 0, bytes: 0 };
  for (const item of items) {
    const { tokens, bytes } = size(item);
    const current = result[result.length - 1];
    const full = used.tokens + tokens > limits.tokens || used.bytes + bytes > limits.bytes;
    if (current === undefined || full || current.length >= limits.datums) {
      result.push([item]);
      used = { tokens, bytes };
    } else {
      current.push(item);
      used = { tokens: used.tokens + tokens, bytes: used.bytes + bytes };
    }
  }
  return result;
}

/** Outputs of one request, a row per datum. */
type Outputs = readonly Readonly<Record<string, { readonly data: readonly (number | null)[] }>>[];

/** Log-probabilities of each completion, from the outputs of all requests; those of filling are dropped. */
export function completionLogprobs(
  { padsLogprobs }: Profile,
  sequences: readonly Sequence[],
  { loss, requests }: TrainingPlan,
  outputs: readonly Outputs[],
): number[][] {
  const rows = requests.flatMap(({ data, own }, r) => {
    if (outputs[r].length !== data.length)
      throw new EngineError(`tinker: ${loss}: ${outputs[r].length} outputs for ${data.length} datums`);
    return outputs[r].slice(0, own);
  });
  return sequences.map(({ prompt, completion: { length } }, i) => {
    const whole = prompt.tokens.length - 1 + length;
    const found = rows[i]["logprobs"]?.data ?? [];
    const values = padsLogprobs ? found.slice(0, whole) : found;
    if (values.length !== whole && values.length !== length)
      throw new EngineError(`tinker: ${loss}: ${values.length} log-probabilities for a datum of ${whole} tokens`);
    return values.slice(values.length - length).map((value) => finite(value, loss));
  });
}

export function finite(value: number | null | undefined, operation: string): number {
  if (value == null || !Number.isFinite(value))
    throw new EngineError(`tinker: ${operation}: expected a finite log-probability, got ${value}`);
  return value;
}
