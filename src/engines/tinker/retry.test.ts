/** How long the client waits, for every header a server or a proxy may send. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoff, isTransient, retryAfter, waitBefore } from "./retry.ts";

const DATE = "Fri, 31 Dec 1999 23:59:00 GMT";
const asked = (headers: Record<string, string>) => retryAfter(new Headers(headers));

describe("a server asks to wait", () => {
  test.each([
    ["7", 7],
    ["0", 0],
    ["1.5", 1.5],
    [" 7 ", 7],
    ["99999999999", 99_999_999_999],
    ["-5", undefined],
    ["", undefined],
    ["soon", undefined],
    ["NaN", undefined],
    ["Infinity", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["5, 5", undefined],
    ["2099", 2099],
    ["Fri, 31 Dec 1999 23:59:30 GMT", 30],
    ["Friday, 31-Dec-99 23:59:30 GMT", 30],
    ["Fri, 31 Dec 1999 23:58:00 GMT", 0],
    ["Fri, 99 Foo 1999 23:59:30 GMT", undefined],
  ])("retry-after: %j, at a date of the server's own", (value, seconds) => {
    expect(asked({ "retry-after": value, date: DATE })).toBe(seconds);
  });

  test("in milliseconds, which come before seconds when they are a number", () => {
    expect(asked({ "retry-after-ms": "250", "retry-after": "7" })).toBe(0.25);
    expect(asked({ "retry-after-ms": "soon", "retry-after": "7" })).toBe(7);
    expect(asked({})).toBeUndefined();
  });

  test("until a date, with this machine's own where the server names none", () => {
    const seconds = asked({ "retry-after": new Date(Date.now() + 60_000).toUTCString() });
    // Dates have whole seconds.
    expect(seconds).toBeGreaterThan(58);
    expect(seconds).toBeLessThanOrEqual(60);
  });

  test("which lengthens a wait up to the patience that is left, and never shortens one", () => {
    const header = fc.oneof(fc.string(), fc.double().map(String), fc.integer().map(String), fc.date().map(String));
    fc.assert(
      fc.property(
        header,
        fc.double({ min: 0.01, max: 30, noNaN: true }),
        fc.double({ min: 0, max: 300, noNaN: true }),
        (text, least, left) => {
          const value = text.replaceAll(/[^\x20-\x7E]/g, "");
          for (const name of ["retry-after", "retry-after-ms"]) {
            const wait = waitBefore(least, { headers: new Headers({ [name]: value }) }, left);
            if (wait === undefined) expect(least).toBeGreaterThan(left);
            else expect(wait >= least && wait <= left).toBe(true);
          }
        },
      ),
    );
  });
});

test("waits double from half a second to ten", () => {
  expect([1, 2, 3, 4, 5, 6, 60].map(backoff)).toEqual([0.5, 1, 2, 4, 8, 10, 10]);
});

test("only what may pass is waited for", () => {
  const statuses = Array.from({ length: 500 }, (_, i) => 100 + i).filter(isTransient);
  expect(statuses.slice(0, 4)).toEqual([408, 425, 429, 500]);
  expect(statuses).not.toContain(501);
  expect(statuses).not.toContain(505);
  expect(statuses).toHaveLength(3 + 98);
});
