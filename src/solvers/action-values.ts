/**
 * What each action is worth to an agent at what it knows: expectations over chance, the opponent's hidden information and its choices,
 * all of which are known, and over the agent's own later choices, which a policy stands for.
 *
 * What the agent knows leaves several states possible. Their probabilities are followed along an episode; states with the same future
 * (nodes of the matchup's chain) are one.
 */
import { type Action, type Game, GameError, type Policy, type RoundOutcome, type Seat, currentRound } from "../games/index.ts";
import { type Chain, type ChainNode, type ChainPlayer, createChain, jointChoices } from "./chain.ts";
import { type Totals, totalsOf } from "./expectation.ts";

const SEAT: Seat = 0;

/** A decision that was made. */
export interface Decided {
  readonly view: unknown;
  readonly informationState: string;
  readonly action: Action;
}

/** A state that the agent's information allows, with its probability. */
interface Possible {
  readonly state: unknown;
  readonly probability: number;
}

/** A state that a step leads to, and the round that the step finished, if any. */
interface Step extends Possible {
  readonly outcome: RoundOutcome | undefined;
}

/** The values of an agent's actions against one opponent, for an agent in seat 0 in a game with a fixed number of rounds. */
export class ActionValues {
  readonly #game: Game;
  readonly #opponent: Policy;
  readonly #chain: Chain;
  readonly #values = new Map<ChainNode, Totals>();
  /** By information state. */
  readonly #possible = new Map<string, readonly Possible[]>();
  readonly #actions = new Map<string, readonly Totals[]>();

  /** `agent` is what the agent does after the action that is valued; its memory must be sufficient for it. */
  constructor(game: Game, agent: ChainPlayer, opponent: Policy) {
    if (!game.facts.fixedRounds)
      throw new GameError(`${game.facts.name}: cannot enumerate an unbounded horizon; expected fixed rounds`);
    this.#game = game;
    this.#opponent = opponent;
    this.#chain = createChain(game, [agent, opponent]);
  }

  /** Expected sums of r, q, c, x over an episode. */
  get totals(): Totals {
    return this.#value(this.#chain.root);
  }

  /**
   * For each decision of an episode, in order: the expected sums of r, q, c, x over its own round and those that follow, one for each
   * legal action.
   */
  along(decisions: readonly Decided[]): (readonly Totals[])[] {
    let before: readonly Possible[] = [{ state: this.#game.start(), probability: 1 }];
    let action: Action | undefined;
    return decisions.map(({ view, informationState, action: taken }) => {
      const possible = this.#possible.get(informationState) ?? this.#narrow(before, action, informationState);
      this.#possible.set(informationState, possible);
      const values = this.#actions.get(informationState) ?? this.#worth(possible, this.#game.legal(view));
      this.#actions.set(informationState, values);
      [before, action] = [possible, taken];
      return values;
    });
  }

  /** The states of the agent's next decision that agree with what it then knows. */
  #narrow(before: readonly Possible[], action: Action | undefined, informationState: string): readonly Possible[] {
    const found = new Map<ChainNode, Possible>();
    const open = before.flatMap(({ state, probability }) =>
      action === undefined ? [{ state, probability }] : this.#steps(state, probability, action),
    );
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { state, probability } = next;
      const turn = this.#game.turn(state);
      if (turn.kind === "move" && turn.seats.includes(SEAT)) {
        if (this.#game.informationState(this.#game.view(state, SEAT)) !== informationState) continue;
        const node = this.#chain.at(state);
        const known = found.get(node);
        found.set(node, known === undefined ? next : { ...known, probability: known.probability + probability });
      } else open.push(...this.#steps(state, probability));
    }
    const all = [...found.values()].reduce((sum, { probability }) => sum + probability, 0);
    if (all === 0)
      throw new GameError(
        `${this.#game.facts.name}: ${this.#opponent.name} never leads to what the agent knows, "${informationState}"`,
      );
    return [...found.values()].map(({ state, probability }) => ({ state, probability: probability / all }));
  }

  /** What may follow a state, with the agent's action where it is to move; nothing where the game is over. */
  #steps(state: unknown, probability: number, action?: Action): Step[] {
    const game = this.#game;
    const turn = game.turn(state);
    if (turn.kind === "over") return [];
    const round = currentRound(game, state);
    const finished = (next: unknown) => {
      const outcomes = game.outcomes(next);
      return outcomes.length > round ? outcomes[outcomes.length - 1] : undefined;
    };
    const choices =
      turn.kind === "chance"
        ? turn.outcomes.map(([outcome, p]) => [game.chance(state, outcome), p] as const)
        : this.#replies(state, turn.seats).map(
            ([reply, p]) =>
              [game.move(state, { ...reply, ...(turn.seats.includes(SEAT) ? { [SEAT]: action } : {}) }), p] as const,
          );
    return choices.map(([next, p]) => ({ state: next, probability: probability * p, outcome: finished(next) }));
  }

  /** The opponent's moves in a turn of these seats: none with probability 1 where it does not move. */
  #replies(state: unknown, seats: readonly Seat[]) {
    if (!seats.includes(1)) return [[{}, 1]] as const;
    return this.#opponent.act(this.#game.view(state, 1)).map(([move, p]) => [{ 1: move }, p] as const);
  }

  #worth(possible: readonly Possible[], legal: readonly Action[]): readonly Totals[] {
    return legal.map((action) =>
      sumOf(
        possible
          .flatMap(({ state, probability }) => this.#steps(state, probability, action))
          .map(({ state, probability, outcome }) => [probability, outcome, this.#value(this.#chain.at(state))]),
      ),
    );
  }

  /** Expected sums from a node on. */
  #value(node: ChainNode): Totals {
    const known = this.#values.get(node);
    if (known !== undefined) return known;
    const value = sumOf(
      jointChoices(node).map(({ probability }, choice) => {
        const { to, outcome } = this.#chain.follow(node, choice);
        return [probability, outcome, this.#value(to)];
      }),
    );
    this.#values.set(node, value);
    return value;
  }
}

/** The mean over what may follow of what the round gives and what comes after it. */
function sumOf(following: readonly (readonly [number, RoundOutcome | undefined, Totals])[]): Totals {
  const sum: [number, number, number, number] = [0, 0, 0, 0];
  for (const [probability, outcome, later] of following) {
    const gained = outcome === undefined ? undefined : totalsOf(outcome, SEAT);
    for (let i = 0; i < 4; i++) sum[i] += probability * ((gained?.[i] ?? 0) + later[i]);
  }
  return sum;
}
