import { describe, expect, test } from "vitest";
import { seedKey } from "../random.ts";
import { Positions } from "./positions.ts";

/** Positions of one key: so many against each opponent in each round, told apart by their text. */
function met(counts: Readonly<Record<string, number>>, rounds = 1): Positions {
  const positions = new Positions(seedKey(1));
  for (const [opponent, count] of Object.entries(counts))
    for (let round = 0; round < rounds; round++)
      for (let i = 0; i < count; i++) positions.add("key", opponent, round, `${opponent} ${round} ${i}`);
  return positions;
}
const opponentsOf = (views: readonly unknown[]) => views.map((view) => String(view).split(" ")[0]);
const count = (views: readonly unknown[], opponent: string) => opponentsOf(views).filter((name) => name === opponent).length;

describe("positions shown again", () => {
  test("are those met, in proportion to how often, whichever opponent came first", () => {
    const shown = met({ first: 1000, second: 1000, rare: 100 }).sample("key", 42);
    expect(shown).toHaveLength(42);
    expect(new Set(shown).size).toBe(42);
    // Shares of 42 by 10 : 10 : 1, rounded up or down.
    expect(count(shown, "first")).toBe(20);
    expect(count(shown, "second")).toBe(20);
    expect(count(shown, "rare")).toBe(2);
  });

  test("cover the rounds", () => {
    const shown = met({ a: 50, b: 50 }, 8).sample("key", 32);
    const strata = shown.map((view) => String(view).split(" ").slice(0, 2).join(" "));
    expect(new Set(strata).size).toBe(16);
  });

  test("are all of them where there are few, and none of a key never met", () => {
    expect(met({ a: 3, b: 2 }).sample("key", 32)).toHaveLength(5);
    expect(met({ a: 3 }).sample("other", 32)).toEqual([]);
  });

  test("are any of the stratum, not its first ones", () => {
    const numbers = met({ a: 5000 })
      .sample("key", 32)
      .map((view) => Number(String(view).split(" ")[2]));
    // Of 32 uniform numbers below 5000 the mean has standard error 255.
    const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
    expect(Math.abs(mean - 2500)).toBeLessThan(4 * 255);
  });

  test("never are more than asked for, at any sizes", () => {
    for (let n = 1; n < 60; n++)
      for (const opponents of [1, 3, 7]) {
        const counts = Object.fromEntries(Array.from({ length: opponents }, (_, i) => [`o${i}`, n + 13 * i]));
        const all = Object.values(counts).reduce((a, b) => a + b, 0);
        const shown = met(counts).sample("key", 32);
        expect(shown.length).toBeLessThanOrEqual(32);
        expect(shown.length).toBeGreaterThanOrEqual(Math.min(all, 30));
      }
  });
});
