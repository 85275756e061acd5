/**
 * Exact expectations of an agent against an opponent, and their gradients in the agent's logits, by visiting every node of the
 * matchup's chain once. A sum over the finished rounds of an episode is kept per quantity of `RoundOutcome`.
 */
import { type Game, GameError, type Policy, type RoundOutcome, type Seat, otherSeat } from "../games/index.ts";
import { type ChainNode, createChain, jointChoices } from "./chain.ts";

/** What is summed over rounds: the agent's payoff r, the opponent's q, the agent's collusive acts c, externalities x. */
export const QUANTITIES = ["r", "q", "c", "x"] as const;
export type Quantity = (typeof QUANTITIES)[number];
/** One number per quantity. */
export type Totals = readonly [number, number, number, number];

/** An agent whose action probabilities are softmaxes of logits; row by `key`, logits in the order of `legal`. */
export interface SoftmaxAgent {
  key(view: unknown): string;
  /** Logits per key; adding the same number to a row changes nothing. */
  readonly logits: ReadonlyMap<string, readonly number[]>;
}

interface Edge {
  readonly probability: number;
  readonly to: Node;
  readonly gained: Totals;
  /** Index of the agent's action, or -1 where the agent does not move. */
  readonly choice: number;
}
interface Node {
  /** The agent's information key when it is to move. */
  readonly key: string | undefined;
  /** Number of the agent's actions here. */
  readonly actions: number;
  readonly edges: readonly Edge[];
  readonly value: Totals;
  reach: number;
}

export interface Expectation {
  /** Expected episode sums of r, q, c, x (not divided by N). */
  readonly totals: Totals;
  /** Per key of the agent: expected visits times probability per action, in the order of `legal`. */
  readonly visits: ReadonlyMap<string, readonly number[]>;
  /** Derivative of each total in each logit: [quantity] -> key -> one number per action. */
  readonly gradient: readonly ReadonlyMap<string, readonly number[]>[];
}

const zeros = (): number[] => [0, 0, 0, 0];

/** The softmax policy of an agent as a `Policy`. */
export function softmaxPolicy(game: Game, agent: SoftmaxAgent, name = "softmax"): Policy {
  return {
    name,
    description: "A softmax over actions per information key.",
    memory: (view) => agent.key(view),
    act(view) {
      const logits = agent.logits.get(agent.key(view)) ?? [];
      const most = Math.max(...logits);
      const weights = logits.map((logit) => Math.exp(logit - most));
      const total = weights.reduce((a, b) => a + b, 0);
      return game.legal(view).map((action, i) => [action, weights[i] / total] as const);
    },
  };
}

/**
 * Expected episode totals of `agent` in `seat` against `opponent`, with gradients. `agent.memory` must be sufficient for the
 * agent as the opponent's is for it; `key` groups the agent's decisions (default: its memory).
 */
export function expectation(
  game: Game,
  agent: Policy,
  opponent: Policy,
  { seat = 0, key = (view) => agent.memory(view) }: { readonly seat?: Seat; readonly key?: (view: unknown) => string } = {},
): Expectation {
  if (!game.facts.fixedRounds)
    throw new GameError(`${game.facts.name}: cannot enumerate an unbounded horizon; expected fixed rounds`);
  const chain = createChain(game, seat === 0 ? [agent, opponent] : [opponent, agent]);
  const nodes = new Map<ChainNode, Node>();
  const order: Node[] = [];

  const visit = (at: ChainNode): Node => {
    const known = nodes.get(at);
    if (known !== undefined) return known;
    const mover = at.seats.indexOf(seat);
    const view = mover < 0 ? undefined : game.view(at.state, seat);
    const legal = view === undefined ? [] : game.legal(view);
    const value = zeros();
    const edges = jointChoices(at).map(({ probability, picks }, joint): Edge => {
      const { to, outcome } = chain.follow(at, joint);
      const next = visit(to);
      const gained = outcome === undefined ? NOTHING : totalsOf(outcome, seat);
      for (let i = 0; i < 4; i++) value[i] += probability * (gained[i] + next.value[i]);
      return { probability, to: next, gained, choice: mover < 0 ? -1 : legal.indexOf(at.choices[mover][picks[mover]][0]) };
    });
    const node: Node = {
      key: view === undefined ? undefined : key(view),
      actions: legal.length,
      edges,
      value: [value[0], value[1], value[2], value[3]],
      reach: 0,
    };
    nodes.set(at, node);
    order.push(node);
    return node;
  };

  const root = visit(chain.root);
  root.reach = 1;
  const visits = new Map<string, number[]>();
  const gradient = QUANTITIES.map(() => new Map<string, number[]>());
  for (const node of order.toReversed()) {
    for (const edge of node.edges) edge.to.reach += node.reach * edge.probability;
    if (node.key !== undefined) addNode(node, node.key, visits, gradient);
  }
  return { totals: root.value, visits, gradient };
}

/** Adds d value / d logit of one node: reach * (sum of p(edge) Q(edge) over edges of the action - pi(action) V). */
function addNode(node: Node, key: string, visits: Map<string, number[]>, gradient: readonly Map<string, number[]>[]): void {
  const row = (table: Map<string, number[]>): number[] => {
    const known = table.get(key) ?? [];
    while (known.length < node.actions) known.push(0);
    table.set(key, known);
    return known;
  };
  const visited = row(visits);
  const rows = gradient.map(row);
  for (const { probability, choice, gained, to } of node.edges) {
    visited[choice] += node.reach * probability;
    for (let i = 0; i < 4; i++) rows[i][choice] += node.reach * probability * (gained[i] + to.value[i] - node.value[i]);
  }
}

const NOTHING: Totals = [0, 0, 0, 0];

/** What a round adds to the totals of a seat. */
export const totalsOf = ({ payoffs, collusion, externality }: RoundOutcome, seat: Seat): Totals => [
  payoffs[seat],
  payoffs[otherSeat(seat)],
  collusion[seat],
  externality,
];
