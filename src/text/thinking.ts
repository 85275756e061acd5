/** Thinking before answering: where it stands in a reply, and how a template writes it. */
import type { ChatTemplate, Message } from "./template.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The tokens that a model writes around what it thinks before it answers: Qwen's and Gemma 4's. */
const THINKING_MARKERS = [
  { open: "<think>", close: "</think>" },
  { open: "<|channel>", close: "<channel|>" },
] as const;

/** How a model thinks before it answers. */
export interface Thinking {
  readonly open: number;
  readonly close: number;
  /** Whether the prompt leaves the thinking open. */
  readonly opened: boolean;
  /** What the template writes between the end of the thinking and the answer. */
  readonly separator: string;
}

/** How the model of a tokenizer thinks: by the markers it has, and by what the template writes around an answer. */
export function thinkingOf(tokenizer: Tokenizer, template: ChatTemplate): Thinking | undefined {
  const markers = THINKING_MARKERS.find((pair) => tokenizer.specials.has(pair.open) && tokenizer.specials.has(pair.close));
  if (markers === undefined) return undefined;
  const [open, close] = [tokenizer.special(markers.open), tokenizer.special(markers.close)];
  const question: Message = { role: "user", content: "a" };
  const prompt = template.encode([question], true);
  const content = "\uE000";
  const answered = template.render([question, { role: "assistant", content }], false).split(content)[0];
  const closedAt = answered.lastIndexOf(markers.close);
  return {
    open,
    close,
    opened: prompt.lastIndexOf(open) > prompt.lastIndexOf(close),
    separator: closedAt < 0 ? "" : answered.slice(closedAt + markers.close.length),
  };
}

/**
 * The runs of a reply that are not thinking, the last one after any thinking; `undefined` when thinking is still open at its end.
 * An end of thinking without a beginning makes everything before it thinking, as the beginning may stand in the prompt.
 */
export function outsideThinking(
  tokens: readonly number[],
  thinking: Thinking | undefined,
): readonly (readonly number[])[] | undefined {
  if (thinking === undefined) return [tokens];
  let runs: (readonly number[])[] = [];
  let inside = thinking.opened;
  let from = 0;
  for (const [at, token] of tokens.entries()) {
    if (token === thinking.open && !inside) runs.push(tokens.slice(from, at));
    if (token === thinking.close && !inside) runs = [];
    if (token !== thinking.open && token !== thinking.close) continue;
    inside = token === thinking.open;
    from = at + 1;
  }
  return inside ? undefined : [...runs, tokens.slice(from)];
}
