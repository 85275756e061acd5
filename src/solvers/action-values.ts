/**
 * What each action is worth to an agent at what it knows: expectations over chance, the opponent's hidden information and its choices,
 * all of which are known, and over the agent's own later choices, which a policy per abstract key and round stands for.
 */
import { type Action, type Game, GameError, type Policy, type Seat, uniformly } from "../games/index.ts";
import { type Belief, beliefAt } from "./belief.ts";
import { type ChainNode, createChain, jointChoices } from "./chain.ts";
import { type Totals, totalsOf } from "./expectation.ts";

const SEAT: Seat = 0;

/** A decision that was made. */
export interface Decided {
  readonly informationState: string;
  readonly action: Action;
}

/** Probabilities of the legal actions, in their order, at an abstract key in a round. */
export type KeyedPolicy = (key: string, round: number, legal: readonly Action[]) => readonly number[];

/** A node of the chain, with all that does not depend on the agent's probabilities. */
interface Place {
  readonly round: number;
  /** The agent's abstract key and legal actions where it is to move. */
  readonly agent: { readonly key: string; readonly legal: readonly Action[] } | undefined;
  readonly edges: readonly Edge[];
}
interface Edge {
  /** Index of the agent's action; 0 where it does not move. */
  readonly action: number;
  /** Of everything else that is drawn here. */
  readonly probability: number;
  readonly gained: Totals;
  /** Index of the place it leads to. */
  readonly to: number;
}

const NOTHING: Totals = [0, 0, 0, 0];
/** Beliefs kept per opponent; more are begun afresh. */
const MOST_BELIEFS = 20_000;

/** A game against one opponent, for an agent in seat 0, with a fixed number of rounds. What it learns is kept for other policies. */
export class ValuedMatchup {
  readonly #game: Game;
  readonly #opponent: Policy;
  readonly #at: (state: unknown) => ChainNode;
  /** Those that others lead to come first; the root is the last. */
  readonly #places: Place[] = [];
  readonly #indices = new Map<ChainNode, number>();
  readonly #beliefs = new Map<string, Belief>();

  constructor(game: Game, opponent: Policy) {
    if (!game.facts.fixedRounds)
      throw new GameError(`${game.facts.name}: cannot enumerate an unbounded horizon; expected fixed rounds`);
    this.#game = game;
    this.#opponent = opponent;
    const anything = {
      memory: (view: unknown) => game.abstraction(view),
      act: (view: unknown) => uniformly(game.legal(view)),
    };
    const chain = createChain(game, [anything, opponent]);
    this.#at = (state) => chain.at(state);
    const visit = (node: ChainNode): number => {
      const known = this.#indices.get(node);
      if (known !== undefined) return known;
      const mover = node.seats.indexOf(SEAT);
      const view = mover < 0 ? undefined : game.view(node.state, SEAT);
      const actions = mover < 0 ? 1 : node.choices[mover].length;
      const edges = jointChoices(node).map(({ probability, picks }, choice): Edge => {
        const { to, outcome } = chain.follow(node, choice);
        return {
          action: mover < 0 ? 0 : picks[mover],
          probability: probability * actions,
          gained: outcome === undefined ? NOTHING : totalsOf(outcome, SEAT),
          to: visit(to),
        };
      });
      const agent = view === undefined ? undefined : { key: game.abstraction(view), legal: game.legal(view) };
      const index = this.#places.push({ round: node.round, agent, edges }) - 1;
      this.#indices.set(node, index);
      return index;
    };
    visit(chain.root);
  }

  /** The values for an agent that plays on by `policy`. */
  values(policy: KeyedPolicy): ActionValues {
    const values: Totals[] = [];
    for (const { round, agent, edges } of this.#places) {
      const own = agent === undefined ? [1] : policy(agent.key, round, agent.legal);
      values.push(sumOf(edges, values, (edge) => own[edge.action]));
    }
    return {
      totals: values[values.length - 1],
      along: (decisions) =>
        this.#beliefsAlong(decisions).map((belief) => {
          const { agent } = this.#placeOf(belief[0].state);
          return agent!.legal.map((_, action) =>
            mixed(
              belief.map(({ state, probability }) => {
                const { edges } = this.#placeOf(state);
                return [probability, sumOf(edges, values, (edge) => (edge.action === action ? 1 : 0))] as const;
              }),
            ),
          );
        }),
    };
  }

  #placeOf(state: unknown): Place {
    return this.#places[this.#indices.get(this.#at(state))!];
  }

  #beliefsAlong(decisions: readonly Decided[]): Belief[] {
    const matchup = { game: this.#game, opponent: this.#opponent, seat: SEAT, same: this.#at };
    let before: { belief: Belief; action: Action } | undefined;
    return decisions.map(({ informationState, action }) => {
      const belief = this.#beliefs.get(informationState) ?? beliefAt(matchup, informationState, before);
      if (this.#beliefs.size >= MOST_BELIEFS) this.#beliefs.clear();
      this.#beliefs.set(informationState, belief);
      before = { belief, action };
      return belief;
    });
  }
}

export interface ActionValues {
  /** Expected sums of r, q, c, x over an episode. */
  readonly totals: Totals;
  /**
   * For each decision of an episode, in order: the expected sums of r, q, c, x over its own round and those that follow, one for each
   * legal action.
   */
  along(decisions: readonly Decided[]): (readonly Totals[])[];
}

const matchups = new WeakMap<Game, WeakMap<Policy, ValuedMatchup>>();

/** The matchup of a game and an opponent, made once. */
export function valuedMatchup(game: Game, opponent: Policy): ValuedMatchup {
  const own = matchups.get(game) ?? new WeakMap<Policy, ValuedMatchup>();
  matchups.set(game, own);
  const known = own.get(opponent) ?? new ValuedMatchup(game, opponent);
  own.set(opponent, known);
  return known;
}

function sumOf(edges: readonly Edge[], values: readonly Totals[], own: (edge: Edge) => number): Totals {
  let [r, q, c, x] = [0, 0, 0, 0];
  for (const edge of edges) {
    const p = own(edge) * edge.probability;
    if (p === 0) continue;
    const later = values[edge.to];
    r += p * (edge.gained[0] + later[0]);
    q += p * (edge.gained[1] + later[1]);
    c += p * (edge.gained[2] + later[2]);
    x += p * (edge.gained[3] + later[3]);
  }
  return [r, q, c, x];
}

const mixed = (parts: readonly (readonly [number, Totals])[]): Totals =>
  parts.reduce<Totals>(
    ([r, q, c, x], [p, totals]) => [r + p * totals[0], q + p * totals[1], c + p * totals[2], x + p * totals[3]],
    NOTHING,
  );
