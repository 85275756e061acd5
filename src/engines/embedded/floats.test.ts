import { expect, test } from "vitest";
import { DECODERS, encodeHalves } from "./floats.ts";

const decoded = (type: keyof typeof DECODERS, bits: readonly number[]): readonly number[] => [
  ...DECODERS[type].decode(Uint16Array.from(bits).buffer, bits.length),
];

test("float16 is IEEE 754's binary16", () => {
  // numpy: np.array([...], dtype=np.uint16).view(np.float16)
  const bits = [0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x8000, 0x7c00];
  const values = [1, -2, 0.333251953125, 65504, 2 ** -14, (1023 / 1024) * 2 ** -14, 2 ** -24, -0, Infinity];
  expect(decoded("F16", bits)).toEqual(values);
  expect(decoded("F16", [0x7e00])).toEqual([NaN]);
});

test("bfloat16 is the upper half of float32", () => {
  // torch.tensor([...], dtype=torch.bfloat16); 0x4049 is pi cut to 7 bits of fraction, 3.140625.
  expect(decoded("BF16", [0x3f80, 0xc000, 0x4049, 0x0001, 0xff80])).toEqual([1, -2, 3.140625, 2 ** -133, -Infinity]);
});

test("every float16 is written as it was read, and others as the nearest, ties to even", () => {
  const bits = Array.from({ length: 1 << 16 }, (_, i) => i).filter((each) => (each & 0x7c00) !== 0x7c00 || (each & 1023) === 0);
  const values = DECODERS.F16.decode(Uint16Array.from(bits).buffer, bits.length);
  expect([...encodeHalves(values)]).toEqual(bits);
  // numpy: np.float32([...]).astype(np.float16).view(np.uint16)
  const between = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 1.5 * 2 ** -25, 0.1, -1 / 3];
  expect([...encodeHalves(Float32Array.from(between))]).toEqual([0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1, 0x2e66, 0xb555]);
  expect([...encodeHalves(Float32Array.of(NaN))]).toEqual([0x7e00]);
});
