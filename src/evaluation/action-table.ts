/**
 * A model's action probabilities per abstract information key, and the policy they make: the model's projection onto policies that see
 * the key alone, such as memory-one policies in the prisoner's dilemma.
 *
 * At every key the agent is shown up to `samples` positions it met while playing (or the first position of the rules' tree where it met
 * none). The mean over positions estimates the policy averaged over histories.
 */
import { type Action, type Game, type Policy } from "../games/index.ts";
import { type LanguageModel, actionProbabilities } from "../play/language-model.ts";
import type { Player } from "../play/player.ts";
import { type Key, foldIn } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { type Estimate, estimateMean, mean } from "../stats/estimate.ts";
import type { Positions } from "./positions.ts";

export interface PolicyRow {
  readonly key: string;
  readonly actions: readonly Action[];
  /** Whether the key was met while playing. */
  readonly met: boolean;
  /** One distribution over `actions` per position shown. */
  readonly samples: readonly (readonly number[])[];
  /** Whether the samples cannot differ: the agent sees the same at all positions and gives no reasons. */
  readonly certain?: boolean;
}

/** A position at which an agent's action probabilities are wanted. */
export interface ShownPosition {
  readonly game: Game;
  readonly view: unknown;
  readonly key: Key;
}

/** What was measured at a position. */
export interface MeasuredPosition {
  /** Of the legal actions, in their order. */
  readonly probabilities: readonly number[];
  /** Present where the probabilities are a function of what the agent saw, which this names; absent where it draws reasons first. */
  readonly saw?: string;
}

/** The agent's probabilities of the legal actions at each position. */
export type MeasureActions = (positions: readonly ShownPosition[]) => Promise<readonly MeasuredPosition[]>;

/**
 * Measures a language model: it writes a reply to each position, then every legal action is scored after that reply's own reasoning. An
 * unbiased estimate of the probabilities averaged over reasonings.
 */
export const byScores =
  (model: LanguageModel): MeasureActions =>
  async (positions) => {
    const { sampler, encoding, sampling } = model;
    const prompts = positions.map(({ game, view }) => encoding.prompt(game, view));
    const replies = await sampler.sample(
      positions.map(({ key }, i) => ({ prompt: prompts[i], key })),
      sampling,
    );
    const probabilities = await actionProbabilities(
      model,
      positions.map(({ game, view }, i) => ({
        prompt: prompts[i],
        legal: game.legal(view),
        continuation: (action) => encoding.revise(replies[i].tokens, action),
      })),
    );
    return positions.map((_, i) => ({
      probabilities: probabilities[i],
      // A reply of one token is the action alone.
      ...(replies[i].tokens.length === 1 ? { saw: prompts[i].tokens.join(" ") } : {}),
    }));
  };

/** Measures any player by what it does: one decision at each position, so its probability is 1 and the others' 0. */
export const byDecisions =
  (player: Player): MeasureActions =>
  async (positions) => {
    const decisions = await player.decide(positions);
    return positions.map(({ game, view }, i) => ({
      probabilities: game.legal(view).map((action) => (action === decisions[i].action ? 1 : 0)),
    }));
  };

/** Positions shown per information key unless given. */
export const POSITIONS = 32;

/** The rows of every abstract key of seat 0, in the keys' order. */
export async function policyTable(
  game: Game,
  met: Positions,
  measure: MeasureActions,
  key: Key,
  samples: number = POSITIONS,
): Promise<PolicyRow[]> {
  const rows = [...abstractViews(game, [0])]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, first]) => {
      const views = met.sample(name, samples);
      return {
        key: name,
        met: views.length > 0,
        actions: game.legal(first),
        views: views.length > 0 ? views : Array.from({ length: samples }, () => first),
      };
    });
  const measured = await measure(
    rows.flatMap(({ key: name, views }) => views.map((view, i) => ({ game, view, key: foldIn(key, name, i) }))),
  );
  let from = 0;
  return rows.map(({ key: name, met: wasMet, actions, views }) => {
    const shown = measured.slice(from, (from += views.length));
    const [{ saw }] = shown;
    return {
      key: name,
      met: wasMet,
      actions,
      samples: shown.map(({ probabilities }) => probabilities),
      certain: saw !== undefined && shown.every((position) => position.saw === saw),
    };
  });
}

/** P(action) at a row, with the interval over the positions shown. */
export const probabilityOf = (row: PolicyRow, action: Action): Estimate =>
  estimateMean(
    row.samples.map((sample) => sample[row.actions.indexOf(action)]),
    { range: [0, 1], certain: row.certain === true },
  );

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
