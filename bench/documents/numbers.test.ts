import { describe, expect, test } from "vitest";
import { blocksOf, numbersOf, prints, withoutSource } from "./numbers.ts";

describe("numbers of a document", () => {
  test("decimals, percentages and numbers with units, outside of code, addresses and names", () => {
    expect(numbersOf("J is 0.717 [-0.083, 1.2], 18% of 4,168 trials in 1,301 s; 40 rollouts, 2 GB")).toEqual([
      "0.717",
      "-0.083",
      "1.2",
      "18%",
      "1301 s",
      "2 GB",
    ]);
    expect(numbersOf("`--precision 0.02`, [a](b-1.5.md), https://x.org/2.5, Qwen 3.5, Node 20.19, torch 2.15.0")).toEqual([]);
    expect(numbersOf("between 1.5 and 2.6 times, 3.5.")).toEqual(["1.5", "2.6 times", "3.5"]);
  });

  test("an output prints a number that its own rounds to", () => {
    expect(prints(["0.151963"], "0.152")).toBe(true);
    expect(prints(["0.151963"], "0.15")).toBe(true);
    expect(prints(["0.151963"], "0.151")).toBe(false);
    expect(prints(["0.2"], "0.20")).toBe(false);
    expect(prints(["46.2%"], "46%")).toBe(true);
    expect(prints(["46"], "46%")).toBe(false);
    expect(prints(["46"], "46 s")).toBe(false);
    expect(prints(["39.8 GB"], "39.8")).toBe(true);
    expect(prints(["0.131"], "0.131 chips")).toBe(true);
  });

  test("comments hold up to the next one or the next heading", () => {
    const blocks = blocksOf(
      "# A\nx\n<!-- 1 number given: a setting -->\n0.5\n\n<!-- printed by: sepo solve ipd -->\n<!-- 2 numbers measured 2026-01-02: npm start -->\ny\n## B\nz",
    );
    expect(blocks.map(({ heading, sources }) => [heading, sources.map(({ kind }) => kind)])).toEqual([
      ["", []],
      ["A", []],
      ["A", ["given"]],
      ["A", ["printed", "measured"]],
      ["B", []],
    ]);
    expect(() => blocksOf("<!-- numbers: somewhere -->")).toThrow(/names no source; expected one of/);
    expect(blocksOf("<!-- a remark -->\n")).toHaveLength(1);
  });

  test("every number needs a source, and a new one is noticed", () => {
    const outputOf = (command: readonly string[]) => `${command.join(" ")}: J 1.73912 (64%)`;
    const printed = "<!-- printed by: sepo solve ipd -->\nTit-for-tat has J 1.739.";
    expect(withoutSource(printed, outputOf)).toEqual([]);
    expect(withoutSource(`${printed} It took 3 s.`, outputOf)[0]).toMatch(/^under "": 1 numbers without a source \(3 s\)/);
    const measured = "## Time\n<!-- 2 numbers measured 2026-01-02: npm start -->\n3 s, 4 s\n";
    expect(withoutSource(measured, outputOf)).toEqual([]);
    expect(withoutSource(`${measured}5 s`, outputOf)[0]).toMatch(
      /^under "Time": 3 numbers where the comments count 2 \(3 s, 4 s, 5 s\)/,
    );
    expect(withoutSource("```\n0.5\n```\n", outputOf)).toEqual([]);
  });
});
