/** Equilibria: zero-sum games by linear programming in sequence form, symmetric one-round games by support enumeration. */
import { type Action, type Game, GameError, type Moves, type Policy, SEATS, type Seat, otherSeat } from "../games/index.ts";
import { bestResponseValue } from "./best-response.ts";
import { expectation } from "./expectation.ts";
import { type LinearProgram, solveLinearProgram } from "./simplex.ts";
import { jointMoves } from "./walk.ts";

/** What both players could gain by deviating: the sum over seats of best response value minus value. 0 exactly at an equilibrium. */
export function nashConv(game: Game, players: readonly [Policy, Policy]): number {
  const { totals } = expectation(game, players[0], players[1]);
  return bestResponseValue(game, players[1], 0) - totals[0] + bestResponseValue(game, players[0], 1) - totals[1];
}

interface InformationSet {
  readonly actions: readonly Action[];
  /** The player's own last sequence before it; 0 is the empty one. */
  readonly parent: number;
  /** Sequence of the first action; the others follow. */
  readonly first: number;
}

/** A zero-sum game in sequence form (von Stengel, Games and Economic Behavior 14, 1996). */
interface SequenceForm {
  readonly sets: readonly [Map<string, InformationSet>, Map<string, InformationSet>];
  /** Number of sequences by seat. */
  readonly sizes: [number, number];
  /** Expected payoff to seat 0 by pair of sequences `a,b`. */
  readonly payoffs: Map<string, number>;
}

function sequenceForm(game: Game): SequenceForm {
  const form: SequenceForm = { sets: [new Map(), new Map()], sizes: [1, 1], payoffs: new Map() };
  const visit = (state: unknown, sequences: readonly [number, number], probability: number): void => {
    const turn = game.turn(state);
    if (turn.kind === "over") {
      const gain = game.outcomes(state).reduce((sum, { payoffs }) => sum + payoffs[0], 0);
      const key = sequences.join();
      form.payoffs.set(key, (form.payoffs.get(key) ?? 0) + probability * gain);
    } else if (turn.kind === "chance")
      for (const [outcome, p] of turn.outcomes) visit(game.chance(state, outcome), sequences, probability * p);
    else {
      const views = SEATS.map((seat) => game.view(state, seat));
      const own = new Map(
        turn.seats.map((seat) => [
          seat,
          informationSet(form, seat, game.informationState(views[seat]), game.legal(views[seat]), sequences[seat]),
        ]),
      );
      const after = (seat: Seat, moves: Moves): number => {
        const set = own.get(seat);
        return set === undefined ? sequences[seat] : set.first + set.actions.indexOf(moves[seat] ?? "");
      };
      for (const moves of jointMoves(game, turn.seats, views))
        visit(game.move(state, moves), [after(0, moves), after(1, moves)], probability);
    }
  };
  visit(game.start(), [0, 0], 1);
  return form;
}

function informationSet(
  form: SequenceForm,
  seat: Seat,
  key: string,
  actions: readonly Action[],
  parent: number,
): InformationSet {
  const known = form.sets[seat].get(key);
  if (known !== undefined) return known;
  const set = { actions, parent, first: form.sizes[seat] };
  form.sizes[seat] += actions.length;
  form.sets[seat].set(key, set);
  return set;
}

export interface ZeroSumSolution {
  /** Expected payoff of seat 0 per episode. */
  readonly value: number;
  /** An equilibrium strategy for each seat. */
  readonly players: readonly [Policy, Policy];
}

/** An equilibrium of a two-player zero-sum game small enough to enumerate. */
export function solveZeroSum(game: Game): ZeroSumSolution {
  if (game.facts.sum !== "zero") throw new GameError(`${game.facts.name} is not a zero-sum game`);
  const form = sequenceForm(game);
  const [first, second] = SEATS.map((seat) => maximin(form, seat));
  return { value: first.value, players: [strategy(game, form, 0, first.plan), strategy(game, form, 1, second.plan)] };
}

/**
 * The plan of `seat` with the largest guaranteed payoff: maximise z of the opponent's root over plans x and values z of the opponent's
 * information sets, with z <= payoff of x against each of the opponent's sequences plus the values of the sets after it.
 */
function maximin({ sets, sizes, payoffs }: SequenceForm, seat: Seat): { value: number; plan: readonly number[] } {
  const other = otherSeat(seat);
  const [mine, theirs] = [[...sets[seat].values()], [...sets[other].values()]];
  // Variables: the plan, then z+ and z- of the root and of each set of the opponent, then a slack per sequence of the opponent.
  const plan = sizes[seat];
  const values = 1 + theirs.length;
  const width = plan + 2 * values + sizes[other];
  const row = (entries: readonly (readonly [number, number])[]): number[] => {
    const line = Array.from({ length: width }, () => 0);
    for (const [at, x] of entries) line[at] += x;
    return line;
  };
  const z = (index: number, sign: number): (readonly [number, number])[] => [
    [plan + index, sign],
    [plan + values + index, -sign],
  ];
  const rows = [row([[0, 1]])];
  const right = [1];
  for (const { parent, first, actions } of mine) {
    rows.push(row([[parent, -1], ...actions.map((_, i) => [first + i, 1] as const)]));
    right.push(0);
  }
  const setOf = (sequence: number): number =>
    1 + theirs.findIndex(({ first, actions }) => sequence >= first && sequence < first + actions.length);
  for (let sequence = 0; sequence < sizes[other]; sequence++) {
    const gains = Array.from({ length: plan }, (_, own): readonly [number, number] => {
      const gain = payoffs.get(seat === 0 ? `${own},${sequence}` : `${sequence},${own}`) ?? 0;
      return [own, seat === 0 ? gain : -gain];
    });
    const after = theirs.flatMap(({ parent }, i) => (parent === sequence ? z(1 + i, 1) : []));
    const own = z(sequence === 0 ? 0 : setOf(sequence), -1);
    rows.push(row([...gains, ...after, ...own, [plan + 2 * values + sequence, -1]]));
    right.push(0);
  }
  const program: LinearProgram = { objective: row(z(0, 1)), rows, right };
  const { value, x } = solveLinearProgram(program);
  return { value, plan: x.slice(0, plan) };
}

/** The behaviour strategy of a plan; uniform at information sets that the plan never reaches. */
function strategy(game: Game, { sets }: SequenceForm, seat: Seat, plan: readonly number[]): Policy {
  return {
    name: "equilibrium",
    description: `An equilibrium strategy of ${game.facts.name}, seat ${seat}, by linear programming.`,
    memory: (view) => game.informationState(view),
    act(view) {
      const set = sets[seat].get(game.informationState(view));
      const legal = game.legal(view);
      const weights = legal.map((_, i) => (set === undefined ? 0 : Math.max(0, plan[set.first + i])));
      const total = weights.reduce((a, b) => a + b, 0);
      return legal
        .map((action, i) => [action, total < 1e-9 ? 1 / legal.length : weights[i] / total] as const)
        .filter(([, p]) => p > 0);
    },
  };
}

/** A symmetric strategy of a one-round game: probabilities of each action by what the player knows. */
export type TypeStrategy = ReadonlyMap<string, ReadonlyMap<Action, number>>;

/**
 * Symmetric Bayes-Nash equilibria of a one-round game in which both seats draw a private type and then move at once, by enumerating the
 * supports of every type and solving the linear conditions of indifference. Supports with a continuum of solutions are skipped.
 */
export function symmetricEquilibria(game: Game): TypeStrategy[] {
  const { types, actions, gain } = oneRound(game);
  const found: TypeStrategy[] = [];
  for (const supports of product(types.map(() => nonEmptySubsets(actions)))) {
    const unknowns = types.flatMap((type, t) => supports[t].map((action) => ({ type, action })));
    // Unknowns: a probability per (type, action of its support), then the value of each type.
    const size = unknowns.length + types.length;
    const equations: number[][] = [];
    for (const { type, action } of unknowns)
      equations.push([
        ...unknowns.map((other) => gain(type, action, other.type, other.action)),
        ...types.map((other) => (other === type ? -1 : 0)),
        0,
      ]);
    for (const type of types)
      equations.push([...unknowns.map((other) => (other.type === type ? 1 : 0)), ...types.map(() => 0), 1]);
    const solution = solveLinearSystem(equations, size);
    // A probability of zero belongs to the smaller support.
    if (solution === undefined || unknowns.some((_, i) => solution[i] < 1e-9)) continue;
    const worth = (type: string, action: Action) =>
      unknowns.reduce((sum, other, i) => sum + solution[i] * gain(type, action, other.type, other.action), 0);
    const stable = types.every((type, t) =>
      actions.every((action) => worth(type, action) <= solution[unknowns.length + t] + 1e-9),
    );
    if (!stable) continue;
    found.push(
      new Map(
        types.map((type) => [
          type,
          new Map(unknowns.flatMap((one, i) => (one.type === type ? [[one.action, solution[i]] as const] : []))),
        ]),
      ),
    );
  }
  return found;
}

/** Types, actions, and a type's expected gain from an action when the other seat plays `theirs` at type `other` with certainty. */
function oneRound(game: Game) {
  const gains = new Map<string, number>();
  const shares = new Map<string, number>();
  const actions = new Set<Action>();
  const payoff = (state: unknown): number => {
    const turn = game.turn(state);
    if (turn.kind === "chance")
      return turn.outcomes.reduce((sum, [outcome, p]) => sum + p * payoff(game.chance(state, outcome)), 0);
    if (turn.kind === "move") throw new GameError(`${game.facts.name}: expected one simultaneous move a round`);
    return game.outcomes(state).reduce((sum, { payoffs }) => sum + payoffs[0], 0);
  };
  const visit = (state: unknown, probability: number): void => {
    const turn = game.turn(state);
    if (turn.kind === "chance") for (const [outcome, p] of turn.outcomes) visit(game.chance(state, outcome), probability * p);
    else if (turn.kind === "move" && turn.seats.length === 2) {
      const views = SEATS.map((seat) => game.view(state, seat));
      const [mine, theirs] = views.map((view) => game.informationState(view));
      shares.set(mine, (shares.get(mine) ?? 0) + probability);
      for (const moves of jointMoves(game, turn.seats, views)) {
        const key = [mine, moves[0], theirs, moves[1]].join("|");
        actions.add(moves[0] ?? "");
        gains.set(key, (gains.get(key) ?? 0) + probability * payoff(game.move(state, moves)));
      }
    }
  };
  visit(game.start(), 1);
  const gain = (type: string, action: Action, other: string, theirs: Action): number =>
    (gains.get([type, action, other, theirs].join("|")) ?? 0) / (shares.get(type) ?? 1);
  return { types: [...shares.keys()], actions: [...actions], gain };
}

const nonEmptySubsets = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: 2 ** items.length - 1 }, (_, i) => items.filter((_item, j) => Math.floor((i + 1) / 2 ** j) % 2 === 1));

const product = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((joint, list) => joint.flatMap((head) => list.map((item) => [...head, item])), [[]]);

/** Gaussian elimination of equations [coefficients, right side]; undefined when the solution is not unique. */
function solveLinearSystem(equations: readonly (readonly number[])[], size: number): number[] | undefined {
  const table = equations.map((row) => [...row]);
  for (let c = 0; c < size; c++) {
    let pivot = c;
    for (let r = c; r < table.length; r++) if (Math.abs(table[r][c]) > Math.abs(table[pivot][c])) pivot = r;
    if (Math.abs(table[pivot]?.[c] ?? 0) < 1e-12) return undefined;
    [table[c], table[pivot]] = [table[pivot], table[c]];
    for (let r = 0; r < table.length; r++) {
      const factor = r === c ? 0 : table[r][c] / table[c][c];
      if (factor !== 0) table[r] = table[r].map((x, j) => x - factor * table[c][j]);
    }
  }
  return Array.from({ length: size }, (_, i) => table[i][size] / table[i][i]);
}

/** The policy that plays a one-round strategy. */
export const typePolicy = (game: Game, strategies: TypeStrategy, name = "equilibrium"): Policy => ({
  name,
  description: "A symmetric strategy by what the player knows.",
  memory: (view) => game.informationState(view),
  act: (view) => [...(strategies.get(game.informationState(view)) ?? [])].filter(([, p]) => p > 0),
});
