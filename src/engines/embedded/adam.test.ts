import { expect, test } from "vitest";
import { adamStep, freshMoments, norm } from "./adam.ts";

const PARAMETERS = [
  { name: "matrix", shape: [1, 2], offset: 0 },
  { name: "norm", shape: [1], offset: 2 },
];
const SETTINGS = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, gradientClip: 0 };

test("the first step moves each weight by the learning rate against its gradient's sign", () => {
  const weights = Float32Array.of(1, 1, 1);
  // After bias correction m = g and v = g^2, so the step is rate * g / |g|.
  adamStep(PARAMETERS, weights, Float32Array.of(4, -0.5, 0.01), freshMoments(3), SETTINGS, 5);
  [0.9, 1.1, 0.9].forEach((x, i) => expect(weights[i]).toBeCloseTo(x, 5));
});

test("two steps follow the definition", () => {
  const weights = Float32Array.of(1, 0, 0);
  const moments = freshMoments(3);
  adamStep(PARAMETERS, weights, Float32Array.of(1, 0, 0), moments, SETTINGS, 1);
  adamStep(PARAMETERS, weights, Float32Array.of(3, 0, 0), moments, SETTINGS, 3);
  const m = (0.9 * 0.1 + 0.1 * 3) / (1 - 0.9 ** 2);
  const v = (0.99 * 0.01 + 0.01 * 9) / (1 - 0.99 ** 2);
  expect(weights[0]).toBeCloseTo(1 - 0.1 - (0.1 * m) / Math.sqrt(v), 5);
  expect(moments.steps).toBe(2);
});

test("matrices decay and norms do not, apart from the gradient", () => {
  const weights = Float32Array.of(2, -4, 2);
  adamStep(PARAMETERS, weights, new Float32Array(3), freshMoments(3), { ...SETTINGS, weightDecay: 0.5 }, 0);
  [2 * 0.95, -4 * 0.95, 2].forEach((x, i) => expect(weights[i]).toBeCloseTo(x, 5));
});

test("clipping scales the whole gradient to the given norm and never up", () => {
  const gradient = Float32Array.of(3, 4, 0);
  expect(norm(gradient)).toBe(5);
  const clippedTo = (gradientClip: number) => {
    const moments = freshMoments(3);
    adamStep(PARAMETERS, new Float32Array(3), gradient, moments, { ...SETTINGS, gradientClip }, norm(gradient));
    return norm(moments.first) / 0.1;
  };
  expect(clippedTo(1)).toBeCloseTo(1, 5);
  expect(clippedTo(10)).toBeCloseTo(5, 5);
  expect(clippedTo(0)).toBeCloseTo(5, 5);
});
