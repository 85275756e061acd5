/**
 * Best responses by dynamic programming over beliefs. The responder does not know which of several opponents it meets, nor their
 * private information; it keeps a belief over (opponent, the game's future, opponent's memory), which is all that the future depends
 * on. Positions with the same belief are solved once, so that a repeated game costs about as much as its belief states.
 */
import {
  type Action,
  type Game,
  GameError,
  type Moves,
  type Policy,
  type RoundOutcome,
  type Seat,
  currentRound,
  otherSeat,
} from "../games/index.ts";

export interface OpponentType {
  readonly policy: Policy;
  /** Prior probability, or any positive weight: values are sums over types of weight times expected reward. */
  readonly weight: number;
  /** What the responder gains from a finished round; the rounds of an episode add up. */
  readonly reward: (outcome: RoundOutcome) => number;
  /** Also summed, under the actions that the rewards choose. */
  readonly watched?: (outcome: RoundOutcome) => number;
}

/** A state that the responder may be at, and which of the opponents it then meets. */
export interface Possibility {
  readonly type: number;
  readonly state: unknown;
  readonly weight: number;
}

export interface BestResponse {
  /** Weighted expected reward of an episode. */
  readonly value: number;
  /** The part of it that each opponent type contributes. */
  readonly byType: readonly number[];
  /** What was watched, by type. */
  readonly watched: readonly number[];
  /** Actions by `game.abstraction`, as chosen in the earliest round; together a best response in games whose rounds are independent. */
  readonly actions: ReadonlyMap<string, Action>;
  /** Belief states that were solved. */
  readonly beliefs: number;
}

export interface BestResponseOptions {
  /** Rewards depend on the responder's own payoffs only, so that what matters to nobody but the opponent can be merged. */
  readonly ownPayoffs?: boolean;
  /** More belief states than this are refused with a `RangeError`. */
  readonly limit?: number;
}

const NO_MOVES: readonly (readonly [Moves, number])[] = [[{}, 1]];

export interface Responder {
  readonly solve: () => BestResponse;
  /**
   * What each legal action is worth at possibilities that the responder cannot tell apart, whose weights sum to 1: the expected reward from
   * there to the end of the episode, with best responses after the action.
   */
  readonly worth: (group: readonly Possibility[]) => readonly (readonly [action: Action, value: number])[];
}

/** The best response in `seat` to a mixture of opponents; perfect recall, exact. Throws `GameError` where the horizon is random. */
export const bestResponse = (
  game: Game,
  types: readonly OpponentType[],
  seat: Seat,
  options: BestResponseOptions = {},
): BestResponse => responderTo(game, types, seat, options).solve();

/** A best responder that can also be asked in the middle of an episode; positions that it met are solved once. */
export function responderTo(
  game: Game,
  types: readonly OpponentType[],
  seat: Seat,
  { ownPayoffs = false, limit = 2_000_000 }: BestResponseOptions = {},
): Responder {
  if (!game.facts.fixedRounds)
    throw new GameError(`${game.facts.name}: no best response over an unbounded horizon; expected fixed rounds`);
  const opponent = otherSeat(seat);
  const solved = new Map<string, readonly number[]>();
  const actions = new Map<string, Action>();
  /** Rewards by type, then what is watched. */
  const zero = [...types, ...types].map(() => 0);

  /** Expected rewards by type from possibilities on, decisions included. */
  const value = (possibilities: readonly Possibility[]): number[] => {
    const total = [...zero];
    const waiting: Possibility[] = [];
    const open = [...possibilities];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const turn = game.turn(one.state);
      if (turn.kind === "over") continue;
      if (turn.kind === "chance")
        for (const [outcome, p] of turn.outcomes) open.push(advance(one, game.chance(one.state, outcome), p, total));
      else if (turn.seats.includes(seat)) waiting.push(one);
      else for (const [moves, p] of replies(one, turn.seats)) open.push(advance(one, game.move(one.state, moves), p, total));
    }
    for (const group of byInformation(waiting)) {
      const weight = group.reduce((sum, one) => sum + one.weight, 0);
      const each = decide(group, weight);
      for (let i = 0; i < total.length; i++) total[i] += weight * each[i];
    }
    return total;
  };

  /** Possibilities that the responder cannot tell apart. */
  const byInformation = (waiting: readonly Possibility[]): Iterable<readonly Possibility[]> => {
    if (waiting.length < 2) return waiting.length === 0 ? [] : [waiting];
    const groups = new Map<string, Possibility[]>();
    for (const one of waiting) {
      const key = game.informationState(game.view(one.state, seat));
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [one]);
      else group.push(one);
    }
    return groups.values();
  };

  /** The possibility one step later; the reward of a round that the step finished goes to `total`. */
  const advance = ({ type, state, weight }: Possibility, next: unknown, p: number, total: number[]): Possibility => {
    const outcomes = game.outcomes(next);
    if (outcomes.length > currentRound(game, state)) {
      const outcome = outcomes[outcomes.length - 1];
      total[type] += weight * p * types[type].reward(outcome);
      total[types.length + type] += weight * p * (types[type].watched?.(outcome) ?? 0);
    }
    return { type, state: next, weight: weight * p };
  };

  /** What the opponent may do at a state, with probabilities; nothing where it is not to move. */
  const replies = ({ type, state }: Possibility, seats: readonly Seat[]): readonly (readonly [Moves, number])[] =>
    seats.includes(opponent)
      ? types[type].policy.act(game.view(state, opponent)).map(([action, p]) => [{ [opponent]: action }, p] as const)
      : NO_MOVES;

  /** Rewards by type per unit of weight at one information state, under the best action. */
  const decide = (group: readonly Possibility[], weight: number): readonly number[] => {
    const merged = new Map<string, Possibility>();
    for (const one of group) {
      const memory = types[one.type].policy.memory(game.view(one.state, opponent));
      const future = ownPayoffs ? game.future(one.state, seat) : game.future(one.state);
      const key = `${one.type} ${future} ${currentRound(game, one.state)} ${memory}`;
      const known = merged.get(key);
      merged.set(key, { ...one, weight: one.weight / weight + (known?.weight ?? 0) });
    }
    const id = [...merged]
      .map(([key, one]) => `${key} ${one.weight.toPrecision(10)}`)
      .toSorted()
      .join("\n");
    const known = solved.get(id);
    if (known !== undefined) return known;
    if (solved.size >= limit) throw new RangeError(`${game.facts.name}: more than ${limit} belief states`);
    const view = game.view(group[0].state, seat);
    const abstraction = game.abstraction(view);
    let best: readonly number[] = zero;
    let most = -Infinity;
    let chosen = "";
    for (const [action, sum] of alternatives([...merged.values()])) {
      const all = ofAllTypes(sum);
      if (all > most + 1e-12) [best, most, chosen] = [sum, all, action];
    }
    actions.set(abstraction, chosen);
    solved.set(id, best);
    return best;
  };

  /** Rewards by type after each legal action at positions that look the same. */
  const alternatives = (group: readonly Possibility[]): (readonly [Action, readonly number[]])[] => {
    const met = group.flatMap((one) => {
      const turn = game.turn(one.state);
      return turn.kind === "move" ? replies(one, turn.seats).map(([moves, p]) => ({ one, moves, p })) : [];
    });
    return game.legal(game.view(group[0].state, seat)).map((action) => {
      const total = [...zero];
      const after = met.map(({ one, moves, p }) => advance(one, game.move(one.state, { ...moves, [seat]: action }), p, total));
      const later = value(after);
      return [action, total.map((gained, i) => gained + later[i])] as const;
    });
  };

  const ofAllTypes = (sums: readonly number[]): number => sums.slice(0, types.length).reduce((a, b) => a + b, 0);

  const solve = (): BestResponse => {
    const sums = value(types.map(({ weight }, type) => ({ type, state: game.start(), weight })));
    const byType = sums.slice(0, types.length);
    return {
      watched: sums.slice(types.length),
      value: byType.reduce((a, b) => a + b, 0),
      byType,
      actions,
      beliefs: solved.size,
    };
  };
  const worth: Responder["worth"] = (group) => alternatives(group).map(([action, sums]) => [action, ofAllTypes(sums)] as const);
  return { solve, worth };
}

/** The most that a player in `seat` can expect per episode against `fixed`, in payoffs. */
export const bestResponseValue = (game: Game, fixed: Policy, seat: Seat, options: BestResponseOptions = {}): number =>
  bestResponse(game, [{ policy: fixed, weight: 1, reward: ({ payoffs }) => payoffs[seat] }], seat, {
    ownPayoffs: true,
    ...options,
  }).value;

/** The policy that plays a table of actions by abstract key, and every legal action equally often elsewhere. */
export const actionPolicy = (game: Game, name: string, actions: ReadonlyMap<string, Action>): Policy => ({
  name,
  description: "A table of actions per abstract key.",
  memory: (view) => game.abstraction(view),
  act(view) {
    const action = actions.get(game.abstraction(view));
    return action === undefined ? game.legal(view).map((any, _, all) => [any, 1 / all.length] as const) : [[action, 1]];
  },
});
