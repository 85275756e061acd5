/** A model whose token probabilities can be read: what samples, how games become its tokens, and how it samples. */
import type { Sampler, SamplerSettings } from "../engines/engine.ts";
import type { Action } from "../games/index.ts";
import type { Encoding } from "./encoding.ts";

export interface LanguageModel {
  readonly sampler: Sampler;
  readonly encoding: Encoding;
  readonly sampling: SamplerSettings;
}

/** A place at which legal actions are scored: each as the continuation that says it. */
export interface ScoredPosition {
  readonly prompt: { readonly tokens: readonly number[]; readonly shared: number };
  readonly legal: readonly Action[];
  readonly continuation: (action: Action) => readonly number[];
}

/**
 * Probabilities of the legal actions at each position: proportional to the model's probability of the whole continuation that says the
 * action, at the temperature it samples with.
 */
export async function actionProbabilities(
  { sampler, sampling }: LanguageModel,
  positions: readonly ScoredPosition[],
): Promise<number[][]> {
  if (positions.length === 0) return [];
  const requests = positions.flatMap(({ prompt, legal, continuation }) =>
    legal.map((action) => ({ prompt, continuation: continuation(action) })),
  );
  const scores = (await sampler.score(requests, sampling.temperature)).map((row) => row.reduce((a, b) => a + b, 0));
  let from = 0;
  return positions.map(({ legal }) => normalized(scores.slice(from, (from += legal.length))));
}

/** exp(score) of each score, divided by their sum. */
function normalized(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}
