/** The usual grammars: fixed words, a word and a number, a list of numbers in brackets. */
import { type Action, type Found, GameError, type Grammar, type Token, listed } from "./game.ts";
import { tokensOf } from "./line.ts";

const textAt = (tokens: readonly Token[], at: number): string | undefined => tokens[at]?.text;
const isNumber = (token: Token | undefined): token is Token => token?.kind === "number";

/** Fixed words (or phrases), in any case; longer ones first where one begins another. */
export function words(actions: readonly Action[], { noun }: { readonly noun?: string } = {}): Grammar {
  const byFirst = new Map<string, { readonly action: Action; readonly texts: readonly string[] }[]>();
  const known = new Map<string, Action>();
  for (const action of actions) {
    const texts = tokensOf(action).map(({ text }) => text);
    const other = known.get(texts.join(" "));
    if (texts.length === 0) throw new GameError(`words: the action "${action}" has no letter or digit to be read by`);
    if (other !== undefined) throw new GameError(`words: the actions "${other}" and "${action}" read alike`);
    known.set(texts.join(" "), action);
    byFirst.set(texts[0], [...(byFirst.get(texts[0]) ?? []), { action, texts }]);
  }
  for (const candidates of byFirst.values()) candidates.sort((a, b) => b.texts.length - a.texts.length);
  return {
    description: listed(actions),
    ...(noun === undefined ? {} : { noun }),
    read(tokens, at) {
      const found = byFirst
        .get(tokens[at].text)
        ?.find(({ texts }) => texts.every((text, i) => textAt(tokens, at + i) === text));
      return found && { action: found.action, end: at + found.texts.length };
    },
  };
}

/** Whether a number goes on in a way that makes it another one: 5.5, 1,000, 5/10, 5%, 5th, 5e0. */
function goesOn(tokens: readonly Token[], at: number): boolean {
  const mark: Token | undefined = tokens[at];
  const next: Token | undefined = tokens[at + 1];
  if (mark === undefined || !mark.glued) return false;
  if (mark.kind === "word" || mark.text === "%") return true;
  return [".", ",", "/", ":", "^"].includes(mark.text) && isNumber(next) && next.glued;
}

/** The whole number written at a token; undefined when it has leading zeros, goes on, or leaves the bounds. */
function wholeNumber(tokens: readonly Token[], at: number, least: number, most: number): number | undefined {
  const { text } = tokens[at];
  const value = Number(text);
  const plain = (text === "0" || !text.startsWith("0")) && Number.isSafeInteger(value) && value >= least && value <= most;
  return plain ? value : undefined;
}

/** Tokens after a word in which a number that belongs to it is looked for. */
const NEARBY = 8;

export interface WordAndNumber {
  readonly word: string;
  readonly least: number;
  readonly most: number;
  /** Words that may follow the number. */
  readonly units?: readonly string[];
  readonly noun?: string;
}

/**
 * A word and a whole number, `DEMAND 5`. A colon, an equals sign and a bracket may stand between them; a number with a sign, a fraction,
 * or outside `least`..`most` is out of range.
 */
export function wordAndNumber({ word, least, most, units = [], noun }: WordAndNumber): Grammar {
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(most) || least < 0 || least > most)
    throw new GameError(`wordAndNumber: expected whole numbers 0 <= least <= most, got ${least} and ${most}`);
  const [first, ...rest] = tokensOf(word).map(({ text }) => text);
  if (first === undefined || rest.length > 0) throw new GameError(`wordAndNumber: expected one word, got "${word}"`);
  const range = `a whole number from ${least} to ${most}`;
  return {
    description: `${word} and ${range}, for example ${word} ${Math.floor((least + most) / 2)}`,
    ...(noun === undefined ? {} : { noun }),
    read(tokens, at) {
      if (tokens[at].text !== first) return undefined;
      let place = at + 1;
      if ([":", "="].includes(textAt(tokens, place) ?? "")) place++;
      if (["(", "[", "{"].includes(textAt(tokens, place) ?? "")) place++;
      const outOfRange = (end: number): Found => ({ fault: "out-of-range", reason: `${word} takes ${range}`, end });
      if (["-", "+"].includes(textAt(tokens, place) ?? "") && isNumber(tokens[place + 1])) return outOfRange(place + 2);
      if (!isNumber(tokens[place])) {
        const near = tokens.slice(place, place + NEARBY).findIndex(isNumber);
        if (near < 0) return undefined;
        return { fault: "ambiguous", reason: `${word} and its number stand apart`, end: place + near + 1 };
      }
      const value = wholeNumber(tokens, place, least, most);
      if (goesOn(tokens, place + 1)) return outOfRange(place + 2 + (isNumber(tokens[place + 2]) ? 1 : 0));
      if (value === undefined) return outOfRange(place + 1);
      const end = units.includes(textAt(tokens, place + 1) ?? "") ? place + 2 : place + 1;
      return { action: `${word} ${value}`, end };
    },
  };
}

export interface NumberList {
  /** What the numbers count, in order; a player may write them before the numbers. */
  readonly names: readonly string[];
  readonly description?: string;
  readonly least?: number;
  readonly most?: number;
  readonly noun?: string;
}

/** Whole numbers in square brackets, `[1, 0, 2]`; with all names also `{"books": 1, "hats": 0, "balls": 2}`. */
export function numberList({ names, description, least = 0, most = Number.MAX_SAFE_INTEGER, noun }: NumberList): Grammar {
  if (names.length === 0) throw new GameError("numberList: expected at least one name");
  const labels = names.map((name) =>
    tokensOf(name)
      .map(({ text }) => text)
      .join(" "),
  );
  /** Tokens within the brackets, at most: a name, a separator, a number and a comma each; brackets that reach further are no list. */
  const longest = 4 * (names.length + 2) + 2;

  /** The numbers between the brackets, or what is wrong with them. */
  function numbers(tokens: readonly Token[], from: number, to: number, named: boolean): number[] | Found {
    const fault = (kind: "out-of-range" | "ambiguous", reason: string): Found => ({ fault: kind, reason, end: to + 1 });
    const values: number[] = [];
    let place = from;
    while (place < to) {
      const label = labels[values.length];
      const hasLabel =
        label !== undefined && textAt(tokens, place) === label && [":", "="].includes(textAt(tokens, place + 1) ?? "");
      if (hasLabel) place += 2;
      else if (named) return fault("ambiguous", `expected ${names.join(", ")} in this order`);
      if (["-", "+"].includes(textAt(tokens, place) ?? "") && isNumber(tokens[place + 1]))
        return fault("out-of-range", "the numbers carry no signs");
      if (!isNumber(tokens[place])) return fault("ambiguous", "the brackets hold more than numbers and commas");
      const value = wholeNumber(tokens, place, least, most);
      // A comma is what separates them, so that "1,000" is two numbers, of which the second has leading zeros.
      if (value === undefined || (textAt(tokens, place + 1) !== "," && goesOn(tokens, place + 1)))
        return fault("out-of-range", `each number is a whole one of at least ${least}`);
      values.push(value);
      place++;
      if (place < to && textAt(tokens, place) !== ",") return fault("ambiguous", "commas separate the numbers");
      if (place === to - 1) return fault("ambiguous", "a number is missing after the last comma");
      place++;
    }
    if (values.length === names.length) return values;
    return fault("out-of-range", `expected ${names.length} numbers in the brackets, got ${values.length}`);
  }

  return {
    description: description ?? `[${names.join(", ")}] in whole numbers, for example [${names.map(() => least).join(", ")}]`,
    ...(noun === undefined ? {} : { noun }),
    read(tokens, at) {
      const curly = tokens[at].text === "{";
      if (!curly && tokens[at].text !== "[") return undefined;
      const closing = curly ? "}" : "]";
      let to = at + 1;
      let holdsNumber = false;
      for (; to < tokens.length && to - at <= longest && tokens[to].text !== closing; to++) {
        if (tokens[to].text === tokens[at].text) return undefined;
        holdsNumber ||= isNumber(tokens[to]);
      }
      if (curly && textAt(tokens, at + 1) !== labels[0]) return undefined;
      if (!holdsNumber) return undefined;
      if (textAt(tokens, to) !== closing) return { fault: "ambiguous", reason: "the brackets do not close", end: to };
      const values = numbers(tokens, at + 1, to, curly);
      return Array.isArray(values) ? { action: `[${values.join(", ")}]`, end: to + 1 } : values;
    },
  };
}
