/** One game at the table: the referee plays it, a person sits in seat 0 and chooses when asked. */
import type { Action, Game, Moves, RoundOutcome } from "../../games/index.ts";
import { currentRound } from "../../games/index.ts";
import { type EpisodeSpec, playEpisodes } from "../../play/episodes.ts";
import type { DecisionRequest, Player } from "../../play/player.ts";
import { LeftTable } from "../../play/players/person.ts";
import { foldIn, seedKey } from "../../random.ts";

/** One turn of moves, with what was known before it. */
export interface Step {
  readonly round: number;
  readonly moves: Moves;
  readonly views: readonly [unknown, unknown];
  /** What a model wrote for its move. */
  readonly reply?: string;
}

export interface TableState {
  readonly phase: "choosing" | "waiting" | "over" | "failed";
  /** What the person knows, while choosing. */
  readonly view?: unknown;
  readonly steps: readonly Step[];
  readonly outcomes: readonly RoundOutcome[];
  readonly problem?: string;
}

export interface TableOptions {
  readonly game: Game;
  readonly opponent: Player;
  /** Of cards and of the opponent: the same as of `sepo play --seed`. */
  readonly seed: number;
  readonly onChange: (state: TableState) => void;
}

export class Table {
  state: TableState = { phase: "waiting", steps: [], outcomes: [] };
  readonly #onChange: (state: TableState) => void;
  #choose: ((action: Action) => void) | undefined;
  #leave: ((reason: Error) => void) | undefined;
  #reply: string | undefined;
  #left = false;

  constructor({ game, opponent, seed, onChange }: TableOptions) {
    this.#onChange = onChange;
    const key = foldIn(seedKey(seed), "play", game.facts.name);
    const spec: EpisodeSpec = {
      game: this.#watched(game),
      agent: { name: "you", decide: async ([request]) => [await this.#ask(request)] },
      opponent: this.#overheard(opponent),
      pool: "held-out",
      id: "play",
      scenario: foldIn(key, "scenario"),
      sampling: foldIn(key, "sampling"),
    };
    playEpisodes([spec]).then(
      () => this.#change({ phase: "over" }),
      (error: unknown) => {
        if (!(error instanceof LeftTable)) this.#change({ phase: "failed", problem: String(error) });
      },
    );
  }

  choose(action: Action): void {
    this.#change({ phase: "waiting" });
    this.#choose?.(action);
  }

  leave(): void {
    this.#left = true;
    this.#leave?.(new LeftTable("the person left the table"));
  }

  #change(change: Partial<TableState>): void {
    this.state = { ...this.state, ...change };
    if (!this.#left) this.#onChange(this.state);
  }

  async #ask({ game, view }: DecisionRequest): Promise<{ action: Action; parsed: { status: "ok"; action: Action } }> {
    this.#change({ phase: "choosing", view });
    const action = await new Promise<Action>((resolve, reject) => {
      [this.#choose, this.#leave] = [resolve, reject];
    });
    if (!game.legal(view).includes(action)) throw new RangeError(`"${action}" is not legal`);
    return { action, parsed: { status: "ok", action } };
  }

  /** The opponent; what it writes is remembered for the step. */
  #overheard(opponent: Player): Player {
    return {
      name: opponent.name,
      decide: async (requests, signal) => {
        // A moment for the page to show that the opponent is thinking.
        await new Promise((resolve) => setTimeout(resolve));
        const decisions = await opponent.decide(requests, signal);
        this.#reply = decisions[0].reply?.text;
        return decisions;
      },
    };
  }

  /** The game; every move is seen. */
  #watched(game: Game): Game {
    return {
      ...game,
      move: (state, moves) => {
        const next = game.move(state, moves);
        const round = currentRound(game, state);
        const reply = this.#reply === undefined ? {} : { reply: this.#reply };
        this.#reply = undefined;
        const step: Step = { round, moves, views: [game.view(state, 0), game.view(state, 1)], ...reply };
        this.#change({ steps: [...this.state.steps, step], outcomes: game.outcomes(next) });
        return next;
      },
    };
  }
}
