/**
 * How text falls into the words that byte pair encoding works in. A word is a phrase: everything between line breaks and digits. So a
 * recurring phrase of a game (", you BET they CALL, +") becomes one token, which makes prompts about three times shorter than words
 * between spaces do; line breaks and digits stand alone, so that a number is spelled the same wherever it stands and the
 * action on its own line is a token of its own. A word is encoded without regard to its neighbours.
 */

/** Single digits, single line breaks, and runs of anything else; the syntax means the same to Hugging Face tokenizers. */
const PATTERN = String.raw`\p{N}|\n|[^\p{N}\n]+`;

const WORD = new RegExp(PATTERN, "gu");

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
