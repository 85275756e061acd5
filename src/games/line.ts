/** The last line of a reply, and the tokens of a line: what is left of it without decoration. */
import type { Token } from "./game.ts";

/** Characters that end a line. */
const isLineEnd = (code: number): boolean =>
  (code >= 0x0a && code <= 0x0d) || code === 0x85 || code === 0x2028 || code === 0x2029;

/** Invisible: zero-width spaces, joiners and marks of direction, variation selectors, soft hyphens. They are taken out. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]|\ufe0e|\ufe0f/g;
/** Numbers of other shapes (superscripts, fractions, circled, Roman) would become digits or letters; such a line stays as it is. */
const OTHER_NUMBERS = /[\p{No}\p{Nl}]/u;
const APOSTROPHES = /[’‘ʼ´`]/g;
/** A line of nothing but these closes emphasis or a block of code and counts as empty. */
const ONLY_MARKS = /^[`*_\s]*$/;

/** White space and compatibility forms (full-width letters, no-break spaces) as the plain characters, invisible ones removed. */
function normalise(line: string): string {
  const visible = line.replace(INVISIBLE, "").replace(APOSTROPHES, "'");
  return (OTHER_NUMBERS.test(visible) ? visible : visible.normalize("NFKC")).trim();
}

/** The last line that is not empty, normalised; "" when there is none. */
export function lastLine(reply: string): string {
  for (let end = reply.length; end > 0;) {
    let start = end;
    while (start > 0 && !isLineEnd(reply.charCodeAt(start - 1))) start--;
    const line = normalise(reply.slice(start, end));
    if (!ONLY_MARKS.test(line.replaceAll("'", ""))) return line;
    end = start - 1;
  }
  return "";
}

/** The first line that is not empty, normalised. */
export function firstLine(reply: string): string {
  for (let start = 0; start < reply.length;) {
    let end = start;
    while (end < reply.length && !isLineEnd(reply.charCodeAt(end))) end++;
    const line = normalise(reply.slice(start, end));
    if (line !== "") return line;
    start = end + 1;
  }
  return "";
}

/** Wrappers of an answer: tags, LaTeX boxes and texts. Backslashes before punctuation are escapes of Markdown. */
const WRAPPERS =
  /<\/?(?:answer|final_answer|final|action|move|output|response)>|\\(?:boxed|text(?:bf|tt|it)?|mathbf|mathrm)\b/gi;
const ESCAPES = /\\(?=[*_`#>[\](){}$])/g;
const QUOTE_OR_HEADING = /^[\s#>*_`]+/;
/** Words (an apostrophe may stand inside), runs of digits, and single marks. */
const TOKEN = /[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*|[0-9]+|\S/gu;
/** Emphasis, quotation marks and signs of approval: they say nothing. */
const DECORATION = new Set("*_'\"`“”„‟«»‹›「」『』′″✅✔☑");
const DASHES = /^[\p{Pd}\u2212•‣◦▪●·]$/u;
const STOPS: Readonly<Record<string, string>> = { "。": ".", "…": "…", "➡": "→" };

const kindOf = (text: string): Token["kind"] => {
  if (/^[0-9]/.test(text)) return "number";
  return /^[\p{L}\p{M}]/u.test(text) ? "word" : "mark";
};

/**
 * A line as words, numbers and marks in lower case. Emphasis, quotation marks, wrappers and the marks of a quotation or a heading are
 * left out; every dash and bullet is "-". A token is `glued` when nothing at all stood between it and the one before.
 */
export function tokensOf(line: string): Token[] {
  const plain = line.replace(WRAPPERS, " ").replace(ESCAPES, "").replace(QUOTE_OR_HEADING, "");
  const tokens: Token[] = [];
  let end = -1;
  for (const match of plain.matchAll(TOKEN)) {
    const found = match[0];
    const glued = match.index === end;
    end = match.index + found.length;
    if (DECORATION.has(found)) {
      end = -1;
      continue;
    }
    const text = DASHES.test(found) ? "-" : (STOPS[found] ?? found.toLowerCase());
    tokens.push({ kind: kindOf(found), text, glued });
  }
  return tokens;
}
