/**
 * What each legal action of a position is worth against a known opponent: the expected payoff from here to the end of the episode if the
 * player plays on as well as possible. The player knows who the opponent is and what it has seen itself, nothing else.
 */
import {
  type Action,
  type Distribution,
  type Game,
  GameError,
  type Moves,
  type Policy,
  type Seat,
  type Turn,
  currentRound,
  otherSeat,
} from "../games/index.ts";
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

/** States that the player cannot tell apart, with weights. */
type Belief = readonly { readonly state: unknown; readonly weight: number }[];

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
  let belief: Belief = [{ state: game.start(), weight: 1 }];
  for (const decision of past) {
    const met = positionsOf(game, opponent, seat, belief, decision.informationState);
    belief = after(game, opponent, seat, met, decision.action);
  }
  const here = positionsOf(game, opponent, seat, belief, informationState);
  if (here.length === 0)
    throw new GameError(
      `${game.facts.name}: ${opponent.name} never comes to "${informationState}"; expected a position that was met`,
    );
  const total = here.reduce((sum, { weight }) => sum + weight, 0);
  return game.legal(game.view(here[0].state, seat)).map((action) => {
    const next = after(game, opponent, seat, here, action);
    const gained = next.reduce(
      (sum, { state, weight }) => sum + (weight / total) * newPayoff(game, here[0].state, state, seat),
      0,
    );
    const rest = continuedFrom(
      game,
      next.map(({ state, weight }) => [state, weight / total] as const),
    );
    const reward = ({ payoffs }: { readonly payoffs: readonly [number, number] }) => payoffs[seat];
    const later = bestResponse(rest, [{ policy: opponent, weight: 1, reward }], seat, { ownPayoffs: true }).value;
    return { action, value: gained + later };
  });
}

/** The states in which `seat` is next to move and knows `informationState`. */
function positionsOf(game: Game, opponent: Policy, seat: Seat, belief: Belief, informationState: string): Belief {
  return belief.flatMap(({ state, weight }): Belief => {
    const turn = game.turn(state);
    switch (turn.kind) {
      case "over":
        return [];
      case "chance": {
        const drawn = turn.outcomes.map(([outcome, p]) => ({ state: game.chance(state, outcome), weight: weight * p }));
        return positionsOf(game, opponent, seat, drawn, informationState);
      }
      case "move": {
        if (turn.seats.includes(seat))
          return game.informationState(game.view(state, seat)) === informationState ? [{ state, weight }] : [];
        const moved = replies(game, opponent, seat, state).map(([moves, p]) => ({
          state: game.move(state, moves),
          weight: weight * p,
        }));
        return positionsOf(game, opponent, seat, moved, informationState);
      }
    }
  });
}

/** The states after `action`. */
const after = (game: Game, opponent: Policy, seat: Seat, belief: Belief, action: Action): Belief =>
  belief.flatMap(({ state, weight }) =>
    replies(game, opponent, seat, state).map(([moves, p]) => ({
      state: game.move(state, { ...moves, [seat]: action }),
      weight: weight * p,
    })),
  );

/** What the opponent may do, with probabilities; nothing where it is not to move. */
function replies(game: Game, opponent: Policy, seat: Seat, state: unknown): Distribution<Moves> {
  const turn = game.turn(state);
  const other = otherSeat(seat);
  if (turn.kind !== "move" || !turn.seats.includes(other)) return [[{}, 1]];
  return opponent.act(game.view(state, other)).map(([action, p]) => [{ [other]: action }, p] as const);
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
