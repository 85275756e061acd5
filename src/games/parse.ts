/**
 * The only bridge from a reply to an action. The rules ask for the action alone on the last line, so that line is read and nothing
 * above it; a wrong reading in silence would be worse than a failure, so whatever is not known to be harmless makes it unreadable.
 *
 * What counts: the last line that is not empty (a line of nothing but `*`, `_` and backticks closes something and counts as empty).
 * Left out: invisible characters, Markdown's emphasis, headings, quotations and bullets, quotation marks, brackets, check marks, LaTeX
 * boxes, tags such as `<answer>`; full-width forms are the plain ones. Before the action a lead-in of a closed list may stand
 * (`lead-in.ts`), after it a full stop or exclamation marks. The same action named again ("DEFECT (DEFECT)") is one action. Case is free.
 */
import type { Action, Found, Grammar, Token } from "./game.ts";
import { isBracket, isLeadIn } from "./lead-in.ts";
import { firstLine, lastLine, tokensOf } from "./line.ts";

/**
 * Why no action could be read. `cut`: the reply was ended by its length limit, or its thinking did not end. `refused`: no action, but a
 * usual phrase of refusal. `negated`: an action beside a negation. `out-of-range`: an action with a number that the game's
 * actions do not have. `ambiguous`: two actions, or one among words that are not known to state it (a hedge, a condition, a third
 * person). `missing`: no action at all.
 */
export const PARSE_FAILURES = ["cut", "refused", "negated", "out-of-range", "ambiguous", "missing"] as const;
export type ParseFailureCause = (typeof PARSE_FAILURES)[number];

/** How a reply was read. A failure says why, in words a player can act on. */
export type Parsed =
  | { readonly status: "ok"; readonly action: Action }
  | { readonly status: "parse-failure"; readonly cause: ParseFailureCause; readonly reason: string }
  | { readonly status: "illegal-action"; readonly action: Action; readonly reason: string };

export interface ParseOptions {
  /** Whether the length limit ended the reply; nobody knows then whether its last line is complete ("DEMAND 1" of "DEMAND 10"). */
  readonly cut?: boolean;
}

const failure = (cause: ParseFailureCause, reason: string): Parsed => ({ status: "parse-failure", cause, reason });

/**
 * Reads the action that the last line of a reply states. `undefined` is a reply whose thinking did not end. An action of the grammar
 * that is not among the `legal` ones is an illegal action. Never throws; linear in the length of the reply.
 */
export function parse(
  reply: string | undefined,
  grammar: Grammar,
  legal: readonly Action[],
  { cut = false }: ParseOptions = {},
): Parsed {
  if (reply === undefined) return failure("cut", "the reply ended before its thinking did");
  if (cut) return failure("cut", "the reply was ended by its length limit, so its last line may be incomplete");
  const line = lastLine(reply);
  if (line === "") return failure("missing", `the reply is empty; expected ${grammar.description}`);
  if (legal.includes(line)) return { status: "ok", action: line };
  const tokens = tokensOf(line);
  const action = stated(tokens, grammar);
  if (action === undefined) return explain(reply, line, tokens, grammar);
  if (legal.includes(action)) return { status: "ok", action };
  return { status: "illegal-action", action, reason: `${action} is not legal here; expected ${someOf(legal)}` };
}

const SHOWN = 12;
const someOf = (legal: readonly Action[]): string =>
  legal.length <= SHOWN ? legal.join(" or ") : `one of ${legal.slice(0, SHOWN).join(", ")} and ${legal.length - SHOWN} more`;

/** The action that a line states: a lead-in, the action (perhaps again), closing punctuation. */
function stated(tokens: readonly Token[], grammar: Grammar): Action | undefined {
  let at = 0;
  let first: Found | undefined;
  while (at < tokens.length && (first = grammar.read(tokens, at)) === undefined) at++;
  if (first === undefined || !("action" in first) || !isLeadIn(tokens, at, grammar.noun)) return undefined;
  let closed = true;
  for (at = first.end; at < tokens.length;) {
    const { text } = tokens[at];
    const again = isBracket(tokens[at]) && text !== "[" && text !== "{" ? undefined : grammar.read(tokens, at);
    if (again !== undefined) {
      if (!("action" in again) || again.action !== first.action) return undefined;
      at = again.end;
      closed = true;
      continue;
    }
    // A comma needs the same action after it, and dots that trail off leave something unsaid.
    if (text === ",") closed = false;
    else if (text === "." ? tokens[at + 1]?.text === "." : text !== "!" && !isBracket(tokens[at])) return undefined;
    at++;
  }
  return closed ? first.action : undefined;
}

/** Every action of a line, and every attempt at one. */
function mentions(tokens: readonly Token[], grammar: Grammar): { readonly at: number; readonly found: Found }[] {
  const all: { readonly at: number; readonly found: Found }[] = [];
  for (let at = 0; at < tokens.length;) {
    const found = grammar.read(tokens, at);
    if (found !== undefined) all.push({ at, found });
    at = found?.end ?? at + 1;
  }
  return all;
}

const NEGATIONS = new Set(
  "not never cannot neither nor without avoid avoiding refuse refusing reject rather instead except dont wont cant ❌ ✗ ✘ ✖ 🚫".split(
    " ",
  ),
);
const negates = ({ text, glued }: Token, i: number, tokens: readonly Token[]): boolean =>
  NEGATIONS.has(text) || text.endsWith("n't") || (text === "~" && glued && tokens[i - 1]?.text === "~");

/** Phrases of refusal on the last line, and those that leave no doubt at the beginning of a reply. */
const REFUSAL =
  /\b(?:i (?:can't|cannot|can not|won't|will not|refuse|decline|must decline|am unable|am not able)|i'm (?:sorry|unable|not able)|i am sorry|i apologi[sz]e|sorry, (?:but|i)|as an ai|as a (?:large )?language model)\b/i;
const OPENING_REFUSAL =
  /^(?:i'm sorry|i am sorry|sorry, (?:but|i)|i apologi[sz]e|as an ai|as a (?:large )?language model|i refuse|i (?:must )?decline|i (?:can't|cannot|can not|won't|will not|am unable to|am not able to) (?:help|assist|comply|participate|take part|engage|continue|play|provide|fulfil+))\b/i;

/** Says why a line states no action. */
function explain(reply: string, line: string, tokens: readonly Token[], grammar: Grammar): Parsed {
  const shown = line.length > 80 ? `${line.slice(0, 80)}...` : line;
  const fail = (cause: ParseFailureCause, problem: string): Parsed =>
    failure(cause, `the last line "${shown}" ${problem}; expected ${grammar.description}, alone on that line`);
  const all = mentions(tokens, grammar);
  if (all.length === 0)
    return REFUSAL.test(line) || OPENING_REFUSAL.test(firstLine(reply))
      ? fail("refused", "names no action, and the reply refuses")
      : fail("missing", "names no action");
  if (tokens.some(negates) || all.some(({ at }) => tokens[at - 1]?.text === "no")) return fail("negated", "negates an action");
  const [{ found }] = all;
  const named = [
    ...new Set(all.map((mention) => ("action" in mention.found ? mention.found.action : "one that does not exist"))),
  ];
  if (named.length > 1) return fail("ambiguous", `names ${named.join(" and ")}`);
  if (tokens.some(({ kind }, i) => kind === "number" && i >= found.end)) return fail("ambiguous", "holds more than one number");
  if ("fault" in found) return fail(found.fault, `names no action of the game: ${found.reason}`);
  return fail("ambiguous", `holds ${found.action} beside something else`);
}
