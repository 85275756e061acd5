import fc from "fast-check";
import { expect, test } from "vitest";
import {
  chosenValues,
  contextArrays,
  continuedRow,
  denseBatches,
  invariantBatches,
  prefixArrays,
  promptRow,
  slotsFor,
} from "./batches.ts";
import { TINY, tokensOf } from "./testing.ts";

const CONFIG = { ...TINY, contextLength: 1000 };
const COUNTS = { rows: [8, 2], slots: 2048, fewest: 1 };

const request = fc.record({
  family: fc.nat(2),
  shared: fc.constantFrom(0, 5, 40),
  own: fc.integer({ min: 1, max: 70 }),
  continuation: fc.array(fc.nat(23), { maxLength: 40 }),
});
const rowsOf = (requests: readonly { family: number; shared: number; own: number; continuation: number[] }[]) =>
  requests.map(({ family, shared, own, continuation }, index) => {
    const tokens = Array.from({ length: shared + own }, (_, i) => (i < shared ? family : (i * 7 + index) % 24));
    return continuedRow(CONFIG, { tokens, shared }, continuation, [index]);
  });

test("slots hold the tokens and waste less than a quarter, beyond the first step", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), (n) => {
      const slots = slotsFor(n);
      expect(slots).toBeGreaterThanOrEqual(n);
      expect(slots - n).toBeLessThan(Math.max(16, n / 4));
    }),
  );
  expect([0, 1, 16, 17, 128, 129, 300].map((n) => slotsFor(n))).toEqual([0, 16, 16, 32, 128, 160, 320]);
});

test.each([
  ["invariant", (rows: ReturnType<typeof rowsOf>) => invariantBatches(rows, COUNTS, false)] as const,
  ["dense", (rows: ReturnType<typeof rowsOf>) => denseBatches(rows, COUNTS)] as const,
])("%s batches hold every row once, with its prefix, in slots large enough", (_, batchesOf) => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const rows = rowsOf(requests);
      const batches = batchesOf(rows);
      expect(batches.flatMap((batch) => batch.rows.flatMap(({ members }) => members)).sort((a, b) => a - b)).toEqual([
        ...rows.keys(),
      ]);
      for (const { sizes, rows: members } of batches) {
        expect(COUNTS.rows).toContain(sizes.rows);
        expect(members.length).toBeLessThanOrEqual(sizes.rows);
        for (const row of members) {
          expect(row.prefix).toEqual(members[0].prefix);
          expect(row.prefix).toHaveLength(sizes.prefix);
          expect(row.own.length).toBeLessThanOrEqual(sizes.length);
          expect(row.chosen).toBeLessThanOrEqual(sizes.chosen);
          expect(sizes.chosen).toBeLessThanOrEqual(sizes.length);
        }
      }
    }),
  );
});

test("invariant batches give a row the slots it would have alone", () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      for (const { sizes, rows } of invariantBatches(rowsOf(requests), COUNTS, false)) {
        for (const row of rows) {
          const [alone] = invariantBatches([row], COUNTS, false);
          expect({ ...alone.sizes, rows: 0 }).toEqual({ ...sizes, rows: 0 });
        }
      }
    }),
  );
});

test("a row's last own token predicts the first token to come", () => {
  const prompt = { tokens: [1, 2, 3, 4, 5], shared: 3 };
  expect(promptRow(CONFIG, prompt, 4, [0])).toEqual({ members: [0], prefix: [1, 2, 3], own: [4, 5], first: 1, chosen: 1 });
  const row = continuedRow(CONFIG, prompt, [6, 7, 8], [0]);
  expect(row).toEqual({ members: [0], prefix: [1, 2, 3], own: [4, 5, 6, 7], first: 1, chosen: 3 });
  // A prompt that is shared as a whole keeps its last token for itself.
  expect(promptRow(CONFIG, { ...prompt, shared: 5 }, 4, [0])).toMatchObject({ prefix: [1, 2, 3, 4], own: [5], first: 0 });
});

test("arrays place rows one after another", () => {
  const sizes = { prefix: 2, rows: 2, length: 5, chosen: 3 };
  const rows = [continuedRow(CONFIG, { tokens: [1, 2, 3, 4], shared: 2 }, [5, 6], [1])];
  const batch = { sizes, rows };
  expect(contextArrays(batch)).toEqual({
    tokens: Int32Array.of(3, 4, 5, 0, 0, 0, 0, 0, 0, 0),
    at: Int32Array.of(1, 2, 0, 0, 0, 0),
  });
  expect(prefixArrays(batch)).toEqual({ prefixTokens: Int32Array.of(1, 2) });
  const values = chosenValues(batch, new Float32Array(6), ({ members }) => [members[0], 9]);
  expect(values).toEqual(Float32Array.of(1, 9, 0, 0, 0, 0));
});

test("long rows come in small batches", () => {
  const rows = Array.from({ length: 9 }, (_, i) =>
    promptRow({ ...TINY, contextLength: 5000 }, { tokens: tokensOf(i, 3000), shared: 0 }, 4, [i]),
  );
  expect(denseBatches(rows, COUNTS).map(({ sizes }) => sizes.rows)).toEqual(rows.map(() => 1));
  expect(invariantBatches(rows, { ...COUNTS, fewest: 2 }, true).map(({ sizes }) => sizes.rows)).toEqual([2, 2, 2, 2, 2]);
  // Seven would fit; a power of two can be halved.
  expect(invariantBatches(rows, { ...COUNTS, rows: [8], slots: 7 * 3072 }, true)[0].sizes).toMatchObject({
    rows: 4,
    length: 3072,
  });
});

test("few rows are shared by the workers, many are not cut further", () => {
  const rows = (count: number, lengths: readonly number[]) =>
    Array.from({ length: count }, (_, i) =>
      promptRow(TINY, { tokens: tokensOf(i, lengths[i % lengths.length]), shared: 0 }, 4, [i]),
    );
  const counts = { rows: [8, 4, 2], slots: 4096, fewest: 2 };
  const sizes = (list: ReturnType<typeof rows>, workers: number) =>
    invariantBatches(list, counts, true, workers).map(({ sizes: { rows: each } }) => each);
  expect(sizes(rows(8, [10]), 1)).toEqual([8]);
  expect(sizes(rows(8, [10]), 2)).toEqual([4, 4]);
  expect(sizes(rows(8, [10]), 3)).toEqual([2, 2, 2, 2]);
  expect(sizes(rows(16, [10]), 2)).toEqual([8, 8]);
  // Two lengths are work for two workers already.
  expect(sizes(rows(16, [10, 20]), 2)).toEqual([8, 8]);
});
