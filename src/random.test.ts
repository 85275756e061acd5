import { expect, test } from "vitest";
import { foldIn, normal, seedKey, shuffle, threefry, uniform } from "./random.ts";

test("threefry matches the published vectors", () => {
  // Random123 1.14, kat_vectors, "threefry2x32 20".
  expect(threefry([0, 0], [0, 0])).toEqual([0x6b200159, 0x99ba4efe]);
  expect(threefry([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff])).toEqual([0x1cb996fc, 0xbb002be7]);
  expect(threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3])).toEqual([0xc4923a9c, 0x483df7a0]);
});

test("neighbouring seeds and paths are unrelated", () => {
  const first = [0, 1, 2, 3, 4].map((seed) => uniform(seedKey(seed)));
  expect(new Set(first.map((u) => u.toFixed(2))).size).toBe(5);
  expect(foldIn(seedKey(0), "a", 1)).not.toEqual(foldIn(seedKey(0), 1, "a"));
  expect(() => seedKey(-1)).toThrow(/non-negative integer, got -1/);
});

test("draws have the moments of their distributions", () => {
  // Standard error of a mean of 20,000: 0.0020 (uniform), 0.0071 (normal); bounds are 5 of them.
  const n = 20_000;
  const mean = (draw: (i: number) => number) => Array.from({ length: n }, (_, i) => draw(i)).reduce((a, b) => a + b, 0) / n;
  const key = seedKey(5);
  expect(Math.abs(mean((i) => uniform(key, i)) - 0.5)).toBeLessThan(0.0102);
  expect(Math.abs(mean((i) => normal(key, i)))).toBeLessThan(0.036);
  expect(Math.abs(mean((i) => normal(key, i) ** 2) - 1)).toBeLessThan(0.05);
});

test("a shuffle keeps its items and its key decides the order", () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  expect(shuffle(seedKey(1), items).toSorted((a, b) => a - b)).toEqual(items);
  expect(shuffle(seedKey(1), items)).toEqual(shuffle(seedKey(1), items));
  expect(shuffle(seedKey(1), items)).not.toEqual(shuffle(seedKey(2), items));
});
