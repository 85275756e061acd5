/** What a player who knows its opponent's policy knows of the state: its probabilities, given all that the player has seen and done. */
import { type Action, type Game, GameError, type Moves, type Policy, type Seat, otherSeat } from "../games/index.ts";

/** A state that the player's information allows, with its probability. */
export interface Possible {
  readonly state: unknown;
  readonly probability: number;
}
export type Belief = readonly Possible[];

export interface Matchup {
  readonly game: Game;
  readonly opponent: Policy;
  /** The player's seat. */
  readonly seat: Seat;
  /** Names what decides a state's future; states with the same name are one. Default: none are. */
  readonly same?: (state: unknown) => unknown;
}

/**
 * The belief at the player's next decision, where it knows `informationState`: from the belief at its decision before and its action there,
 * or, without them, from the start. Throws `GameError` for what cannot come about against the opponent.
 */
export function beliefAt(
  { game, opponent, seat, same = (state) => state }: Matchup,
  informationState: string,
  before?: { readonly belief: Belief; readonly action: Action },
): Belief {
  const found = new Map<unknown, Possible>();
  const open: Possible[] =
    before === undefined
      ? [{ state: game.start(), probability: 1 }]
      : before.belief.flatMap((possible) => stepsFrom(game, opponent, seat, possible, before.action));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const turn = game.turn(next.state);
    if (turn.kind === "move" && turn.seats.includes(seat)) {
      if (game.informationState(game.view(next.state, seat)) !== informationState) continue;
      const name = same(next.state);
      const known = found.get(name);
      found.set(name, known === undefined ? next : { ...known, probability: known.probability + next.probability });
    } else open.push(...stepsFrom(game, opponent, seat, next));
  }
  const all = [...found.values()].reduce((sum, { probability }) => sum + probability, 0);
  if (all === 0)
    throw new GameError(`${game.facts.name}: ${opponent.name} never leads to what the player knows, "${informationState}"`);
  return [...found.values()].map(({ state, probability }) => ({ state, probability: probability / all }));
}

/** The states one step on, with the player's action where it is to move; none where the game is over. */
export function stepsFrom(
  game: Game,
  opponent: Policy,
  seat: Seat,
  { state, probability }: Possible,
  action?: Action,
): Possible[] {
  const turn = game.turn(state);
  if (turn.kind === "over") return [];
  if (turn.kind === "chance")
    return turn.outcomes.map(([outcome, p]) => ({ state: game.chance(state, outcome), probability: probability * p }));
  const other = otherSeat(seat);
  const own: Moves = turn.seats.includes(seat) && action !== undefined ? { [seat]: action } : {};
  if (!turn.seats.includes(other)) return [{ state: game.move(state, own), probability }];
  return opponent
    .act(game.view(state, other))
    .map(([reply, p]) => ({ state: game.move(state, { ...own, [other]: reply }), probability: probability * p }));
}
