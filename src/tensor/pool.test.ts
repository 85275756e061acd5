import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { toProgram } from "./compile.ts";
import { add, matmul, multiply } from "./operators.ts";
import { Pool } from "./pool.ts";
import { input } from "./tensor.ts";
import { resident, WorkerError } from "./thread.ts";

const twice = () => {
  const x = input([2]);
  return toProgram({ x }, { y: multiply(x, 2) });
};

test("runs more programs than there are workers, each with its own arrays", async () => {
  const pool = new Pool({ threads: 2 });
  const program = twice();
  const runs = Array.from({ length: 20 }, (_, i) => pool.run(program, { x: Float32Array.of(i, -i) }));
  expect(await Promise.all(runs)).toEqual(runs.map((_, i) => ({ y: Float32Array.of(2 * i, -2 * i) })));
  await pool.release();
  await expect(pool.run(program, { x: Float32Array.of(1, 2) })).rejects.toThrow(new WorkerError("the workers were released"));
});

test("resident arrays are read again when their version changes", async () => {
  const pool = new Pool({ threads: 2 });
  const [x, w] = [input([1]), input([1])];
  const program = toProgram({ x, w }, { y: add(x, w) });
  const weights = [10, 20].map((value) => ({ values: Float32Array.of(value), kept: resident({ w: Float32Array.of(value) }) }));
  const sums = (): Promise<number[]> =>
    Promise.all(
      [0, 1, 0, 1].map(async (which) =>
        Number((await pool.run(program, { x: Float32Array.of(1) }, [weights[which].kept])).y[0]),
      ),
    );
  expect(await sums()).toEqual([11, 21, 11, 21]);
  weights[0].kept.arrays.w[0] = 30;
  weights[0].kept.version++;
  expect(await sums()).toEqual([31, 21, 31, 21]);
  pool.forget(weights[0].kept);
  expect(await sums()).toEqual([31, 21, 31, 21]);
  await pool.release();
});

test("arrays that do not match and models that do not load are errors of their run alone", async () => {
  const pool = new Pool({ threads: 1 });
  const good = twice();
  const [a, b] = [input([2, 3]), input([3, 2])];
  const broken = { ...toProgram({ a, b }, { c: matmul(a, b) }), model: Uint8Array.of(1, 2, 3) };
  const arrays = { a: new Float32Array(6), b: new Float32Array(6) };
  const runs = [
    pool.run(good, { x: new Int32Array(2) }),
    pool.run(good, {}),
    pool.run(broken, arrays),
    pool.run(broken, arrays),
    pool.run(good, { x: Float32Array.of(3, 4) }),
  ];
  await expect(runs[0]).rejects.toThrow(new TypeError("x: expected float32 [2], got Int32Array"));
  await expect(runs[1]).rejects.toThrow(new TypeError("x: expected float32 [2], got nothing"));
  await expect(runs[2]).rejects.toThrow("protobuf parsing failed");
  await expect(runs[3]).rejects.toThrow("protobuf parsing failed");
  expect(await runs[4]).toEqual({ y: Float32Array.of(6, 8) });
  await pool.release();
});

/** A pool whose workers run `code`. */
async function poolOf(code: string): Promise<Pool> {
  const path = join(await mkdtemp(join(tmpdir(), "pool-")), "worker.mjs");
  await writeFile(path, `import { parentPort } from "node:worker_threads"; ${code}`);
  return new Pool({ threads: 2, entry: pathToFileURL(path) });
}

test("a worker that ends is an error that names it, for every run it leaves behind", async () => {
  const arrays = { x: Float32Array.of(1, 2) };
  const quitting = await poolOf(`parentPort.once("message", () => process.exit(3))`);
  const runs = await Promise.allSettled([0, 1, 2].map(() => quitting.run(twice(), arrays)));
  expect(runs.map((run) => (run.status === "rejected" ? String(run.reason) : "fulfilled"))).toEqual([
    "WorkerError: worker 1 ended before it answered: exit code 3",
    "WorkerError: worker 2 ended before it answered: exit code 3",
    "WorkerError: worker 3 ended before it answered: exit code 3",
  ]);
  await quitting.release();
  const failing = await poolOf(`throw new Error("no library")`);
  await expect(failing.run(twice(), arrays)).rejects.toThrow(new WorkerError("worker 1 ended before it answered: no library"));
  await failing.release();
});

test("release waits for runs under way and rejects the ones in line", async () => {
  const pool = new Pool({ threads: 1 });
  const program = twice();
  const [first, second] = [1, 2].map((value) => pool.run(program, { x: Float32Array.of(value, 0) }));
  const [done, refused] = await Promise.allSettled([first, second, pool.release()]);
  expect(done).toEqual({ status: "fulfilled", value: { y: Float32Array.of(2, 0) } });
  expect(refused).toEqual({ status: "rejected", reason: new WorkerError("the workers were released") });
});

test("a missing worker is an error that says what to do", () => {
  const entry = new URL("file:///nowhere/worker.js");
  expect(() => new Pool({ entry })).toThrow(new WorkerError('/nowhere/worker.js is missing; run "npm run build"'));
});

test("a process ends by itself, with workers released, forgotten or at work", async () => {
  const dist = (name: string) => JSON.stringify(new URL(`../../dist/tensor/${name}.js`, import.meta.url).href);
  const script = `
    const { Pool } = await import(${dist("pool")});
    const { toProgram } = await import(${dist("compile")});
    const { matmul } = await import(${dist("operators")});
    const { input } = await import(${dist("tensor")});
    const size = 512;
    const x = input([size, size]);
    let y = x;
    for (let i = 0; i < 20; i++) y = matmul(y, x);
    const program = toProgram({ x }, { y });
    const pool = new Pool({ threads: 2 });
    const run = () => pool.run(program, { x: new Float32Array(size * size).fill(1 / size) });
    console.log((await Promise.all([1, 2, 3].map(run))).map(({ y }) => y[0] * size).join());
  `;
  const run = (code: string) => promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
  expect((await run(script)).stdout).toBe("1,1,1\n");
  expect((await run(`${script} await pool.release();`)).stdout).toBe("1,1,1\n");
  // Ending a worker inside ONNX Runtime would be an abort, exit code 134.
  const busy = `${script} const more = () => void run().then(more); more(); more(); more();`;
  await expect(run(`${busy} setTimeout(() => process.exit(7), 20);`)).rejects.toMatchObject({ code: 7 });
});
