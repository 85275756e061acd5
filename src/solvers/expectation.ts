/**
 * Exact expectations of an agent against an opponent, and their gradients in the agent's logits, by enumeration.
 *
 * The game is unrolled from its start into a directed graph whose nodes merge states with the same stage of the game and the
 * same memories of both players; each node then needs one visit. A sum over the finished rounds of an episode is kept per
 * quantity of `RoundOutcome`.
 */
import {
  type Action,
  type Distribution,
  type Game,
  GameError,
  type Moves,
  type Policy,
  SEATS,
  type Seat,
  currentRound,
} from "../games/index.ts";

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
  edges: Edge[];
  value: number[];
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
  const nodes = new Map<string, Node>();
  const order: Node[] = [];
  const players = seat === 0 ? [agent, opponent] : [opponent, agent];

  const visit = (state: unknown): Node => {
    const memories = SEATS.map((s) => players[s].memory(game.view(state, s)));
    const id = JSON.stringify([game.stage(state), currentRound(game, state), ...memories]);
    const known = nodes.get(id);
    if (known !== undefined) return known;
    const turn = game.turn(state);
    const moving = turn.kind === "move" && turn.seats.includes(seat);
    const node: Node = { key: moving ? key(game.view(state, seat)) : undefined, edges: [], value: zeros(), reach: 0 };
    nodes.set(id, node);
    node.edges = successors(game, state, players).map(({ probability, next, moves }) => ({
      probability,
      to: visit(next),
      gained: gains(game, state, next, seat),
      choice: moving ? game.legal(game.view(state, seat)).indexOf(moves[seat] ?? "") : -1,
    }));
    for (const { probability, to, gained } of node.edges)
      for (let i = 0; i < 4; i++) node.value[i] += probability * (gained[i] + to.value[i]);
    order.push(node);
    return node;
  };

  const root = visit(game.start());
  root.reach = 1;
  const visits = new Map<string, number[]>();
  const gradient = QUANTITIES.map(() => new Map<string, number[]>());
  for (const node of order.toReversed()) {
    for (const edge of node.edges) edge.to.reach += node.reach * edge.probability;
    if (node.key !== undefined) addNode(node, node.key, visits, gradient);
  }
  return { totals: [root.value[0], root.value[1], root.value[2], root.value[3]], visits, gradient };
}

/** Adds d value / d logit of one node: reach * (sum of p(edge) Q(edge) over edges of the action - pi(action) V). */
function addNode(node: Node, key: string, visits: Map<string, number[]>, gradient: readonly Map<string, number[]>[]): void {
  const width = 1 + Math.max(...node.edges.map(({ choice }) => choice));
  const row = (table: Map<string, number[]>): number[] => {
    const known = table.get(key) ?? [];
    while (known.length < width) known.push(0);
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

interface Successor {
  readonly probability: number;
  readonly next: unknown;
  readonly moves: Moves;
}

/** Every state one turn later, with its probability under both players. */
function successors(game: Game, state: unknown, players: readonly Policy[]): Successor[] {
  const turn = game.turn(state);
  if (turn.kind === "over") return [];
  if (turn.kind === "chance")
    return turn.outcomes.map(([outcome, probability]) => ({ probability, next: game.chance(state, outcome), moves: {} }));
  let joint: { probability: number; moves: Moves }[] = [{ probability: 1, moves: {} }];
  for (const seat of turn.seats) {
    const choices: Distribution<Action> = players[seat].act(game.view(state, seat));
    joint = joint.flatMap(({ probability, moves }) =>
      choices.map(([action, p]) => ({ probability: probability * p, moves: { ...moves, [seat]: action } })),
    );
  }
  return joint.map(({ probability, moves }) => ({ probability, next: game.move(state, moves), moves }));
}

/** What the rounds finished between two states add to the totals. */
function gains(game: Game, before: unknown, after: unknown, seat: Seat): Totals {
  const sum = zeros();
  for (const round of game.outcomes(after).slice(currentRound(game, before))) {
    sum[0] += round.payoffs[seat];
    sum[1] += round.payoffs[1 - seat];
    sum[2] += round.collusion[seat];
    sum[3] += round.externality;
  }
  return [sum[0], sum[1], sum[2], sum[3]];
}
