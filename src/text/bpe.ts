/**
 * Trains a byte-level BPE tokenizer (Sennrich et al. 2016; bytes as in GPT-2) and returns it as the content of a Hugging Face
 * `tokenizer.json`. Every byte is in the base alphabet, so any text can be encoded.
 */
import { createHeap } from "./heap.ts";
import { PRE_TOKENIZER, byteAlphabet, splitWords } from "./words.ts";

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

export interface TrainOptions {
  /** Upper limit of the vocabulary, special tokens and the 256 bytes included. */
  readonly vocabularySize: number;
  /** Tokens that only a chat template writes; ids from 0 in this order, then come the bytes. */
  readonly specialTokens: readonly string[];
}

/**
 * Merges the most frequent adjacent pair again and again (ties: the lexicographically smaller left part, then right part), until
 * the vocabulary is full or no pair occurs twice, so it may end up smaller than asked: count `model.vocab`. Only how often each
 * word occurs matters, not the order of `texts`. A merge that would spell a special token is never made. Throws `RangeError`
 * for a vocabulary without room for bytes and special tokens, or a special token that repeats or is one of the bytes.
 */
export function trainTokenizer(texts: Iterable<string>, { vocabularySize, specialTokens }: TrainOptions): TokenizerJson {
  const alphabet = byteAlphabet();
  const base = [...specialTokens, ...alphabet];
  if (new Set(base).size < base.length)
    throw new RangeError(
      `special tokens must differ from each other and from single characters, got ${specialTokens.join(" ")}`,
    );
  if (!(vocabularySize >= base.length))
    throw new RangeError(`vocabularySize must be at least ${base.length} (bytes and special tokens), got ${vocabularySize}`);
  const { vocabulary, merges } = learnMerges(
    countWords(texts, specialTokens.length),
    base,
    new Set(specialTokens),
    vocabularySize,
  );
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
    pre_tokenizer: PRE_TOKENIZER,
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
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

interface Word {
  readonly count: number;
  /** Token ids that spell the word so far. */
  pieces: readonly number[];
}

function countWords(texts: Iterable<string>, firstByte: number): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const utf8 = new TextEncoder();
  return [...counts].map(([word, count]) => ({ count, pieces: Array.from(utf8.encode(word), (byte) => firstByte + byte) }));
}

/**
 * The vocabulary grown from `base`, and the merges in order. Pair counts are kept up to date merge by merge; the heap holds a
 * pair again each time its count rises, and an entry whose count has fallen since is put back with today's count when met.
 */
function learnMerges(words: readonly Word[], base: readonly string[], specials: ReadonlySet<string>, vocabularySize: number) {
  const vocabulary = [...base];
  const ids = new Map(base.map((token, id) => [token, id]));
  const merges: (readonly [string, string])[] = [];
  const merged = new Set<number>();
  /** A pair as one number. */
  const pairOf = (left: number, right: number): number => left * vocabularySize + right;
  const parts = (pair: number): readonly [number, number] => [Math.floor(pair / vocabularySize), pair % vocabularySize];
  const counts = new Map<number, number>();
  /** Indices of the words a pair occurs in, or once did. */
  const places = new Map<number, Set<number>>();
  const heap = createHeap<{ readonly pair: number; readonly count: number }>((a, b) => {
    if (a.count !== b.count || a.pair === b.pair) return a.count > b.count;
    const [aLeft, aRight] = parts(a.pair);
    const [bLeft, bRight] = parts(b.pair);
    return aLeft === bLeft ? vocabulary[aRight] < vocabulary[bRight] : vocabulary[aLeft] < vocabulary[bLeft];
  });

  const apply = (changes: ReadonlyMap<number, number>): void => {
    for (const [pair, change] of changes) {
      const count = (counts.get(pair) ?? 0) + change;
      counts.set(pair, count);
      if (change > 0) heap.push({ pair, count });
    }
  };
  /** Adds a word's pairs, `sign` times its count, to `changes`. */
  const tally = (changes: Map<number, number>, index: number, sign: 1 | -1): void => {
    const { count, pieces } = words[index];
    for (let i = 1; i < pieces.length; i++) {
      const pair = pairOf(pieces[i - 1], pieces[i]);
      changes.set(pair, (changes.get(pair) ?? 0) + sign * count);
      if (sign < 0) continue;
      const known = places.get(pair);
      if (known === undefined) places.set(pair, new Set([index]));
      else known.add(index);
    }
  };

  const initial = new Map<number, number>();
  for (const index of words.keys()) tally(initial, index, 1);
  apply(initial);
  while (vocabulary.length < vocabularySize) {
    const best = heap.pop();
    if (best === undefined) break;
    const { pair } = best;
    const count = counts.get(pair) ?? 0;
    if (count < 2) continue;
    if (count < best.count) heap.push({ pair, count });
    if (count !== best.count) continue;
    const [left, right] = parts(pair);
    const joined = vocabulary[left] + vocabulary[right];
    if (specials.has(joined)) continue;
    // A pair can come back when its part is spelled in a second way; its merge is on the list already.
    if (!merged.has(pair)) merges.push([vocabulary[left], vocabulary[right]]);
    merged.add(pair);
    const id = ids.get(joined) ?? vocabulary.push(joined) - 1;
    ids.set(joined, id);
    const changes = new Map<number, number>();
    for (const index of places.get(pair) ?? []) {
      tally(changes, index, -1);
      words[index].pieces = mergePieces(words[index].pieces, left, right, id);
      tally(changes, index, 1);
    }
    places.delete(pair);
    apply(changes);
  }
  return { vocabulary, merges };
}

function mergePieces(pieces: readonly number[], left: number, right: number, id: number): readonly number[] {
  const merged: number[] = [];
  for (let i = 0; i < pieces.length; i++) {
    const joins = pieces[i] === left && pieces[i + 1] === right;
    merged.push(joins ? id : pieces[i]);
    if (joins) i++;
  }
  return merged;
}
