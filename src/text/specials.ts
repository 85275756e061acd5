/** Finding the spellings of special tokens in text, and hiding those that a message only quotes. */

/** Tokens of Qwen that steer the model although `tokenizer.json` does not mark them as special. */
const UNMARKED = new Set(["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]);

/** Whether an added token is one that only a template or a model may write. */
export const isControl = ({
  content,
  special,
}: {
  readonly content: string;
  readonly special?: boolean | undefined;
}): boolean => special === true || UNMARKED.has(content);

/** Where any of the spellings stands, the longest first where several begin; null when there are none. */
export function spellingPattern(spellings: readonly string[]): RegExp | null {
  if (spellings.length === 0) return null;
  const escaped = spellings
    .toSorted((a, b) => b.length - a.length)
    .map((spelling) => spelling.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
  return new RegExp(`(${escaped.join("|")})`, "gu");
}

export interface Masked {
  readonly texts: readonly string[];
  /** Puts the spellings back. */
  readonly restore: (text: string) => string;
}

/** First of the private-use characters that stand for a spelling. */
const STAND_INS = 0xf0000;

/**
 * The texts with each spelling replaced by one private-use character that occurs in none of them. A character, not a gap inside
 * the spelling, so that nothing a template does to the text can make the spelling whole again.
 */
export function maskSpellings(texts: readonly string[], pattern: RegExp | null): Masked {
  if (pattern === null || !texts.some((text) => text.search(pattern) >= 0)) return { texts, restore: (text) => text };
  const taken = new Set(texts.flatMap((text) => Array.from(text)));
  const standIns = new Map<string, string>();
  let next = STAND_INS;
  const standIn = (spelling: string): string => {
    const known = standIns.get(spelling);
    if (known !== undefined) return known;
    while (taken.has(String.fromCodePoint(next))) next++;
    const character = String.fromCodePoint(next++);
    standIns.set(spelling, character);
    return character;
  };
  const masked = texts.map((text) => text.replaceAll(pattern, standIn));
  return {
    texts: masked,
    restore: (text) => [...standIns].reduce((rest, [spelling, character]) => rest.replaceAll(character, () => spelling), text),
  };
}
