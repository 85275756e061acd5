/** The campaign in its short form: one test per part. */
import { describe, expect, test } from "vitest";
import { PARTS, campaign, commandOf } from "./campaign.ts";
import { tally, trials } from "./part.ts";
import { reportOf } from "./report.ts";

describe("the reliability campaign", () => {
  test.each(PARTS.map((part) => [part.name, part] as const))(
    "%s end as they must",
    async (_, part) => {
      const [{ facts, failures }] = await campaign([part], { size: "short", seed: 0 });
      expect(failures).toEqual([]);
      expect(facts.length).toBeGreaterThan(0);
    },
    300_000,
  );

  test("arguments are parts and options, and others are refused", () => {
    expect(commandOf([])).toEqual({ parts: PARTS, seed: 0, size: "long", write: false, help: false });
    const some = commandOf(["memory", "kills", "--seed", "7", "--short"]);
    expect([some.parts.map(({ name }) => name), some.seed, some.size]).toEqual([["kills", "memory"], 7, "short"]);
    expect(commandOf(["--help"]).help).toBe(true);
    expect(() => commandOf(["kill"])).toThrow(/expected parts among kills, writes, .*, got "kill"/);
    expect(() => commandOf(["--sead", "1"])).toThrow(/Unknown option '--sead'/);
    expect(() => commandOf(["memory", "--write"])).toThrow(/--write: the page holds all parts/);
    expect(() => commandOf(["--seed", "x"])).toThrow(/--seed: expected a whole number from 0 on, got "x"/);
  });

  test("a trial that throws has failed, and says so in the order of the trials", async () => {
    const seen: number[] = [];
    const options = { concurrency: 2, onProgress: (done: number) => void seen.push(done) };
    const failures = await trials(3, options, (index) =>
      index === 1 ? Promise.reject(new Error("lost")) : Promise.resolve(index === 2 ? ["torn"] : []),
    );
    expect(failures).toEqual(["Error: lost", "torn"]);
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(tally(["sft", "base", "sft"])).toBe("2 sft, 1 base");
  });

  test("the report names what failed, and every claim", () => {
    const [first, second] = PARTS;
    const findings = [
      { part: first, seconds: 1, facts: ["Ten trials."], failures: [] },
      { part: second, seconds: 2, facts: [], failures: ["write 7: lost"], skipped: ["a disk"] },
    ];
    const report = reportOf(findings, { command: "npm run campaign", seed: 3, date: new Date("2026-01-02") });
    expect(report).toContain(`1 of 2 parts failed: ${second.name}.`);
    expect(report).toContain("2026-01-02, seed 3, Node");
    expect(report).toContain("- FAILED: write 7: lost");
    expect(report).toContain("- Skipped on this machine: a disk.");
    expect(Math.max(...report.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(120);
  });
});
