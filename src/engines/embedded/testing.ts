/** What the tests of this folder share: a model small enough to compile in milliseconds, and requests for it. */
import { fileURLToPath } from "node:url";
import { foldIn, seedKey, uniformInteger } from "../../random.ts";
import type { AdamSettings, Prompt } from "../engine.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "./engine.ts";
import type { ModelConfig } from "./model.ts";

export const TINY: ModelConfig = {
  vocabularySize: 24,
  width: 32,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headWidth: 8,
  feedForward: 48,
  contextLength: 128,
  ropeTheta: 10_000,
  normEpsilon: 1e-6,
};

export const ADAM: AdamSettings = {
  learningRate: 3e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  gradientClip: 1,
};

export const tinyEngine = (seed = 1): EmbeddedEngine => createEmbeddedEngine({ model: TINY, key: seedKey(seed), threads: 1 });

/** `length` keyed tokens. */
export const tokensOf = (seed: number, length: number): number[] =>
  Array.from({ length }, (_, i) => uniformInteger(foldIn(seedKey(seed), "tokens"), TINY.vocabularySize, i));

/** Prompts that begin alike for `shared` tokens and go on with 1 to 30 of their own. */
export const promptsOf = (count: number, shared: number, seed = 7): readonly Prompt[] =>
  Array.from({ length: count }, (_, i) => ({
    tokens: [...tokensOf(seed, shared), ...tokensOf(seed + 1 + i, 1 + ((i * 7) % 30))],
    shared,
  }));

/** A model of transformers, or adapters of PEFT, made by `python scripts/pretrained-golden.py src/engines/embedded/golden`. */
export const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
