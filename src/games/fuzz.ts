/**
 * Replies written from known parts, to hold `parse` to what was written. The writer shares nothing with the parser: it decorates an
 * action in ways that must not matter, or changes what the line says in ways after which no action may be read.
 */
import { type Key, foldIn, uniform } from "../random.ts";
import { randomPlayout } from "./conformance.ts";
import type { Action, Game } from "./game.ts";
import { DECORATIONS, DISTORTIONS, HARMLESS_UNICODE, LEAD_INS, LINE_STARTS } from "./spellings.ts";
import { type Parsed, parse } from "./parse.ts";

/**
 * `decorated`: states the action. `distorted`: names it and must not be read. `edited`: a decorated line with random edits, which may be
 * read as the action or not at all. `cut`: ended by its length limit.
 */
export const WRITINGS = ["decorated", "distorted", "edited", "cut"] as const;
export type Writing = (typeof WRITINGS)[number];

export interface WrittenReply {
  readonly writing: Writing;
  readonly text: string;
  /** The action that the last line was made from. */
  readonly action: Action;
  readonly legal: readonly Action[];
}

/** Characters that edits put in: none that is part of a number. */
const INSERTED = Array.from(" \t\n*_`'\".!?,;:=-~()[]{}<>/\\#|\u200b\u00a0éxX→");
const REASONS = [
  (action: Action) => `They may ${action} again.`,
  (action: Action) => `If I ${action}, they will remember it.`,
  (action: Action) => `${action} is tempting, but costly.`,
  (action: Action) => `Last round I chose ${action}.`,
  () => "Nothing has happened yet.",
  () => "",
];

/** Draws numbers one after another from a key. */
class Draws {
  readonly #key: Key;
  #index = 0;
  constructor(key: Key) {
    this.#key = key;
  }
  below(n: number): number {
    return Math.floor(uniform(this.#key, this.#index++) * n);
  }
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

function edited(line: string, draws: Draws): string {
  let text = line;
  for (let edits = 1 + draws.below(3); edits > 0; edits--) {
    const at = draws.below(text.length + 1);
    const kind = draws.below(3);
    if (kind === 0) text = text.slice(0, at) + draws.of(INSERTED) + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1);
    else text = text.slice(0, at) + draws.of(INSERTED) + text.slice(at + 1);
  }
  return text;
}

/** A line that states an action, in some of the ways that are allowed. */
function decorated(action: Action, draws: Draws): string {
  const line = draws.of(LINE_STARTS)(draws.of(LEAD_INS)(draws.of(DECORATIONS)(action)));
  return draws.below(4) === 0 ? draws.of(HARMLESS_UNICODE)(line) : line;
}

/** One reply at a position with these legal actions. */
export function writeReply(legal: readonly Action[], key: Key): WrittenReply {
  const draws = new Draws(key);
  const action = draws.of(legal);
  const others = legal.filter((other) => other !== action);
  const other = others.length === 0 ? action : draws.of(others);
  const writing = draws.of(WRITINGS);
  const reasons = Array.from({ length: draws.below(4) }, () => draws.of(REASONS)(draws.of(legal)));
  const usable = DISTORTIONS.filter(({ needsOther }) => !needsOther || others.length > 0);
  const line = writing === "distorted" ? draws.of(usable).write(action, other) : decorated(action, draws);
  const last = writing === "edited" ? edited(line, draws) : line;
  const text = [...reasons, last].join("\n") + draws.of(["", "", "\n", " \n\n"]);
  return { writing, action, legal, text: writing === "cut" ? text.slice(0, 1 + draws.below(text.length)) : text };
}

/** What is wrong with how a written reply was read; undefined when nothing is. */
export function misreading({ writing, action }: WrittenReply, parsed: Parsed): string | undefined {
  if (writing === "decorated")
    return parsed.status === "ok" && parsed.action === action ? undefined : `states ${action}, which was not read`;
  if (parsed.status === "parse-failure") {
    if (writing === "cut" && parsed.cause !== "cut") return `was cut, and failed as ${parsed.cause}`;
    return undefined;
  }
  if (writing === "edited")
    return parsed.status === "ok" && parsed.action !== action
      ? `was made of ${action}, and read as ${parsed.action}`
      : undefined;
  return `states no action, and ${parsed.action} was read`;
}

export interface FuzzReport {
  /** Replies by writing and by how they were read: `decorated ok`, `distorted negated`. */
  readonly counts: ReadonlyMap<string, number>;
  readonly misreadings: readonly { readonly text: string; readonly problem: string; readonly parsed: Parsed }[];
}

const MOST_SHOWN = 20;

/** Writes replies to positions of a game and compares what is read with what was written. */
export function fuzzParser(game: Game, replies: number, key: Key): FuzzReport {
  const positions: (readonly Action[])[] = [];
  for (let i = 0; i < 20; i++)
    for (const state of randomPlayout(game, foldIn(key, "positions", i))) {
      const turn = game.turn(state);
      if (turn.kind === "move") positions.push(...turn.seats.map((seat) => game.legal(game.view(state, seat))));
    }
  const counts = new Map<string, number>();
  const misreadings: { text: string; problem: string; parsed: Parsed }[] = [];
  for (let i = 0; i < replies; i++) {
    const written = writeReply(positions[i % positions.length], foldIn(key, i));
    const parsed = parse(written.text, game.grammar, written.legal, { cut: written.writing === "cut" });
    const outcome = `${written.writing} ${parsed.status === "parse-failure" ? parsed.cause : parsed.status}`;
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    const problem = misreading(written, parsed);
    if (problem !== undefined && misreadings.length < MOST_SHOWN) misreadings.push({ text: written.text, problem, parsed });
  }
  return { counts, misreadings };
}
