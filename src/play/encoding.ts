/** How a decision becomes a prompt and a reply becomes text: the bridge between games, which speak English, and engines. */
import type { Prompt } from "../engines/engine.ts";
import type { Action, Game } from "../games/index.ts";
import { abstractViews } from "../solvers/walk.ts";
import type { Chat } from "../text/chat.ts";
import { messagesOf } from "./messages.ts";

export interface Encoding {
  readonly vocabularySize: number;
  /** Tokens that end a reply. */
  readonly stop: readonly number[];
  prompt(game: Game, view: unknown): Prompt;
  /** The completion that says `text`, with its end. */
  reply(text: string): readonly number[];
  /** The completion `tokens` without its end, continued by a last line `action` and the end. */
  resolve(tokens: readonly number[], action: Action): readonly number[];
  /** The completion `tokens` with its last line replaced by `action`: what it would be had its reasons led to `action`. */
  revise(tokens: readonly number[], action: Action): readonly number[];
  /** All that a completion says. */
  text(tokens: readonly number[]): string;
  /** What of it is the answer, which alone can name an action; `undefined` when it never came to answering. */
  answer(tokens: readonly number[]): string | undefined;
}

/** Chat messages through a tokenizer and template: the rules as system message, the observation as user message. */
export function chatEncoding(chat: Chat): Encoding {
  return {
    vocabularySize: chat.vocabularySize,
    stop: chat.stop,
    prompt: (game, view) => chat.prompt(messagesOf(game, view)),
    reply: (text) => chat.reply(text),
    resolve: (tokens, action) => chat.conclude(tokens, action),
    revise: (tokens, action) => chat.revise(tokens, action),
    text: (tokens) => chat.text(tokens),
    answer: (tokens) => chat.answer(tokens),
  };
}

/** The vocabulary of `tableEncoding`: a token per abstract information key of every game, then one per action. */
export interface TableVocabulary {
  /** Legal action tokens per key token. */
  readonly rows: readonly (readonly number[])[];
  readonly keys: readonly string[];
  readonly actions: readonly Action[];
}

/** Walks every game and lists the abstract keys (`name/key`) with their legal actions. */
export function tableVocabulary(games: readonly Game[]): TableVocabulary {
  const legal = new Map<string, readonly Action[]>();
  for (const game of games)
    for (const [key, view] of abstractViews(game)) legal.set(`${game.facts.name}/${key}`, game.legal(view));
  const keys = [...legal.keys()].toSorted();
  const actions = [...new Set([...legal.values()].flat())].toSorted();
  return {
    keys,
    actions,
    rows: keys.map((key) => (legal.get(key) ?? []).map((action) => keys.length + actions.indexOf(action))),
  };
}

/** For the tabular engine: a prompt is the token of the abstract information key, a reply is one action token. */
export function tableEncoding(vocabulary: TableVocabulary): Encoding {
  const { keys, actions, rows } = vocabulary;
  const index = new Map(keys.map((key, i) => [key, i]));
  const actionTokens = actions.map((_, i) => keys.length + i);
  const token = (action: string): number => keys.length + actions.indexOf(action);
  const text = (tokens: readonly number[]): string => tokens.map((t) => actions[t - keys.length] ?? keys[t]).join(" ");
  return {
    vocabularySize: keys.length + actions.length,
    stop: actionTokens,
    prompt(game, view) {
      const key = `${game.facts.name}/${game.abstraction(view)}`;
      const at = index.get(key);
      if (at === undefined || rows[at].length === 0) throw new RangeError(`no table row for information key "${key}"`);
      return { tokens: [at], shared: 0 };
    },
    // A table has no words: of a reply only its last line, the action, remains.
    reply: (text) => [token(text.slice(text.lastIndexOf("\n") + 1))],
    resolve: (_, action) => [token(action)],
    revise: (_, action) => [token(action)],
    text,
    answer: text,
  };
}
