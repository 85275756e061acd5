import type { Action, Grammar } from "./game.ts";

/** How a reply was read. A failure says why, in words a player can act on. */
export type Parsed =
  | { readonly status: "ok"; readonly action: Action }
  | { readonly status: "parse-failure"; readonly reason: string }
  | { readonly status: "illegal-action"; readonly action: Action; readonly reason: string };

/**
 * Reads the action of a reply: the last line that holds an action of the grammar, never the reasoning above it. A line that
 * names two different actions is ambiguous and a parse failure.
 */
export function parse(reply: string, grammar: Grammar, legal: readonly Action[]): Parsed {
  const lines = reply.split("\n");
  for (let i = lines.length - 1; i >= 0; i--) {
    const found = new Set((lines[i].match(grammar.pattern) ?? []).map((match) => grammar.canonical(match)));
    found.delete(undefined);
    const [action, another] = found;
    if (action === undefined) continue;
    if (another !== undefined)
      return { status: "parse-failure", reason: `the line "${lines[i]}" names both ${action} and ${another}` };
    if (legal.includes(action)) return { status: "ok", action };
    return { status: "illegal-action", action, reason: `${action} is not legal here; expected ${legal.join(" or ")}` };
  }
  return { status: "parse-failure", reason: `no line names an action; expected ${grammar.description}` };
}
