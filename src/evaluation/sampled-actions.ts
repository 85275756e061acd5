/**
 * Action probabilities of a model that only answers: several answers at each position, each counted, or read from the log-probabilities of
 * its action's tokens where the server gives them.
 */
import type { Action } from "../games/index.ts";
import type { ChatAnswer } from "../models/chat-model.ts";
import type { Decision, Player } from "../play/player.ts";
import { foldIn } from "../random.ts";
import type { MeasureActions } from "./action-table.ts";

export interface SamplingOptions {
  /** Answers at each position. */
  readonly samples: number;
  /** Of the model; log-probabilities are those before it is applied. 1 unless given. */
  readonly temperature?: number;
}

/** Measures a chat player by repeated answers; the mean over them estimates the probabilities averaged over its reasonings. */
export const bySamples =
  (player: Player, { samples, temperature = 1 }: SamplingOptions): MeasureActions =>
  async (positions) => {
    const requests = positions.flatMap((position) =>
      Array.from({ length: samples }, (_, sample) => ({
        ...position,
        key: foldIn(position.key, "sample", sample),
        place: {
          episode: `${position.game.facts.name}/table/${position.game.abstraction(position.view)}`,
          turn: 0,
          seat: 0,
          sample,
        },
      })),
    );
    const decisions = await player.decide(requests);
    return positions.map(({ game, view }, i) => {
      const legal = game.legal(view);
      const rows = decisions.slice(i * samples, (i + 1) * samples).map((decision) => decided(decision, legal, temperature));
      return { probabilities: legal.map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / samples) };
    });
  };

/** The distribution over the legal actions that one decision shows. */
function decided(
  { action, resolved, parsed, answers = [] }: Decision,
  legal: readonly Action[],
  temperature: number,
): readonly number[] {
  // What is drawn uniformly has known probabilities.
  if (resolved === "uniform") return legal.map(() => 1 / legal.length);
  const [answer] = answers;
  const scored = parsed.status === "ok" && answer !== undefined ? scoredActions(answer, action, legal, temperature) : undefined;
  return scored ?? legal.map((one) => (one === action ? 1 : 0));
}

/**
 * Probabilities of the legal actions at the token with which an answer begins to name its action: of the alternatives at that token, those
 * that begin a legal action, relative to each other. Undefined where there are none, or one could begin several actions.
 */
export function scoredActions(
  { logprobs = [] }: Pick<ChatAnswer, "logprobs">,
  action: Action,
  legal: readonly Action[],
  temperature: number,
): readonly number[] | undefined {
  const starts: number[] = [];
  let text = "";
  for (const { token } of logprobs) {
    starts.push(text.length);
    text += token;
  }
  const at = text.toUpperCase().lastIndexOf(action.toUpperCase());
  const index = starts.findLastIndex((start) => start <= at);
  if (at < 0 || index < 0 || temperature === 0) return undefined;
  const { token, logprob, top } = logprobs[index];
  // A token may hold more before the action, such as a space or a line end.
  const before = token.slice(0, at - starts[index]);
  if (before.trim() !== "") return undefined;
  const alternatives = top.some((other) => other.token === token) ? top : [...top, { token, logprob }];
  const mass = legal.map(() => 0);
  for (const alternative of alternatives) {
    const begun = alternative.token.trim().toUpperCase();
    const named = begun === "" ? [] : legal.flatMap((one, i) => (begins(begun, one.toUpperCase()) ? [i] : []));
    if (named.length > 1) return undefined;
    if (named.length === 1) mass[named[0]] += Math.exp(alternative.logprob / temperature);
  }
  const total = mass.reduce((a, b) => a + b, 0);
  return total > 0 ? mass.map((one) => one / total) : undefined;
}

/** Whether a token is the beginning of an action, or the action and something after it. */
const begins = (token: string, action: string): boolean =>
  action.startsWith(token) || (token.startsWith(action) && !/[A-Z0-9]/.test(token.charAt(action.length)));
