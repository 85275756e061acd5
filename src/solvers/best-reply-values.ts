/**
 * What each legal action of a position is worth against a known opponent: the expected payoff from here to the end of the episode if the
 * player plays on as well as possible. The player knows who the opponent is and what it has seen itself, nothing else.
 */
import { type Action, type Distribution, type Game, type Policy, type Seat, type Turn, currentRound } from "../games/index.ts";
import { type Belief, beliefAt, stepsFrom } from "./belief.ts";
import { bestResponse } from "./best-response.ts";

/** One decision of the player so far: what it knew, by `game.informationState`, and what it did. */
export interface PastDecision {
  readonly informationState: string;
  readonly action: Action;
}

export interface ActionValue {
  readonly action: Action;
  /** Expected payoff from here on, in the game's unit. */
  readonly value: number;
}

/**
 * The values at the position after `past`, where `seat` is to move and knows `informationState`. Throws `GameError` for a position that
 * cannot come about against the opponent.
 */
export function bestReplyValues(
  game: Game,
  opponent: Policy,
  seat: Seat,
  past: readonly PastDecision[],
  informationState: string,
): ActionValue[] {
  const matchup = { game, opponent, seat };
  let before: { readonly belief: Belief; readonly action: Action } | undefined;
  for (const decision of past)
    before = { belief: beliefAt(matchup, decision.informationState, before), action: decision.action };
  const here = beliefAt(matchup, informationState, before);
  return game.legal(game.view(here[0].state, seat)).map((action) => {
    const next = here.flatMap((possible) => stepsFrom(game, opponent, seat, possible, action));
    const gained = next.reduce(
      (sum, { state, probability }) => sum + probability * newPayoff(game, here[0].state, state, seat),
      0,
    );
    const rest = continuedFrom(
      game,
      next.map(({ state, probability }) => [state, probability] as const),
    );
    const reward = ({ payoffs }: { readonly payoffs: readonly [number, number] }) => payoffs[seat];
    const later = bestResponse(rest, [{ policy: opponent, weight: 1, reward }], seat, { ownPayoffs: true }).value;
    return { action, value: gained + later };
  });
}

/** What `seat` got in a round that was not finished before. */
function newPayoff(game: Game, before: unknown, state: unknown, seat: Seat): number {
  const outcomes = game.outcomes(state);
  return outcomes.length > currentRound(game, before) ? outcomes[outcomes.length - 1].payoffs[seat] : 0;
}

/** The game that goes on from one of several states, drawn by chance. They are equally many rounds into it. */
function continuedFrom(game: Game, states: Distribution<unknown>): Game {
  const root = Symbol("root");
  const turn: Turn = { kind: "chance", outcomes: states.map(([, p], i) => [String(i), p] as const) };
  return {
    ...game,
    start: () => root,
    turn: (state) => (state === root ? turn : game.turn(state)),
    chance: (state, outcome) => (state === root ? states[Number(outcome)][0] : game.chance(state, outcome)),
    outcomes: (state) => game.outcomes(state === root ? states[0][0] : state),
  };
}
