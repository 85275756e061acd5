import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { trainTokenizer } from "./bpe.ts";
import { byteAlphabet, splitWords } from "./words.ts";

const specialTokens = ["<|pad|>", "<|end|>"];
const train = (texts: Iterable<string>, merges: number) =>
  trainTokenizer(texts, { vocabularySize: specialTokens.length + 256 + merges, specialTokens });
const mergesOf = (texts: Iterable<string>, merges: number) => train(texts, merges).model.merges.map((pair) => pair.join("+"));

describe("words", () => {
  test("are phrases, single digits and single line breaks", () => {
    expect(splitWords("It's round 12:\n\n  pay 3.50!")).toEqual([
      "It's round ",
      "1",
      "2",
      ":",
      "\n",
      "\n",
      "  pay ",
      "3",
      ".",
      "5",
      "0",
      "!",
    ]);
  });

  test("join to the text, and each is a word on its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("aZé文 \n\t\u0085\uFEFF\u00A05½'s!,-😀")) }), (text) => {
        const words = splitWords(text);
        expect(words.join("")).toBe(text);
        for (const word of words) expect(splitWords(word)).toEqual([word]);
      }),
    );
  });

  test("are spelled in 256 different printable characters", () => {
    const alphabet = byteAlphabet();
    expect(new Set(alphabet).size).toBe(256);
    // GPT-2's vocabulary spells space, newline and A so.
    expect([alphabet[0x20], alphabet[0x0a], alphabet[0x41]]).toEqual(["Ġ", "Ċ", "A"]);
  });
});

describe("merges", () => {
  // One word a line: low 1, " low" 4, " lower" 2, " newest" 6, " widest" 3 times.
  const lines = (word: string, times: number) => Array.from({ length: times }, () => word).join("\n");
  const texts = [`low\n${lines(" low", 4)}`, lines(" lower", 2), lines(" newest", 6), lines(" widest", 3)];

  test("take the most frequent pair, then the lexicographically smaller", () => {
    // 9 times: e+s, s+t (newest, widest). e+s first; then es+t has 9.
    // Next 7: l+o (1+4+2), o+w (7); l+o first, then lo+w 7. Then 6: Ġ+n, Ġ+low (4+2), e+w, n+e, w+est; in the order of code
    // points "Ġ" (U+0120) is after the letters, so e+w first, which leaves ew+est, n+ew, Ġ+n and Ġ+low 6 times: ew+est first.
    expect(mergesOf(texts, 6)).toEqual(["e+s", "es+t", "l+o", "lo+w", "e+w", "ew+est"]);
  });

  test("give these ids", () => {
    // Ids 0 and 1 are special, byte b has 2 + b, and the merges above follow from 258: es, est, lo, low, ew, ewest.
    const { vocab } = train(texts, 6).model;
    expect(["<|pad|>", "<|end|>", "l", "Ġ", "es", "low", "ewest"].map((token) => vocab[token])).toEqual([
      0,
      1,
      2 + 0x6c,
      2 + 0x20,
      258,
      261,
      263,
    ]);
  });

  test("stop when no pair occurs twice", () => {
    // ab, ab: one merge; the words then are one piece each.
    const trained = train(["ab", "ab"], 100);
    expect(trained.model.merges).toEqual([["a", "b"]]);
    expect(Object.keys(trained.model.vocab)).toHaveLength(2 + 256 + 1);
  });

  test("count pairs of a repeated letter as they stand and merge them from the left", () => {
    // aaa twice: a+a occurs 4 times; merged it is aa a, twice.
    expect(mergesOf(["aaa", "aaa"], 2)).toEqual(["a+a", "aa+a"]);
  });

  test("never spell a special token", () => {
    const { merges, vocab } = trainTokenizer(["end end", "end"], { vocabularySize: 400, specialTokens: ["end"] }).model;
    expect(merges.map((pair) => pair.join(""))).not.toContain("end");
    expect(vocab["end"]).toBe(0);
  });

  test("follow the definition: recounting every pair at every step", () => {
    const letters = fc.string({ unit: fc.constantFrom(...Array.from("aab ")), maxLength: 60 });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 4 }), (corpus) => {
        expect(train(corpus, 20).model.merges).toEqual(recounted(corpus, 20));
      }),
    );
  });

  test("depend on the corpus, not on the order of its texts", () => {
    const bytes = JSON.stringify(train(texts, 30));
    expect(JSON.stringify(train(texts, 30))).toBe(bytes);
    expect(JSON.stringify(train(texts.toReversed(), 30))).toBe(bytes);
  });
});

test("sizes and special tokens that cannot be are refused", () => {
  expect(() => trainTokenizer([], { vocabularySize: 257, specialTokens })).toThrow(
    "at least 258 (bytes and special tokens), got 257",
  );
  expect(() => trainTokenizer([], { vocabularySize: 999, specialTokens: ["<a>", "<a>"] })).toThrow("must differ");
  expect(() => trainTokenizer([], { vocabularySize: 999, specialTokens: ["!"] })).toThrow("must differ");
});

/** The definition of byte pair encoding, word by word. */
function recounted(corpus: readonly string[], most: number): [string, string][] {
  let words = corpus.flatMap((text) => splitWords(text)).map((word) => Array.from(word.replaceAll(" ", "Ġ")));
  const merges: [string, string][] = [];
  while (merges.length < most) {
    const pairs = words.flatMap((word) => word.slice(1).map((right, i): [string, string] => [word[i], right]));
    const count = ([a, b]: [string, string]) => pairs.filter(([c, d]) => a === c && b === d).length;
    const [best] = pairs.toSorted((p, q) => count(q) - count(p) || (p < q ? -1 : 1));
    if (best === undefined || count(best) < 2) break;
    merges.push(best);
    const [left, right] = best;
    words = words.map((word) => {
      const joined: string[] = [];
      for (const piece of word) {
        // The line break keeps a piece just joined from being joined again in the same round.
        if (joined.at(-1) === left && piece === right) joined.splice(-1, 1, `${left}${right}\n`);
        else joined.push(piece);
      }
      return joined.map((piece) => piece.replace("\n", ""));
    });
  }
  return merges;
}
