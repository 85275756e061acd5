/**
 * How text falls into the words that byte pair encoding works in: GPT-2's pattern, but with every digit a word of its own, so
 * that a number is spelled the same wherever it stands. A word is encoded without regard to its neighbours.
 */

/**
 * Contractions, letters, single digits and punctuation, the first and last two with an optional leading space, and runs of
 * space, of which the last goes with what follows. In the syntax of Hugging Face tokenizers, where `\s` is Unicode White_Space.
 */
const PATTERN = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** JavaScript's own `\s` holds U+FEFF and lacks U+0085. */
const WORD = new RegExp(PATTERN.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}"), "gu");

/** The same split as a Hugging Face pre-tokenizer, which also spells each byte with its character of the byte alphabet. */
export const PRE_TOKENIZER = {
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex: PATTERN }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
} as const;

/** The words of a text; joined they are the text. */
export const splitWords = (text: string): readonly string[] => text.match(WORD) ?? [];

/** GPT-2's byte alphabet: the printable character that stands for each byte. */
export function byteAlphabet(): readonly string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}
