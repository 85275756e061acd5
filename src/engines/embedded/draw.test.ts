import { expect, test } from "vitest";
import { seedKey, uniform } from "../../random.ts";
import { compile } from "../../tensor/compile.ts";
import { input } from "../../tensor/tensor.ts";
import { normals } from "../../tensor/testing.ts";
import { BELOW_ONE, inverse, logarithms } from "./draw.ts";

/** Rows of uneven probabilities, a third of them zero. */
function rowsOf(count: number, size: number): Float32Array {
  const out = new Float32Array(count * size);
  for (let r = 0; r < count; r++) {
    const weights = normals(r + 1, size).map((x, i) => (i % 3 === 2 ? 0 : Math.exp(3 * x)));
    const total = weights.reduce((a, b) => a + b, 0);
    out.set(
      weights.map((x) => x / total),
      r * size,
    );
  }
  return out;
}

// 49,152 and 9,216 are searched by blocks of 256; 24 and 9,001, a prime, as a whole.
test.each([24, 9001, 9216, 49_152])("the inverse of a distribution over %i tokens", async (size) => {
  const [rows, each] = [2, 300];
  const inputs = { p: input([rows, size]), u: input([rows * each]) };
  const compiled = await compile(inputs, { tokens: inverse(inputs.p, inputs.u) });
  const p = rowsOf(rows, size);
  const u = Float32Array.from({ length: rows * each }, (_, i) => Math.min(uniform(seedKey(4), i), BELOW_ONE));
  u.set([0, BELOW_ONE], 0);
  const { tokens } = await compiled.run({ p, u });
  await compiled.release();
  const drawn = Array.from(tokens, Number);
  expect(new Set(drawn).size).toBeGreaterThan(5);
  for (const [i, token] of drawn.entries()) {
    const own = p.subarray(Math.floor(i / each) * size, (Math.floor(i / each) + 1) * size);
    expect(own[token]).toBeGreaterThan(0);
    // In double precision; sums of float32 may be off by rounding.
    const before = own.subarray(0, token).reduce((a, b) => a + b, 0);
    const total = own.reduce((a, b) => a + b, 0);
    expect(before / total).toBeLessThan(u[i] + 1e-5);
    expect((before + own[token]) / total).toBeGreaterThan(u[i] - 1e-5);
  }
});

test("a logarithm's bytes do not depend on how many are taken", async () => {
  const values = Float32Array.from({ length: 16 }, (_, i) => uniform(seedKey(5), i));
  const of = async (n: number) => {
    const x = input([n]);
    const compiled = await compile({ x }, { y: logarithms(x) });
    const { y } = await compiled.run({ x: values.slice(0, n) });
    await compiled.release();
    return [...y];
  };
  const all = await of(16);
  for (const n of [1, 2, 4, 8]) expect(await of(n)).toEqual(all.slice(0, n));
  all.forEach((y, i) => expect(y).toBeCloseTo(Math.log(values[i]), 5));
});
