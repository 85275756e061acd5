/**
 * Trains a byte-level BPE tokenizer (Sennrich et al. 2016; byte alphabet and word pattern as in GPT-2) and returns it as the
 * content of a Hugging Face `tokenizer.json`. Every byte is in the base alphabet, so any text can be encoded.
 */

/** GPT-2's word pattern: contractions, words, numbers and punctuation with an optional leading space, runs of space. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** The printable character that stands for each byte. */
export function byteAlphabet(): readonly string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

export interface TokenizerJson {
  readonly version: string;
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly object[];
  readonly normalizer: null;
  readonly pre_tokenizer: object;
  readonly post_processor: null;
  readonly decoder: object;
  readonly model: {
    readonly type: "BPE";
    readonly dropout: null;
    readonly unk_token: null;
    readonly continuing_subword_prefix: null;
    readonly end_of_word_suffix: null;
    readonly fuse_unk: false;
    readonly byte_fallback: false;
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
  };
}

interface Word {
  readonly count: number;
  pieces: string[];
}

export interface TrainOptions {
  /** Upper limit of the vocabulary, special tokens and the 256 bytes included. */
  readonly vocabularySize: number;
  /** Tokens that only a chat template writes; ids from 0 in this order. */
  readonly specialTokens: readonly string[];
}

/**
 * Merges the most frequent adjacent pair again and again (ties: the lexicographically smaller), until the vocabulary is full
 * or no pair occurs twice. The order of `texts` does not matter.
 */
export function trainTokenizer(texts: Iterable<string>, { vocabularySize, specialTokens }: TrainOptions): TokenizerJson {
  const alphabet = byteAlphabet();
  const least = specialTokens.length + alphabet.length;
  if (vocabularySize < least)
    throw new RangeError(`vocabularySize must be at least ${least} (bytes and special tokens), got ${vocabularySize}`);
  const words = countWords(texts, alphabet);
  const vocabulary = [...specialTokens, ...alphabet];
  const known = new Set(vocabulary);
  const merges: (readonly [string, string])[] = [];
  while (vocabulary.length < vocabularySize) {
    const best = mostFrequentPair(words);
    if (best === undefined) break;
    merges.push(best);
    const joined = best[0] + best[1];
    if (!known.has(joined)) vocabulary.push(joined);
    known.add(joined);
    for (const word of words) merge(word, best);
  }
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  };
}

function countWords(texts: Iterable<string>, alphabet: readonly string[]): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) for (const [word] of text.matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const utf8 = new TextEncoder();
  return [...counts].map(([word, count]) => ({ count, pieces: [...utf8.encode(word)].map((byte) => alphabet[byte]) }));
}

function mostFrequentPair(words: readonly Word[]): readonly [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { count, pieces } of words)
    for (let i = 1; i < pieces.length; i++) {
      const pair = `${pieces[i - 1]}\n${pieces[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  let best: string | undefined;
  let most = 1;
  for (const [pair, count] of counts)
    if (count > most || (count === most && best !== undefined && pair < best)) [best, most] = [pair, count];
  if (best === undefined) return undefined;
  const [left, right] = best.split("\n");
  return [left, right];
}

function merge(word: Word, [left, right]: readonly [string, string]): void {
  const { pieces } = word;
  if (!pieces.some((piece, i) => piece === left && pieces[i + 1] === right)) return;
  const next: string[] = [];
  for (let i = 0; i < pieces.length; i++) {
    const joins = pieces[i] === left && pieces[i + 1] === right;
    next.push(joins ? left + right : pieces[i]);
    if (joins) i++;
  }
  word.pieces = next;
}
