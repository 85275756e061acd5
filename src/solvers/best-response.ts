/**
 * Best responses by backward induction over the responder's information states, and the exploitability they measure.
 */
import { type Action, type Game, type Moves, type Policy, type Seat, currentRound, otherSeat } from "../games/index.ts";

interface Belief {
  readonly state: unknown;
  /** Probability of chance and the fixed player leading here. */
  readonly weight: number;
}

/**
 * The most that a player in `seat` can expect per episode against `fixed`, which plays the other seat. Exact for games small
 * enough to enumerate; the responder has perfect recall (`game.informationState`).
 */
export function bestResponseValue(game: Game, fixed: Policy, seat: Seat): number {
  const opponent = otherSeat(seat);

  /** Value from beliefs that the responder cannot yet tell apart or has not yet been asked about. */
  const value = (beliefs: readonly Belief[]): number => {
    let finished = 0;
    const asked = new Map<string, Belief[]>();
    const open = [...beliefs];
    for (let belief = open.pop(); belief !== undefined; belief = open.pop()) {
      const { state, weight } = belief;
      const turn = game.turn(state);
      if (turn.kind === "over") finished += weight * payoff(game, state, seat);
      else if (turn.kind === "chance")
        for (const [outcome, p] of turn.outcomes) open.push({ state: game.chance(state, outcome), weight: weight * p });
      else if (turn.seats.includes(seat)) {
        const key = `${currentRound(game, state)} ${game.informationState(game.view(state, seat))}`;
        const group = asked.get(key) ?? [];
        group.push(belief);
        asked.set(key, group);
      } else open.push(...answers(belief, turn.seats, {}));
    }
    return [...asked.values()].reduce((sum, group) => sum + decide(group), finished);
  };

  /** The states after the fixed player's seats of a turn have moved, given the responder's moves. */
  const answers = ({ state, weight }: Belief, seats: readonly Seat[], own: Moves): Belief[] => {
    if (!seats.includes(opponent)) return [{ state: game.move(state, own), weight }];
    return fixed
      .act(game.view(state, opponent))
      .map(([action, p]) => ({ state: game.move(state, { ...own, [opponent]: action }), weight: weight * p }));
  };

  const decide = (group: readonly Belief[]): number => {
    const legal = game.legal(game.view(group[0].state, seat));
    const afterwards = (action: Action): number =>
      value(
        group.flatMap((belief) => {
          const turn = game.turn(belief.state);
          return turn.kind === "move" ? answers(belief, turn.seats, { [seat]: action }) : [];
        }),
      );
    return Math.max(...legal.map(afterwards));
  };

  return value([{ state: game.start(), weight: 1 }]);
}

const payoff = (game: Game, state: unknown, seat: Seat): number =>
  game.outcomes(state).reduce((sum, round) => sum + round.payoffs[seat], 0);
