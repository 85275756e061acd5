/**
 * A matchup of two policies as a Markov chain. States with the same future of the game, the same round and the same memories of both
 * players have the same future, so they are one node; nodes are made when first reached. Exact expectations visit every node
 * once, and simulation walks the chain without playing the game.
 */
import {
  type Distribution,
  type Game,
  type Moves,
  type Policy,
  type RoundOutcome,
  SEATS,
  type Seat,
  currentRound,
} from "../games/index.ts";

/** What a chain needs of a player; a policy has it. */
export type ChainPlayer = Pick<Policy, "memory" | "act">;

export interface ChainNode {
  /** One of the merged states. */
  readonly state: unknown;
  readonly kind: "chance" | "move" | "over";
  /** Whose choice each entry of `choices` is; empty at chance. */
  readonly seats: readonly Seat[];
  /** The independent draws made here: chance, or one per seat to move. */
  readonly choices: readonly Distribution<string>[];
  /** Index of the current round. */
  readonly round: number;
  /** Successors by joint choice (the last entry of `choices` runs fastest); undefined until reached. */
  readonly edges: (ChainEdge | undefined)[];
}

export interface ChainEdge {
  readonly to: ChainNode;
  /** The round that this step finished, if any. */
  readonly outcome: RoundOutcome | undefined;
}

export interface Chain {
  readonly game: Game;
  readonly root: ChainNode;
  /** The node of a state. */
  at(state: unknown): ChainNode;
  /** The successor of a node at a joint choice. */
  follow(node: ChainNode, choice: number): ChainEdge;
}

/** The chain of `players` by seat. */
export function createChain(game: Game, players: readonly [ChainPlayer, ChainPlayer]): Chain {
  const nodes = new Map<string, ChainNode>();

  const nodeOf = (state: unknown): ChainNode => {
    const turn = game.turn(state);
    const round = currentRound(game, state);
    const views = SEATS.map((seat) => game.view(state, seat));
    const id = `${game.future(state)}|${round}|${players[0].memory(views[0])}|${players[1].memory(views[1])}`;
    const known = nodes.get(id);
    if (known !== undefined) return known;
    const seats = turn.kind === "move" ? turn.seats : [];
    const choices = turn.kind === "chance" ? [turn.outcomes] : seats.map((seat) => players[seat].act(views[seat]));
    const node: ChainNode = { state, kind: turn.kind, seats, choices, round, edges: [] };
    nodes.set(id, node);
    return node;
  };

  const step = ({ state, kind, seats, choices, round }: ChainNode, choice: number): ChainEdge => {
    let next: unknown;
    if (kind === "chance") next = game.chance(state, choices[0][choice][0]);
    else {
      const moves: Moves = {};
      let rest = choice;
      for (let i = seats.length - 1; i >= 0; i--) {
        moves[seats[i]] = choices[i][rest % choices[i].length][0];
        rest = Math.floor(rest / choices[i].length);
      }
      next = game.move(state, moves);
    }
    const outcomes = game.outcomes(next);
    return { to: nodeOf(next), outcome: outcomes.length > round ? outcomes[outcomes.length - 1] : undefined };
  };

  return {
    game,
    root: nodeOf(game.start()),
    at: nodeOf,
    follow: (node, choice) => (node.edges[choice] ??= step(node, choice)),
  };
}

/** Every joint choice of a node, none when the game is over: its probability, and the index each entry of `choices` takes. */
export function jointChoices({
  kind,
  choices,
}: ChainNode): readonly { readonly probability: number; readonly picks: readonly number[] }[] {
  if (kind === "over") return [];
  return choices.reduce<{ probability: number; picks: number[] }[]>(
    (joint, distribution) =>
      joint.flatMap(({ probability, picks }) =>
        distribution.map(([, p], i) => ({ probability: probability * p, picks: [...picks, i] })),
      ),
    [{ probability: 1, picks: [] }],
  );
}
