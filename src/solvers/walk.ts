/** Walks over a game's states. */
import { type Game, type Moves, SEATS, type Seat, currentRound } from "../games/index.ts";

/**
 * One view for every abstract information key at which some seat moves, the first found. States that agree in their future, round (where the
 * rounds are fixed; otherwise they would never end) and both abstract keys are visited once.
 */
export function abstractViews(game: Game, seats: readonly Seat[] = SEATS): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const seen = new Set<string>();
  const open: unknown[] = [game.start()];
  for (let at = 0; at < open.length; at++) {
    const state = open[at];
    const turn = game.turn(state);
    const views = SEATS.map((seat) => game.view(state, seat));
    const round = game.facts.fixedRounds ? currentRound(game, state) : "";
    const id = [turn.kind, game.future(state), round, ...views.map((view) => game.abstraction(view))].join("|");
    if (turn.kind === "over" || seen.has(id)) continue;
    seen.add(id);
    if (turn.kind === "chance") {
      open.push(...turn.outcomes.map(([outcome]) => game.chance(state, outcome)));
      continue;
    }
    for (const seat of turn.seats) {
      const key = game.abstraction(views[seat]);
      if (seats.includes(seat) && !found.has(key)) found.set(key, views[seat]);
    }
    open.push(...jointMoves(game, turn.seats, views).map((moves) => game.move(state, moves)));
  }
  return found;
}

/** One view for every information state at which a seat moves; for games small enough to list every history. */
export function informationViews(game: Game, seat: Seat): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const open: unknown[] = [game.start()];
  for (let at = 0; at < open.length; at++) {
    const state = open[at];
    const turn = game.turn(state);
    if (turn.kind === "over") continue;
    const views = SEATS.map((each) => game.view(state, each));
    if (turn.kind === "move" && turn.seats.includes(seat)) {
      const key = game.informationState(views[seat]);
      if (!found.has(key)) found.set(key, views[seat]);
    }
    if (turn.kind === "chance") open.push(...turn.outcomes.map(([outcome]) => game.chance(state, outcome)));
    else open.push(...jointMoves(game, turn.seats, views).map((moves) => game.move(state, moves)));
  }
  return found;
}

/** Every combination of legal actions of the seats to move. */
export const jointMoves = (game: Game, seats: readonly Seat[], views: readonly unknown[]): Moves[] =>
  seats.reduce<Moves[]>(
    (joint, seat) => joint.flatMap((moves) => game.legal(views[seat]).map((action) => ({ ...moves, [seat]: action }))),
    [{}],
  );

/** States reachable from the start, each history counted once, by the kind of turn they are at. */
export function countStates(game: Game): { readonly chance: number; readonly move: number; readonly over: number } {
  const counts = { chance: 0, move: 0, over: 0 };
  const open: unknown[] = [game.start()];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const current = state;
    const turn = game.turn(current);
    counts[turn.kind]++;
    if (turn.kind === "chance") open.push(...turn.outcomes.map(([outcome]) => game.chance(current, outcome)));
    else if (turn.kind === "move") {
      const views = SEATS.map((seat) => game.view(current, seat));
      open.push(...jointMoves(game, turn.seats, views).map((moves) => game.move(current, moves)));
    }
  }
  return counts;
}
