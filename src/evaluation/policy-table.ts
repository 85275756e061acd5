/**
 * A model's action probabilities per abstract information key, and what they are worth exactly.
 *
 * At every key the model is shown up to `samples` positions it met while playing (or the first position of the rules' tree where
 * it met none) and writes a reply to each; every legal action is then scored after that reply's own reasoning, normalised over
 * the legal actions. The mean over positions is an unbiased estimate of the policy averaged over histories and reasonings.
 */
import type { Sampler, SamplerSettings } from "../engines/engine.ts";
import { type Action, type Game, type Policy } from "../games/index.ts";
import type { Encoding } from "../play/encoding.ts";
import { type Key, foldIn } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { type Estimate, estimateMean, mean } from "../stats/estimate.ts";

export interface PolicyRow {
  readonly key: string;
  readonly actions: readonly Action[];
  /** Whether the key was met while playing. */
  readonly met: boolean;
  /** One distribution over `actions` per position shown. */
  readonly samples: readonly (readonly number[])[];
}

export interface PolicyTableOptions {
  /** Positions shown per information key. */
  readonly samples?: number;
}

/** Positions shown per information key unless given. */
export const POSITIONS = 32;
/** The flag of "sepo evaluate" for a number of positions; nothing for the usual one. */
export const positionsFlag = (positions: number): string => (positions === POSITIONS ? "" : ` --positions ${positions}`);

export async function policyTable(
  game: Game,
  met: ReadonlyMap<string, readonly unknown[]>,
  sampler: Sampler,
  encoding: Encoding,
  settings: SamplerSettings,
  key: Key,
  { samples = POSITIONS }: PolicyTableOptions = {},
): Promise<PolicyRow[]> {
  const rows = [...abstractViews(game, [0])]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, first]) => {
      const views = met.get(name)?.slice(0, samples);
      return {
        key: name,
        met: views !== undefined,
        actions: game.legal(first),
        views: views ?? Array.from({ length: samples }, () => first),
      };
    });
  const shown = rows.flatMap(({ key: name, views, actions }) =>
    views.map((view, i) => ({ name, actions, prompt: encoding.prompt(game, view), i })),
  );
  const replies = await sampler.sample(
    shown.map(({ name, prompt, i }) => ({ prompt, key: foldIn(key, name, i) })),
    settings,
  );
  const requests = shown.flatMap(({ actions, prompt }, i) =>
    actions.map((action) => ({ prompt, continuation: encoding.revise(replies[i].tokens, action) })),
  );
  const scores = (await sampler.score(requests, settings.temperature)).map((row) => row.reduce((a, b) => a + b, 0));
  let at = 0;
  const distributions = shown.map(({ actions }) => normalize(scores.slice(at, (at += actions.length))));
  let from = 0;
  return rows.map(({ key: name, met: wasMet, actions, views }) => ({
    key: name,
    met: wasMet,
    actions,
    samples: distributions.slice(from, (from += views.length)),
  }));
}

function normalize(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/** P(action) at a row, with the interval over the positions shown. */
export const probabilityOf = (row: PolicyRow, action: Action): Estimate =>
  estimateMean(row.samples.map((sample) => sample[row.actions.indexOf(action)]));

/** The policy that plays each row's mean distribution. */
export function tablePolicy(game: Game, rows: readonly PolicyRow[]): Policy {
  const table = new Map(
    rows.map((row) => [row.key, row.actions.map((action, j) => [action, mean(row.samples.map((s) => s[j]))] as const)]),
  );
  return {
    name: "table",
    description: "Measured action probabilities.",
    memory: (view) => game.abstraction(view),
    act: (view) => table.get(game.abstraction(view)) ?? [],
  };
}
