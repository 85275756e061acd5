/**
 * The shape of a model: a decoder of the architectures that Hugging Face calls `Qwen3ForCausalLM` and `LlamaForCausalLM`, which
 * differ in whether queries and keys are normed.
 */
import { EngineError } from "../engine.ts";

export interface ModelConfig {
  readonly vocabularySize: number;
  /** Size of the residual stream. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Query heads share keys and values in groups of heads / keyValueHeads. */
  readonly keyValueHeads: number;
  readonly headWidth: number;
  readonly feedForward: number;
  readonly contextLength: number;
  readonly ropeTheta: number;
  readonly normEpsilon: number;
  /** Whether queries and keys are normed, as in Qwen3, or not, as in Llama; true unless given. */
  readonly queryKeyNorms?: boolean;
  /** Whether the output layer is the embedding; true unless given. */
  readonly tiedEmbeddings?: boolean;
}

/** Whether two models have the same parameters and mathematics; the first field that differs, or nothing. */
export function differingField(one: ModelConfig, other: ModelConfig): keyof ModelConfig | undefined {
  const whole = (config: ModelConfig) => ({ queryKeyNorms: true, tiedEmbeddings: true, ...config });
  const [a, b] = [whole(one), whole(other)];
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- `a` has a model's fields and no others
  return (Object.keys(a) as (keyof ModelConfig)[]).find((field) => a[field] !== b[field]);
}

/** About 0.55 million parameters and 128 for each token of the vocabulary. */
export const defaultModel = (vocabularySize: number): ModelConfig => ({
  vocabularySize,
  width: 128,
  layers: 3,
  heads: 4,
  keyValueHeads: 2,
  headWidth: 32,
  feedForward: 352,
  contextLength: 1024,
  ropeTheta: 10_000,
  normEpsilon: 1e-6,
});

const COUNTS = [
  "vocabularySize",
  "width",
  "layers",
  "heads",
  "keyValueHeads",
  "headWidth",
  "feedForward",
  "contextLength",
] as const;

/** Throws `EngineError` naming the field that is out of range. */
export function checkModel(config: ModelConfig): void {
  for (const field of COUNTS) {
    const value = config[field];
    if (!Number.isSafeInteger(value) || value < 1) throw new EngineError(`${field} must be a positive integer, got ${value}`);
  }
  for (const field of ["ropeTheta", "normEpsilon"] as const) {
    const value = config[field];
    if (!Number.isFinite(value) || value <= 0) throw new EngineError(`${field} must be a positive number, got ${value}`);
  }
  if (config.heads % config.keyValueHeads !== 0) {
    throw new EngineError(`heads (${config.heads}) must be a multiple of keyValueHeads (${config.keyValueHeads})`);
  }
  if (config.headWidth % 2 !== 0) throw new EngineError(`headWidth must be even, got ${config.headWidth}`);
}
