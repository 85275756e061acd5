/** The types of floating-point numbers that checkpoints are stored in, as float32. All bytes are little-endian. */

interface Decoder {
  /** Of one number. */
  readonly bytes: number;
  /** The first `count` numbers of a buffer. */
  readonly decode: (buffer: ArrayBuffer, count: number) => Float32Array;
}

/** A sign, 5 bits of exponent with bias 15, 10 bits of fraction (IEEE 754-2019, binary16). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let halves: Float32Array | undefined;
/** Every float16 by its bits. */
const table = (): Float32Array => (halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => half(bits)));

function decodeHalves(buffer: ArrayBuffer, count: number): Float32Array {
  const bits = new Uint16Array(buffer, 0, count);
  const values = table();
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = values[bits[i]];
  return out;
}

/** A bfloat16 is the upper half of a float32. */
function decodeBrains(buffer: ArrayBuffer, count: number): Float32Array {
  const bits = new Uint16Array(buffer, 0, count);
  const out = new Uint32Array(count);
  for (let i = 0; i < count; i++) out[i] = bits[i] << 16;
  return new Float32Array(out.buffer);
}

/** By safetensors' names. */
export const DECODERS = {
  F32: { bytes: 4, decode: (buffer, count) => new Float32Array(buffer, 0, count) },
  F16: { bytes: 2, decode: decodeHalves },
  BF16: { bytes: 2, decode: decodeBrains },
} as const satisfies Record<string, Decoder>;
export type StoredType = keyof typeof DECODERS;
export const isStoredType = (type: unknown): type is StoredType => typeof type === "string" && type in DECODERS;

/** Numbers as float16, rounded to the nearest, ties to even; beyond the largest to infinity. */
export function encodeHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, (value) => {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    const size = Math.abs(value);
    if (Number.isNaN(size)) return 0x7e00;
    if (size >= 65520) return sign | 0x7c00;
    // Numbers of one exponent lie 2 ** (exponent - 10) apart, and the smallest as those of exponent -14.
    const exponent = Math.max(-14, Math.floor(Math.log2(size)));
    const steps = roundToEven(size * 2 ** (10 - exponent));
    return sign | (steps + (exponent + 14) * 1024);
  });
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
