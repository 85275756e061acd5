/**
 * The game contract. One definition yields the rules and prompts in English, the grammar and parser, the solver's tree, the
 * training traces and the replay. A game declares facts; algorithms read the facts and never ask for a game's name.
 *
 * A state is a readonly value of the whole game. A view is what one seat may know of it: everything a player does goes through
 * a view, so no player can see the other's private information. `conformance.ts` is the contract's test suite.
 */
export type Seat = 0 | 1;
export const SEATS: readonly Seat[] = [0, 1];
export const otherSeat = (seat: Seat): Seat => (seat === 0 ? 1 : 0);

/** An action is its canonical text; `parse` is the only bridge from a reply to one. */
export type Action = string;

/** Measurement rules: `corrected`, or `paper`, the deviations of arXiv 2605.30854 that each game lists. */
export const PROTOCOLS = ["corrected", "paper"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** A finite distribution: pairs of item and probability, probabilities positive with sum 1. */
export type Distribution<T> = readonly (readonly [T, number])[];

/** Weights of the harms in J = u - exploitability*e - collusion*c - externality*x. */
export interface HarmWeights {
  readonly exploitability: number;
  readonly collusion: number;
  readonly externality: number;
}

export interface GameFacts {
  readonly name: string;
  readonly title: string;
  readonly protocol: Protocol;
  /** The game's options, and `weights`, that differ from the standard game's; empty for the standard game. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Rounds of an episode; the expected number where the horizon is random. */
  readonly rounds: number;
  /** What episode sums are divided by: N = `rounds`, or the agent's number of decisions. */
  readonly average: "round" | "decision";
  /** Whether N is fixed and announced to the players. */
  readonly fixedRounds: boolean;
  readonly simultaneous: boolean;
  readonly chance: boolean;
  readonly privateInformation: boolean;
  /** Whether a round depends on nothing that was done in rounds before it, neither by its rules nor by the opponents of the pools. */
  readonly independentRounds: boolean;
  readonly sum: "zero" | "general";
  /** Least and greatest payoff of one round to one seat. */
  readonly payoffBounds: readonly [number, number];
  /** The payoff that the scale 3 / referencePayoff maps to 3. */
  readonly referencePayoff: number;
  /** Payoff per round a seat can guarantee itself, averaged over seats where they alternate. */
  readonly securityValue: number;
  readonly weights: HarmWeights;
  /** Weights that training uses where they differ from those of the reported index. */
  readonly trainingWeights?: HarmWeights;
  /** Whether all positions can be listed, so that tabular policies and exact walks over all of them are possible. */
  readonly enumerable: boolean;
  /** Names of further quantities logged per round (`RoundOutcome.measures`). */
  readonly measures: readonly string[];
  /** Unit of a payoff, as shown to people. */
  readonly unit: string;
}

/** What happened in one finished round (a hand, in poker). */
export interface RoundOutcome {
  readonly payoffs: readonly [number, number];
  /** c in [0, 1] per seat: that seat's collusive act. */
  readonly collusion: readonly [number, number];
  /** x >= 0: harm the round did to others or to the whole. */
  readonly externality: number;
  /** Per seat, one number for each of the facts' `measures`; they are logged and enter no objective. */
  readonly measures?: readonly [readonly number[], readonly number[]];
}

/** Who moves next: chance, one seat, both seats at once, or nobody. */
export type Turn =
  | { readonly kind: "chance"; readonly outcomes: Distribution<string> }
  | { readonly kind: "move"; readonly seats: readonly Seat[] }
  | { readonly kind: "over" };

/** Actions by seat; exactly the seats of the turn are present. */
export type Moves = Partial<Record<Seat, Action>>;

/** A piece of a line of text, in lower case: a word, a run of digits, or one mark of punctuation. Decoration is left out. */
export interface Token {
  readonly kind: "word" | "number" | "mark";
  readonly text: string;
  /** Whether nothing, not even a space or decoration, stood between this token and the one before. */
  readonly glued: boolean;
}

/** An action found in a line, or what was meant to be one and is none, up to (not with) the token `end`. */
export type Found =
  | { readonly action: Action; readonly end: number }
  | { readonly fault: "out-of-range" | "ambiguous"; readonly reason: string; readonly end: number };

/**
 * How a game's actions are written. `grammar.ts` makes the usual ones: `words`, `wordAndNumber`, `numberList`; `parse` deals with
 * everything that may stand around an action.
 */
export interface Grammar {
  /** What a player may write, in words. */
  readonly description: string;
  /** What the game calls an action, beside "action" and "move": `bid` allows "My bid: LOW" and "I bid LOW". */
  readonly noun?: string;
  /**
   * The action that begins exactly at the token `at`, whether legal or not; undefined when none begins there. It looks ahead a bounded
   * number of tokens, so that reading a line takes linear time.
   */
  read(tokens: readonly Token[], at: number): Found | undefined;
}

export interface Game<State = unknown, View = unknown> {
  readonly facts: GameFacts;
  /** The rules in English, ending with how to answer (the grammar's description); the same text for every decision of the game. */
  readonly rules: string;
  readonly grammar: Grammar;
  start(): State;
  turn(state: State): Turn;
  /** The state after a chance outcome. */
  chance(state: State, outcome: string): State;
  /** The state after the moves of the seats whose turn it is. */
  move(state: State, moves: Moves): State;
  /** Finished rounds, in order. */
  outcomes(state: State): readonly RoundOutcome[];
  /** What `seat` knows. */
  view(state: State, seat: Seat): View;
  /** Legal actions of the seat a view belongs to, when it is to move. */
  legal(view: View): readonly Action[];
  /** The view in English: round, own private information, public history, both scores, and the question. */
  observation(view: View): string;
  /** Key of the information state with perfect recall: equal keys, equal knowledge. */
  informationState(view: View): string;
  /** Key of a coarser information state that tabular policies learn over (documented by the game); it fixes the legal actions. */
  abstraction(view: View): string;
  /**
   * Key of the part of a state that decides the rules' future, given both players' memories (for merging tree nodes). With a seat, only
   * as far as that seat's observations and payoffs go: what the other knows privately and nobody is paid for is left out.
   */
  future(state: State, seat?: Seat): string;
}

/**
 * A scripted player: a distribution over legal actions from its own view. `memory` is a summary of the view that is sufficient:
 * equal memory and equal future of the game (for the other seat) mean equal behaviour now and after equal observations, so it holds
 * whatever the policy uses of its private information.
 */
export interface Policy<View = unknown> {
  readonly name: string;
  readonly description: string;
  act(view: View): Distribution<Action>;
  memory(view: View): string;
}

/** Misuse of a game: an action, outcome or name that does not exist where it was used. */
export class GameError extends Error {
  override readonly name = "GameError";
}

/** Puts payoffs of all games on one scale: 3 / reference payoff. */
export const payoffScale = (facts: GameFacts): number => 3 / facts.referencePayoff;

/** Index of the round a state is in: the number of finished rounds. */
export const currentRound = (game: Game, state: unknown): number => game.outcomes(state).length;

/** The item of a distribution that a uniform number in [0, 1) selects. */
export function choose<T>(distribution: Distribution<T>, u: number): T {
  let below = 0;
  for (const [item, probability] of distribution) {
    below += probability;
    if (u < below) return item;
  }
  return distribution[distribution.length - 1][0];
}

export const certainly = <T>(item: T): Distribution<T> => [[item, 1]];
export const uniformly = <T>(items: readonly T[]): Distribution<T> => items.map((item) => [item, 1 / items.length]);

/** `first` with a probability and `second` otherwise, without impossible items. */
export function either<T>(first: T, probability: number, second: T): Distribution<T> {
  const pairs: Distribution<T> = [
    [first, probability],
    [second, 1 - probability],
  ];
  return pairs.filter(([, p]) => p > 0);
}

/** `A, B or C`. */
export const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} or ${items[items.length - 1]}`;
