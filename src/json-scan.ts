/** Where text stops being JSON, and where it has the numbers that Python writes and JSON does not know. */

export interface JsonScan {
  /** The first place that is not JSON; `truncated` when the text only lacks its rest. */
  readonly fault?: { readonly offset: number; readonly truncated: boolean };
  readonly literals: readonly { readonly offset: number; readonly text: "NaN" | "Infinity" | "-Infinity" }[];
}

type Expected = "value" | "value or ]" | "key" | "key or }" | ":" | ", or }" | ", or ]" | "end";

const LITERALS = ["NaN", "Infinity", "-Infinity"] as const;
const WORDS = ["true", "false", "null", ...LITERALS] as const;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?/y;
/** What a number lacks digits after. */
const UNFINISHED = /^(?:\.|[Ee][+-]?)$/;
const ESCAPES = new Set('"\\/bfnrt');

/** Reads JSON without keeping it. */
export function scanJson(text: string): JsonScan {
  const literals: { offset: number; text: (typeof LITERALS)[number] }[] = [];
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let at = 0;
  const wrong = (offset: number, truncated = false): JsonScan => ({ fault: { offset, truncated }, literals });
  const afterValue = (): Expected => {
    const inside = open[open.length - 1];
    return inside === undefined ? "end" : inside === "{" ? ", or }" : ", or ]";
  };
  for (;;) {
    while (" \t\n\r".includes(text[at] ?? "x")) at++;
    if (at >= text.length) return expected === "end" ? { literals } : wrong(text.length, true);
    const character = text[at];
    switch (expected) {
      case "end":
        return wrong(at);
      case ":":
        if (character !== ":") return wrong(at);
        expected = "value";
        at++;
        continue;
      case ", or }":
      case ", or ]":
        if (character === ",") expected = expected === ", or }" ? "key" : "value";
        else if (character !== (expected === ", or }" ? "}" : "]")) return wrong(at);
        else {
          open.pop();
          expected = afterValue();
        }
        at++;
        continue;
      case "key or }":
      case "value or ]":
        if (character === (expected === "key or }" ? "}" : "]")) {
          open.pop();
          expected = afterValue();
          at++;
          continue;
        }
        break;
      case "key":
      case "value":
        break;
    }
    const isKey: boolean = expected.startsWith("key");
    if (character === '"') {
      const end = stringEnd(text, at);
      if (typeof end !== "number") return wrong(end.offset, end.truncated);
      at = end;
      expected = isKey ? ":" : afterValue();
      continue;
    }
    if (isKey) return wrong(at);
    if (character === "{" || character === "[") {
      open.push(character);
      expected = character === "{" ? "key or }" : "value or ]";
      at++;
      continue;
    }
    const word = WORDS.find((each) => text.startsWith(each, at));
    const literal = LITERALS.find((each) => each === word);
    if (literal !== undefined) literals.push({ offset: at, text: literal });
    const length = word?.length ?? numberLength(text, at);
    if (length === 0) {
      const rest = text.slice(at, at + 10);
      return rest === "-" || WORDS.some((each) => each.startsWith(rest)) ? wrong(text.length, true) : wrong(at);
    }
    at += length;
    if (UNFINISHED.test(text.slice(at, at + 3))) return wrong(text.length, true);
    expected = afterValue();
  }
}

function numberLength(text: string, at: number): number {
  NUMBER.lastIndex = at;
  return NUMBER.exec(text)?.[0].length ?? 0;
}

/** The place after a string, or where it goes wrong. */
function stringEnd(text: string, from: number): number | { readonly offset: number; readonly truncated: boolean } {
  for (let at = from + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character < " ") return { offset: at, truncated: false };
    if (character !== "\\") continue;
    const escape = text[++at];
    if (escape === undefined) break;
    if (escape === "u") {
      const digits = text.slice(at + 1, at + 5);
      if (!/^[\dA-Fa-f]*$/.test(digits)) return { offset: at - 1, truncated: false };
      at += 4;
    } else if (!ESCAPES.has(escape)) return { offset: at - 1, truncated: false };
  }
  return { offset: text.length, truncated: true };
}
