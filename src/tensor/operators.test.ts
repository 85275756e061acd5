import { describe, expect, test } from "vitest";
import {
  add,
  concat,
  cumulativeSum,
  divide,
  equal,
  expand,
  exponential,
  gather,
  logarithm,
  matmul,
  maximum,
  minimum,
  multiply,
  negate,
  reshape,
  scatter,
  sigmoid,
  softmax,
  split,
  subtract,
  sum,
  transpose,
} from "./operators.ts";
import { constant, scalar, ShapeError, stopGradient, type Shape, type Tensor } from "./tensor.ts";
import { evaluate, gradientError, normals } from "./testing.ts";

type Case = readonly [name: string, shapes: readonly Shape[], f: (...inputs: readonly Tensor[]) => Tensor];
const index = (list: readonly number[], shape: Shape) => constant(Int32Array.from(list), shape);
/** 2 + x^2 / 4, away from 0, for operands that must be positive. */
const positive = (x: Tensor) => add(multiply(multiply(x, x), 0.25), 2);

const CASES: readonly Case[] = [
  [
    "add",
    [
      [2, 3],
      [2, 3],
    ],
    (a, b) => add(a, b),
  ],
  [
    "add, broadcast",
    [
      [2, 1, 3],
      [4, 1],
    ],
    (a, b) => add(a, b),
  ],
  ["subtract, broadcast", [[2, 3], [3]], (a, b) => subtract(a, b)],
  [
    "multiply, broadcast",
    [
      [2, 3],
      [2, 1],
    ],
    (a, b) => multiply(a, b),
  ],
  ["multiply by a number", [[2, 3]], (a) => multiply(a, -1.5)],
  ["divide", [[2, 3], [3]], (a, b) => divide(a, positive(b))],
  [
    "minimum",
    [
      [4, 3],
      [4, 3],
    ],
    (a, b) => minimum(a, b),
  ],
  ["maximum, scalar", [[4, 5]], (a) => maximum(a, scalar(-0.75))],
  ["negate", [[3]], (a) => negate(a)],
  ["exponential", [[2, 3]], (a) => exponential(a)],
  ["logarithm", [[2, 3]], (a) => logarithm(positive(a))],
  ["sigmoid", [[2, 3]], (a) => sigmoid(a)],
  ["softmax", [[2, 5]], (a) => softmax(a)],
  ["sum over all", [[2, 3]], (a) => sum(a)],
  ["sum over an axis", [[2, 3, 2]], (a) => sum(a, [-2])],
  ["reshape", [[2, 6]], (a) => reshape(a, [3, 4])],
  ["transpose", [[2, 3, 4]], (a) => transpose(a, [2, 0, 1])],
  ["expand", [[2, 1]], (a) => expand(a, [3, 2, 4])],
  [
    "concat",
    [
      [2, 1],
      [2, 3],
    ],
    (a, b) => concat([a, b], 1),
  ],
  [
    "split, all parts",
    [[2, 5]],
    (a) => {
      const [x, y] = split(a, [2, 3], 1);
      return multiply(x, sum(y));
    },
  ],
  ["split, one part", [[5, 2]], (a) => split(a, [2, 2, 1], 0)[1]],
  ["gather", [[4, 3]], (a) => gather(a, index([1, 3, 1, 0], [2, 2]))],
  ["a tensor used twice", [[2, 3]], (a) => multiply(add(a, 1), a)],
];

describe("gradients agree with finite differences", () => {
  test.each(CASES)("%s", async (_, shapes, f) => {
    expect(await gradientError(shapes, f)).toBeLessThan(1e-3);
  });

  test.each([false, true].flatMap((transposeA) => [false, true].map((transposeB) => [transposeA, transposeB] as const)))(
    "matmul, a transposed %s, b transposed %s, with broadcast axes",
    async (transposeA, transposeB) => {
      const a = transposeA ? [3, 1, 4, 2] : [3, 1, 2, 4];
      const b = transposeB ? [2, 5, 4] : [2, 4, 5];
      const f = (x: Tensor, y: Tensor) => matmul(x, y, { transposeA, transposeB, scale: 0.5 });
      expect(await gradientError([a, b], f)).toBeLessThan(1e-3);
    },
  );

  test("none flows through stopGradient", async () => {
    // d/da (a stop(a)) = a, where a^2 would give 2a; the differences see a^2, so half the slope is missing.
    const error = await gradientError([[3]], (a) => multiply(a, stopGradient(a)));
    expect(error).toBeCloseTo(1, 2);
  });
});

test("values of operators without a gradient", async () => {
  const { running, same, rows } = await evaluate([[2, 3]], [Float32Array.of(1, 2, 3, 4, 5, 6)], (x) => ({
    running: cumulativeSum(x),
    same: equal(index([0, 1, 2, 3], [4]), 2),
    rows: gather(x, index([1, 1], [2])),
  }));
  expect(running).toEqual([1, 3, 6, 4, 9, 15]);
  expect(same).toEqual([0, 0, 1, 0]);
  expect(rows).toEqual([4, 5, 6, 4, 5, 6]);
});

test("scatter writes rows where the index says and nothing else", async () => {
  const { y } = await evaluate(
    [
      [2, 2, 2],
      [2, 2],
    ],
    [Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), Float32Array.of(9, 9, 0, 0)],
    (x, rows) => ({
      y: scatter(x, constant(BigInt64Array.of(0n, 1n, 1n, 0n), [2, 2]), rows),
    }),
  );
  expect(y).toEqual([1, 2, 9, 9, 0, 0, 7, 8]);
});

test("a shape mistake names the shapes", () => {
  const zeros = (...shape: number[]) => constant(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  expect(() => add(zeros(2, 3), zeros(2))).toThrow(new ShapeError("cannot broadcast [2, 3] with [2]"));
  expect(() => matmul(zeros(2, 3), zeros(2, 3))).toThrow("matmul: inner sizes of [2, 3] and [2, 3] differ");
  expect(() => matmul(zeros(2, 3), zeros(2, 4), { transposeB: true })).toThrow("[2, 3] and [2, 4] transposed");
  expect(() => reshape(zeros(2, 3), [4])).toThrow("cannot reshape [2, 3] to [4]");
  expect(() => expand(zeros(2, 3), [2, 2])).toThrow("cannot broadcast [2, 3] with [2, 2]");
  expect(() => expand(zeros(2, 3), [3])).toThrow("cannot expand [2, 3] to [3]");
  expect(() => transpose(zeros(2, 3), [0])).toThrow("transpose: [0] does not order the axes of [2, 3]");
  expect(() => concat([zeros(2, 3), zeros(2, 2)], 0)).toThrow("cannot join [2, 3] and [2, 2] on axis 0");
  expect(() => split(zeros(2, 3), [1, 1], 1)).toThrow("cannot split axis 1 of [2, 3] into [1, 1]");
  expect(() => constant(normals(1, 5), [2, 3])).toThrow("constant: 5 values do not fill [2, 3]");
});
