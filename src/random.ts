/**
 * Keyed randomness. A number is a pure function of a key and an index, and a key is a pure function of a seed and a path
 * (stage, step, group, episode, seat), so the order in which work is scheduled never changes a result.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), the
 * one JAX uses.
 */
export type Key = readonly [number, number];

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;
/** Second counter words, which keep derived keys and drawn numbers apart. */
const FOLD = 0x666f6c64;
const DRAW = 0x64726177;

/** The Threefry-2x32-20 block function: 64 bits of key and 64 bits of counter to 64 random bits, as two unsigned words. */
export function threefry(key: Key, counter: Key): Key {
  const schedule = [key[0], key[1], PARITY ^ key[0] ^ key[1]];
  let x = (counter[0] + schedule[0]) | 0;
  let y = (counter[1] + schedule[1]) | 0;
  for (let round = 0; round < 20; round++) {
    x = (x + y) | 0;
    const turn = ROTATIONS[round % 8];
    y = ((y << turn) | (y >>> (32 - turn))) ^ x;
    if (round % 4 === 3) {
      const block = (round + 1) / 4;
      x = (x + schedule[block % 3]) | 0;
      y = (y + schedule[(block + 1) % 3] + block) | 0;
    }
  }
  return [x >>> 0, y >>> 0];
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
  return path.reduce<Key>(
    (k, part) => threefry(k, [typeof part === "number" ? part : hash(part), typeof part === "number" ? FOLD : ~FOLD]),
    key,
  );
}

/** The `index`-th uniform number in [0, 1) of a key, with 53 random bits. */
export function uniform(key: Key, index = 0): number {
  const [high, low] = threefry(key, [index, DRAW]);
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
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
