import { expect, test } from "vitest";
import { add } from "./operators.ts";
import { Pool } from "./pool.ts";
import { sharedCopy, unshared } from "./shared.ts";
import { input } from "./tensor.ts";
import { resident } from "./thread.ts";
import { toProgram } from "./compile.ts";

test("views of one shared buffer become views of one copy, which the next version is written into", () => {
  const flat = sharedCopy(Float32Array.of(1, 2, 3, 4));
  const arrays = { a: flat.subarray(0, 1), b: flat.subarray(2), own: Int32Array.of(5) };
  const first = unshared(arrays);
  expect(first).toEqual({ a: Float32Array.of(1), b: Float32Array.of(3, 4), own: Int32Array.of(5) });
  expect(first.a.buffer).toBeInstanceOf(ArrayBuffer);
  expect(first.a.buffer).toBe(first.b.buffer);
  expect(first.own).toBe(arrays.own);
  flat[3] = 9;
  const second = unshared(arrays, first);
  expect(second.b).toEqual(Float32Array.of(3, 9));
  expect(second.b.buffer).toBe(first.b.buffer);
});

test("workers see a shared array as it was when its version was raised", async () => {
  const pool = new Pool({ threads: 2 });
  const [x, w] = [input([1]), input([2])];
  const program = toProgram({ x, w }, { y: add(x, w) });
  const flat = sharedCopy(Float32Array.of(10, 20));
  const kept = resident({ w: flat });
  const run = async () => [...(await pool.run(program, { x: Float32Array.of(1) }, [kept])).y];
  expect(await Promise.all([run(), run()])).toEqual([
    [11, 21],
    [11, 21],
  ]);
  flat[1] = 30;
  kept.version++;
  expect(await Promise.all([run(), run()])).toEqual([
    [11, 31],
    [11, 31],
  ]);
  await pool.release();
});
