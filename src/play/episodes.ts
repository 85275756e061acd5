/**
 * The referee: one loop plays every episode of every game with whatever sits in its seats. Hundreds of episodes advance
 * together, so that a model always sees large batches; what an episode draws depends on its keys alone, never on scheduling.
 */
import { type Action, type Game, type Moves, type RoundOutcome, type Seat, choose, currentRound } from "../games/index.ts";
import type { Pool } from "../opponents/index.ts";
import { type Key, foldIn, uniform } from "../random.ts";
import type { Decision, DecisionRequest, Player } from "./player.ts";

export interface EpisodeSpec {
  readonly game: Game;
  /** The player whose decisions are recorded, in seat 0 (who acts first in odd hands where seats alternate). */
  readonly agent: Player;
  readonly opponent: Player;
  readonly pool: Pool;
  /** Randomness of cards and of the opponent; the same within a group. */
  readonly scenario: Key;
  /** Randomness of the agent; different for every episode. */
  readonly sampling: Key;
  /** Names the episode in records, for example "step 3, group 2, episode 5". */
  readonly id: string;
}

/** One decision of the agent. */
export interface RecordedDecision extends Decision {
  readonly round: number;
  readonly view: unknown;
  readonly informationState: string;
}

export interface Episode {
  readonly spec: EpisodeSpec;
  readonly decisions: readonly RecordedDecision[];
  readonly outcomes: readonly RoundOutcome[];
  readonly state: unknown;
}

export interface PlayOptions {
  /** Episodes that advance together; changes speed, never a result. */
  readonly concurrency?: number;
  /** Called as episodes finish, with the number finished so far. */
  readonly onProgress?: (finished: number) => void;
  readonly signal?: AbortSignal;
}

export const AGENT_SEAT: Seat = 0;

interface Table {
  readonly spec: EpisodeSpec;
  readonly index: number;
  state: unknown;
  /** Counts turns of moves, over the episode and within the round, so that every draw has a key of its own. */
  turns: number;
  turnsInRound: number;
  readonly decisions: RecordedDecision[];
}

/** Plays all episodes to their end and returns them in the order given. */
export async function playEpisodes(
  specs: readonly EpisodeSpec[],
  { concurrency = 512, onProgress, signal }: PlayOptions = {},
): Promise<Episode[]> {
  const finished: Episode[] = [];
  let done = 0;
  let next = 0;
  let tables: Table[] = [];
  while (next < specs.length || tables.length > 0) {
    signal?.throwIfAborted();
    while (tables.length < concurrency && next < specs.length) {
      const spec = specs[next];
      tables.push({ spec, index: next++, state: spec.game.start(), turns: 0, turnsInRound: 0, decisions: [] });
    }
    for (const table of tables) playChance(table);
    await playMoves(tables);
    const open = tables.filter(({ spec, state }) => spec.game.turn(state).kind !== "over");
    for (const table of tables.filter((candidate) => !open.includes(candidate))) {
      const { spec, state, decisions, index } = table;
      finished[index] = { spec, decisions, outcomes: spec.game.outcomes(state), state };
      onProgress?.(++done);
    }
    tables = open;
  }
  return finished;
}

/** Resolves chance until a seat is to move or the episode is over. */
function playChance(table: Table): void {
  const { game, scenario } = table.spec;
  for (let turn = game.turn(table.state); turn.kind === "chance"; turn = game.turn(table.state)) {
    const round = currentRound(game, table.state);
    table.state = game.chance(table.state, choose(turn.outcomes, uniform(foldIn(scenario, "chance", round))));
  }
}

interface Request extends DecisionRequest {
  readonly table: Table;
  readonly seat: Seat;
  readonly player: Player;
}

/** Asks every seat to move, each player once for all its tables, and applies the moves. */
async function playMoves(tables: readonly Table[]): Promise<void> {
  const requests = tables.flatMap(requestsOf);
  const byPlayer = new Map<Player, Request[]>();
  for (const request of requests) {
    const own = byPlayer.get(request.player) ?? [];
    own.push(request);
    byPlayer.set(request.player, own);
  }
  const moves = new Map<Table, Moves>(tables.map((table) => [table, {}]));
  for (const [player, own] of byPlayer) {
    const decisions = await player.decide(own);
    own.forEach(({ table, seat, view }, i) => {
      const { game } = table.spec;
      const decision = decisions[i];
      moves.set(table, { ...moves.get(table), [seat]: decision.action satisfies Action });
      if (seat === AGENT_SEAT)
        table.decisions.push({
          ...decision,
          view,
          round: currentRound(game, table.state),
          informationState: game.informationState(view),
        });
    });
  }
  for (const table of tables) {
    const { game } = table.spec;
    if (game.turn(table.state).kind !== "move") continue;
    const round = currentRound(game, table.state);
    table.state = game.move(table.state, moves.get(table) ?? {});
    table.turns++;
    table.turnsInRound = currentRound(game, table.state) === round ? table.turnsInRound + 1 : 0;
  }
}

function requestsOf(table: Table): Request[] {
  const { game, agent, opponent, scenario, sampling } = table.spec;
  const turn = game.turn(table.state);
  if (turn.kind !== "move") return [];
  // The opponent's draws are named by round and turn, so a group shares them whatever the agent did before.
  const opponentKey = foldIn(scenario, "opponent", currentRound(game, table.state), table.turnsInRound);
  return turn.seats.map((seat) => ({
    table,
    seat,
    game,
    player: seat === AGENT_SEAT ? agent : opponent,
    view: game.view(table.state, seat),
    key: seat === AGENT_SEAT ? foldIn(sampling, "agent", table.turns) : opponentKey,
  }));
}
