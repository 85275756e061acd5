import { expect, test } from "vitest";
import { compile } from "./compile.ts";
import { loop } from "./loop.ts";
import { add, cast, less, multiply, reshape } from "./operators.ts";
import { input, scalar, ShapeError } from "./tensor.ts";
import { grad } from "./grad.ts";

/** Doubles x, which is captured by way of 2 x, until the state exceeds a limit. */
async function doublings(trips: number, x: number, limit: number, start = 1) {
  const given = { trips: input([], "int64"), start: input([], "bool"), x: input([1]), limit: input([]) };
  const twice = multiply(given.x, 2);
  const result = loop({ trips: given.trips, most: 8, start: given.start }, [given.x], (iteration, [state]) => {
    const next = add(state, twice);
    return {
      state: [next],
      emit: [add(multiply(cast(iteration, "float32"), 100), next)],
      more: reshape(less(next, given.limit), []),
    };
  });
  const compiled = await compile(given, { last: result.state[0], each: result.emit[0] }, { ragged: ["each"] });
  const arrays = { trips: BigInt64Array.of(BigInt(trips)), start: Uint8Array.of(start), x: Float32Array.of(x) };
  const { last, each } = await compiled.run({ ...arrays, limit: Float32Array.of(limit) });
  await compiled.release();
  return { last: [...last], each: [...each] };
}

test("runs as often as it is asked to", async () => {
  expect(await doublings(3, 1, 100)).toEqual({ last: [7], each: [3, 105, 207] });
});

test("stops when the body says so", async () => {
  expect(await doublings(8, 1, 5)).toEqual({ last: [5], each: [3, 105] });
});

test("may not run at all", async () => {
  expect(await doublings(0, 1, 5)).toEqual({ last: [1], each: [] });
  expect(await doublings(8, 1, 5, 0)).toEqual({ last: [1], each: [] });
});

test("compiled functions check their arrays", async () => {
  const x = input([2, 2]);
  const compiled = await compile({ x }, { y: add(x, 1) });
  await expect(compiled.run({})).rejects.toThrow("x: expected float32 [2, 2], got nothing");
  await expect(compiled.run({ x: new Int32Array(4) })).rejects.toThrow("x: expected float32 [2, 2], got Int32Array");
  await expect(compiled.run({ x: new Float32Array(3) })).rejects.toThrow("x: expected 4 values for [2, 2], got 3");
  expect(await compiled.run({ x: Float32Array.of(1, 2, 3, 4) })).toEqual({ y: Float32Array.of(2, 3, 4, 5) });
  await compiled.release();
  await expect(compile({ x }, { x: add(x, 1) })).rejects.toThrow("x is the name of both an input and an output");
  await expect(compile({}, { y: add(x, 1) })).rejects.toThrow("an input of the expression was not given a name");
});

test("gradients need a scalar and a differentiable path", () => {
  const x = input([2]);
  expect(() => grad(x, [x])).toThrow(new ShapeError("grad: the loss has shape [2], expected one element"));
  expect(() => grad(reshape(cast(less(x, 0), "float32"), [2, 1]), [x])).toThrow(ShapeError);
  const y = input([1]);
  expect(() => grad(cast(less(y, scalar(0)), "float32"), [y])).toThrow("Cast has no gradient");
});
