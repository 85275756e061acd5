/**
 * The referee: one loop plays every episode of every game with whatever sits in its seats. Hundreds of episodes advance
 * together, so that a model always sees large batches, or each by itself where a player answers independently (a server does);
 * what an episode draws depends on its keys alone, never on scheduling.
 */
import { Slots, endTogether } from "../concurrency.ts";
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
  /** Episodes under way; changes speed, never a result. */
  readonly concurrency?: number;
  /** Called as episodes finish, with the number finished so far. */
  readonly onProgress?: (finished: number) => void;
  readonly signal?: AbortSignal;
}

export const AGENT_SEAT: Seat = 0;

interface Table {
  readonly spec: EpisodeSpec;
  readonly index: number;
  readonly keys: EpisodeKeys;
  state: unknown;
  round: number;
  /** Steps (of chance or of moves) taken in the round. */
  step: number;
  /** Turns of moves so far. */
  turns: number;
  readonly decisions: RecordedDecision[];
}

/** What the draws of an episode are keyed by. Chance and opponent are keyed within the scenario, so that a group shares them. */
export interface EpisodeKeys {
  readonly chance: Key;
  readonly opponent: Key;
  readonly agent: Key;
}

export const episodeKeys = (scenario: Key, sampling: Key): EpisodeKeys => ({
  chance: foldIn(scenario, "chance"),
  opponent: foldIn(scenario, "opponent"),
  agent: foldIn(sampling, "agent"),
});

/** Steps that one round may have. */
const PER_ROUND = 64;
/** Index of the draw at a step of a round: the same whatever the agent did in the rounds before. */
export const drawIndex = (round: number, step: number): number => round * PER_ROUND + step;

/** Plays all episodes to their end and returns them in the order given. */
export async function playEpisodes(
  specs: readonly EpisodeSpec[],
  { concurrency = 2048, onProgress, signal }: PlayOptions = {},
): Promise<Episode[]> {
  let finished = 0;
  const onEpisode = () => onProgress?.(++finished);
  const independent = specs.some(({ agent, opponent }) => agent.independent || opponent.independent);
  if (!independent) return playTogether(specs, concurrency, onEpisode, signal);
  const played = await endTogether(signal, (own) =>
    new Slots(concurrency).map(specs, (spec) => playTogether([spec], 1, onEpisode, own)),
  );
  return played.flat();
}

async function playTogether(
  specs: readonly EpisodeSpec[],
  concurrency: number,
  onEpisode: () => void,
  signal: AbortSignal | undefined,
): Promise<Episode[]> {
  const finished: Episode[] = [];
  let next = 0;
  let tables: Table[] = [];
  while (next < specs.length || tables.length > 0) {
    signal?.throwIfAborted();
    while (tables.length < concurrency && next < specs.length) {
      const spec = specs[next];
      const keys = episodeKeys(spec.scenario, spec.sampling);
      tables.push({ spec, keys, index: next++, state: spec.game.start(), round: 0, step: 0, turns: 0, decisions: [] });
    }
    for (const table of tables) playChance(table);
    await playMoves(tables, signal);
    const open: Table[] = [];
    for (const table of tables) {
      const { spec, state, decisions, index } = table;
      if (spec.game.turn(state).kind !== "over") open.push(table);
      else {
        finished[index] = { spec, decisions, outcomes: spec.game.outcomes(state), state };
        onEpisode();
      }
    }
    tables = open;
  }
  return finished;
}

/** Resolves chance until a seat is to move or the episode is over. */
function playChance(table: Table): void {
  const { game } = table.spec;
  for (let turn = game.turn(table.state); turn.kind === "chance"; turn = game.turn(table.state)) {
    const u = uniform(table.keys.chance, drawIndex(table.round, table.step));
    advance(table, game.chance(table.state, choose(turn.outcomes, u)));
  }
}

function advance(table: Table, next: unknown): void {
  const round = currentRound(table.spec.game, next);
  table.step = round === table.round ? table.step + 1 : 0;
  table.round = round;
  table.state = next;
}

interface Request extends DecisionRequest {
  readonly table: Table;
  readonly seat: Seat;
  readonly player: Player;
}

/** Asks every seat to move, each player once for all its tables, and applies the moves. */
async function playMoves(tables: readonly Table[], signal: AbortSignal | undefined): Promise<void> {
  const requests = tables.flatMap(requestsOf);
  const byPlayer = new Map<Player, Request[]>();
  for (const request of requests) {
    const own = byPlayer.get(request.player) ?? [];
    own.push(request);
    byPlayer.set(request.player, own);
  }
  const moves = new Map<Table, Moves>(tables.map((table) => [table, {}]));
  for (const [player, own] of byPlayer) {
    const decisions = await player.decide(own, signal);
    own.forEach(({ table, seat, view }, i) => {
      const { game } = table.spec;
      const decision = decisions[i];
      moves.set(table, { ...moves.get(table), [seat]: decision.action satisfies Action });
      if (seat === AGENT_SEAT)
        table.decisions.push({
          ...decision,
          view,
          round: table.round,
          informationState: game.informationState(view),
        });
    });
  }
  for (const table of tables) {
    const { game } = table.spec;
    if (game.turn(table.state).kind !== "move") continue;
    advance(table, game.move(table.state, moves.get(table) ?? {}));
    table.turns++;
  }
}

function requestsOf(table: Table): Request[] {
  const { game, agent, opponent } = table.spec;
  const turn = game.turn(table.state);
  if (turn.kind !== "move") return [];
  const opponentKey = foldIn(table.keys.opponent, drawIndex(table.round, table.step));
  return turn.seats.map((seat) => ({
    table,
    seat,
    game,
    player: seat === AGENT_SEAT ? agent : opponent,
    view: game.view(table.state, seat),
    place: { episode: table.spec.id, turn: table.turns, seat },
    key: seat === AGENT_SEAT ? foldIn(table.keys.agent, table.turns) : opponentKey,
  }));
}
