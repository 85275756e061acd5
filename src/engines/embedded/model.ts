/** The shape of a model: a Qwen3 decoder, the architecture Hugging Face calls `Qwen3ForCausalLM`, with tied embeddings. */
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
