import { describe, expect, test } from "vitest";
import { Batcher, Slots } from "./concurrency.ts";

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe("slots", () => {
  test("no more than the limit at a time, in the order asked for, for all holders together", async () => {
    const slots = new Slots(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const work = (n: number) => slots.run(() => new Promise<number>((resolve) => (begun.push(n), ends.push(() => resolve(n)))));
    const results = Promise.all([work(0), work(1), work(2), work(3)]);
    await tick();
    expect(begun).toEqual([0, 1]);
    ends[1]();
    await tick();
    expect(begun).toEqual([0, 1, 2]);
    ends[0]();
    ends[2]();
    await tick();
    ends[3]();
    expect(await results).toEqual([0, 1, 2, 3]);
  });

  test("after an error nothing of the same call begins, and the slots are free again", async () => {
    const slots = new Slots(1);
    const begun: number[] = [];
    const failing = slots.map([0, 1, 2], async (n) => {
      begun.push(n);
      await tick();
      if (n === 0) throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await slots.run(() => Promise.resolve("free"))).toBe("free");
    expect(begun).toEqual([0]);
  });
});

describe("a batcher", () => {
  test("joins what is asked for while work is under way, and answers each its own", async () => {
    const sizes: number[] = [];
    const batcher = new Batcher<number, number>(async (items) => {
      sizes.push(items.length);
      await tick();
      return items.map((x) => 2 * x);
    });
    const first = batcher.run([1]);
    await Promise.resolve();
    await Promise.resolve();
    const later = [batcher.run([2, 3]), batcher.run([]), batcher.run([4])];
    expect(await first).toEqual([2]);
    expect(await Promise.all(later)).toEqual([[4, 6], [], [8]]);
    expect(sizes).toEqual([1, 3]);
  });

  test("an error reaches everyone in its batch and nobody else", async () => {
    const batcher = new Batcher<number, number>((items) =>
      items.includes(13) ? Promise.reject(new Error("unlucky")) : Promise.resolve(items),
    );
    const [a, b] = [batcher.run([13]), batcher.run([1])];
    await expect(a).rejects.toThrow("unlucky");
    await expect(b).rejects.toThrow("unlucky");
    expect(await batcher.run([2])).toEqual([2]);
  });
});
