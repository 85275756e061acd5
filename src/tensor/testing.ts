/** Checking gradients against finite differences. */
import { normal, seedKey } from "../random.ts";
import { compile } from "./compile.ts";
import { grad } from "./grad.ts";
import { multiply, sum } from "./operators.ts";
import { constant, input, sizeOf, type Shape, type Tensor } from "./tensor.ts";

/** `size` keyed standard normal numbers. */
export const normals = (seed: number, size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => normal(seedKey(seed), i));

/** The values of expressions of inputs given as arrays. */
export async function evaluate<K extends string>(
  shapes: readonly Shape[],
  values: readonly Float32Array[],
  build: (...inputs: readonly Tensor[]) => Readonly<Record<K, Tensor>>,
): Promise<Record<K, number[]>> {
  const inputs = shapes.map((shape) => input(shape));
  const outputs = build(...inputs);
  const named = <T>(list: readonly T[]) => Object.fromEntries(list.map((x, i) => [`input${i}`, x]));
  const compiled = await compile(named(inputs), outputs);
  const results = await compiled.run(named(values));
  await compiled.release();
  const list = (name: string) => Array.from(results[name], Number);
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the keys
  return Object.fromEntries(Object.keys(outputs).map((name) => [name, list(name)])) as Record<K, number[]>;
}

/**
 * The largest difference between the gradient of sum(weights f(inputs)) with keyed weights and its central differences, over every
 * element of every input, relative to the largest gradient. In float32 with steps of 1/64, about 1e-4 for a smooth f of order one.
 */
export async function gradientError(
  shapes: readonly Shape[],
  f: (...inputs: readonly Tensor[]) => Tensor,
  values = shapes.map((shape, i) => normals(i + 1, sizeOf(shape))),
): Promise<number> {
  const step = 1 / 64;
  const inputs = shapes.map((shape) => input(shape));
  const y = f(...inputs);
  const loss = sum(multiply(y, constant(normals(99, sizeOf(y.shape)), y.shape)));
  const named = <T>(list: readonly T[], name: string) => Object.fromEntries(list.map((x, i) => [`${name}${i}`, x]));
  const compiled = await compile(named(inputs, "x"), { loss, ...named(grad(loss, inputs), "g") });
  const exact = await compiled.run(named(values, "x"));
  let error = 0;
  let largest = 0;
  for (const [k, value] of values.entries()) {
    for (const [i, x] of value.entries()) {
      const lossAt = async (moved: number) => {
        value[i] = moved;
        return Number((await compiled.run(named(values, "x"))).loss[0]);
      };
      const slope = ((await lossAt(x + step)) - (await lossAt(x - step))) / (2 * step);
      value[i] = x;
      const g = Number(exact[`g${k}`][i]);
      error = Math.max(error, Math.abs(slope - g));
      largest = Math.max(largest, Math.abs(g));
    }
  }
  await compiled.release();
  return error / largest;
}
