import { describe, expect, test } from "vitest";
import { attention, logSoftmaxAt, rmsNorm, rotary, swiglu, type RotaryTable } from "./neural.ts";
import { constant, type Tensor } from "./tensor.ts";
import { evaluate, gradientError, normals } from "./testing.ts";

/** Angles position * rate for 6 positions and two rates. */
const RATES = [1, 0.25];
const angles = Float32Array.from({ length: 12 }, (_, i) => Math.floor(i / 2) * RATES[i % 2]);
const table: RotaryTable = {
  cosine: constant(angles.map(Math.cos), [6, 2]),
  sine: constant(angles.map(Math.sin), [6, 2]),
  negativeSine: constant(
    angles.map((x) => -Math.sin(x)),
    [6, 2],
  ),
};
const positions = (list: readonly bigint[], shape: readonly number[]) => constant(BigInt64Array.from(list), shape);
const mask = constant(Float32Array.of(0, -1e9, -1e9, 0, 0, -1e9), [2, 3]);

const CASES: readonly (readonly [string, readonly (readonly number[])[], (...x: readonly Tensor[]) => Tensor])[] = [
  ["rmsNorm", [[2, 3, 4], [4]], (x, w) => rmsNorm(x, w, 1e-6)],
  ["rotary from an offset", [[2, 1, 3, 4]], (x) => rotary(x, positions([2n], [1]), table)],
  ["rotary at given positions", [[2, 2, 2, 4]], (x) => rotary(x, positions([5n, 1n, 0n, 3n], [2, 2]), table)],
  [
    "swiglu",
    [
      [3, 2],
      [3, 2],
    ],
    (gate, up) => swiglu(gate, up),
  ],
  [
    "attention",
    [
      [1, 2, 2, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    (q, keys, values) => attention(q, [{ parts: [{ keys, values }], mask }], 0.5),
  ],
  [
    "attention to keys that all rows share, and to own ones",
    [
      [2, 2, 2, 4],
      [2, 1, 5, 4],
      [2, 1, 5, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    (q, sharedKeys, sharedValues, keys, values) =>
      attention(
        q,
        [
          { parts: [{ keys: sharedKeys, values: sharedValues }], batch: [2, 1] },
          { parts: [{ keys, values }], mask },
        ],
        0.5,
      ),
  ],
  [
    "attention of queries each by itself, to keys that some share",
    [
      [2, 6, 1, 4],
      [2, 3, 1, 5, 4],
      [2, 3, 1, 5, 4],
    ],
    (q, keys, values) => attention(q, [{ parts: [{ keys, values }], batch: [2, 3, 2] }], 0.5),
  ],
  [
    "attention to keys in parts, and to keys that all share",
    [[2, 4, 3, 4], [2, 1, 3, 4], [2, 1, 3, 4], ...Array.from({ length: 4 }, () => [2, 2, 5, 4])],
    (q, sharedKeys, sharedValues, k0, v0, k1, v1) =>
      attention(
        q,
        [
          { parts: [{ keys: sharedKeys, values: sharedValues }], batch: [2, 1] },
          {
            parts: [
              { keys: k0, values: v0 },
              { keys: k1, values: v1 },
            ],
          },
        ],
        0.5,
      ),
  ],
  ["logSoftmaxAt", [[3, 5]], (x) => logSoftmaxAt(x, constant(Int32Array.of(4, 0, 2), [3]))],
];

describe("gradients agree with finite differences", () => {
  test.each(CASES)("%s", async (_, shapes, f) => {
    expect(await gradientError(shapes, f)).toBeLessThan(1e-3);
  });
});

test("rotary turns the pair (i, i + half) by its angle", async () => {
  const x = Float32Array.of(1, 2, 3, 4);
  const { y } = await evaluate([[1, 1, 1, 4]], [x], (input) => ({ y: rotary(input, positions([3n], [1]), table) }));
  const expected = [0, 1].map((i) => {
    const angle = 3 * RATES[i];
    return [x[i] * Math.cos(angle) - x[i + 2] * Math.sin(angle), x[i + 2] * Math.cos(angle) + x[i] * Math.sin(angle)];
  });
  const flat = [expected[0][0], expected[1][0], expected[0][1], expected[1][1]];
  y.forEach((value, i) => expect(value).toBeCloseTo(flat[i], 5));
});

test("rmsNorm divides by the root mean square", async () => {
  // mean((3, 4)^2) = 12.5
  const { y } = await evaluate([[1, 2], [2]], [Float32Array.of(3, 4), Float32Array.of(1, 2)], (x, w) => ({
    y: rmsNorm(x, w, 0),
  }));
  expect(y[0]).toBeCloseTo(3 / Math.sqrt(12.5), 6);
  expect(y[1]).toBeCloseTo(8 / Math.sqrt(12.5), 6);
});

test("a hidden key has no part in attention", async () => {
  const [q, k, v] = [normals(1, 8), normals(2, 12), normals(3, 12)];
  const output = async () =>
    (
      await evaluate(
        [
          [1, 1, 2, 4],
          [1, 1, 3, 4],
          [1, 1, 3, 4],
        ],
        [q, k, v],
        (queries, keys, values) => ({ y: attention(queries, [{ parts: [{ keys, values }], mask }], 0.5) }),
      )
    ).y;
  const before = await output();
  k[11] += 5;
  v[11] += 5;
  expect(await output()).toEqual(before);
});

test("an improbable target has a finite log-probability", async () => {
  const { y } = await evaluate([[1, 2]], [Float32Array.of(0, 300)], (x) => ({
    y: logSoftmaxAt(x, constant(Int32Array.of(0), [1])),
  }));
  expect(y).toEqual([-300]);
});
