/**
 * Keyed randomness. A number is a pure function of a key and an index, and a key is a pure function of a seed and a path
 * (stage, step, group, episode, seat), so the order in which work is scheduled never changes a result.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), the
 * one JAX uses.
 */
export type Key = readonly [number, number];

const PARITY = 0x1bd11bda;
/** Second counter words, which keep derived keys and drawn numbers apart. */
const FOLD = 0x666f6c64;
const DRAW = 0x64726177;

/** The words of the last block: results of `mix`, which returns nothing so that a draw allocates nothing. */
let first = 0;
let second = 0;

/** Four rounds with the given rotations. */
function mixRounds(a: number, b: number, c: number, d: number): void {
  first = (first + second) | 0;
  second = ((second << a) | (second >>> (32 - a))) ^ first;
  first = (first + second) | 0;
  second = ((second << b) | (second >>> (32 - b))) ^ first;
  first = (first + second) | 0;
  second = ((second << c) | (second >>> (32 - c))) ^ first;
  first = (first + second) | 0;
  second = ((second << d) | (second >>> (32 - d))) ^ first;
}

function mix(key0: number, key1: number, counter0: number, counter1: number): void {
  const key2 = PARITY ^ key0 ^ key1;
  first = (counter0 + key0) | 0;
  second = (counter1 + key1) | 0;
  mixRounds(13, 15, 26, 6);
  first = (first + key1) | 0;
  second = (second + key2 + 1) | 0;
  mixRounds(17, 29, 16, 24);
  first = (first + key2) | 0;
  second = (second + key0 + 2) | 0;
  mixRounds(13, 15, 26, 6);
  first = (first + key0) | 0;
  second = (second + key1 + 3) | 0;
  mixRounds(17, 29, 16, 24);
  first = (first + key1) | 0;
  second = (second + key2 + 4) | 0;
  mixRounds(13, 15, 26, 6);
  first = (first + key2) | 0;
  second = (second + key0 + 5) | 0;
}

/** The Threefry-2x32-20 block function: 64 bits of key and 64 bits of counter to 64 random bits, as two unsigned words. */
export function threefry(key: Key, counter: Key): Key {
  mix(key[0], key[1], counter[0], counter[1]);
  return [first >>> 0, second >>> 0];
}

/** The root key of a seed (a non-negative safe integer). */
export function seedKey(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`seed must be a non-negative integer, got ${seed}`);
  return [Math.floor(seed / 2 ** 32), seed >>> 0];
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** The key reached from `key` along a path of integers and names; different paths give independent keys. */
export function foldIn(key: Key, ...path: readonly (number | string)[]): Key {
  let [key0, key1] = key;
  for (const part of path) {
    if (typeof part === "number") mix(key0, key1, part, FOLD);
    else mix(key0, key1, hash(part), ~FOLD);
    key0 = first >>> 0;
    key1 = second >>> 0;
  }
  return [key0, key1];
}

/** The `index`-th uniform number in [0, 1) of a key, with 53 random bits. */
export function uniform(key: Key, index = 0): number {
  mix(key[0], key[1], index, DRAW);
  return ((first >>> 5) * 2 ** 26 + (second >>> 6)) / 2 ** 53;
}

/** The `index`-th integer of a key, uniform on 0..n-1 (bias below n / 2^53). */
export const uniformInteger = (key: Key, n: number, index = 0): number => Math.floor(uniform(key, index) * n);

/** The `index`-th standard normal number of a key (Box-Muller). */
export function normal(key: Key, index = 0): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(key, 2 * index)));
  return radius * Math.cos(2 * Math.PI * uniform(key, 2 * index + 1));
}

/** A keyed Fisher-Yates shuffle; returns a new array. */
export function shuffle<T>(key: Key, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = uniformInteger(key, i + 1, i);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
