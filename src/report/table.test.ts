import { afterEach, describe, expect, test, vi } from "vitest";
import { TABLE_FORMATS, type TextTable, tableIn, terminalTable } from "./table.ts";

const table: TextTable = {
  title: "kuhn: protocol corrected, 400 episodes per opponent",
  head: ["pool", "opponent", "payoff per round", "gap, 100% & more"],
  rows: [
    ["train", "tight-passive", "0.100 [0.050, 0.150]", "-0.1"],
    ["exploiter", 'the "best"', "0.200 [0.150, 0.250]", "a_b"],
  ],
  note: "Intervals by episode.",
};

afterEach(() => vi.unstubAllEnvs());

describe("in a terminal", () => {
  test("a table that fits is one block", () => {
    vi.stubEnv("COLUMNS", "200");
    expect(terminalTable(table).split("\n")).toHaveLength(6);
  });

  for (const columns of [40, 60, 80])
    test(`of ${columns} columns no line is longer, every cell is there, and each block names its rows`, () => {
      vi.stubEnv("COLUMNS", String(columns));
      const text = terminalTable(table);
      // The names of these rows and the widest cell need 46.
      for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 46));
      for (const cell of [...table.head, ...table.rows.flat()]) expect(text).toContain(cell);
      const blocks = text.split("\n\n");
      for (const block of blocks) expect(block).toMatch(/train +tight-passive/);
      expect(blocks.length).toBe(columns < 65 ? 2 : 1);
    });
});

test("CSV quotes what holds commas and quotes", () => {
  const lines = tableIn.csv(table).split("\n");
  expect(lines[0]).toMatch(/^# kuhn/);
  expect(lines[1]).toBe('pool,opponent,payoff per round,"gap, 100% & more"');
  expect(lines[3]).toBe('exploiter,"the ""best""","0.200 [0.150, 0.250]",a_b');
});

test("LaTeX escapes its own signs", () => {
  const text = tableIn.latex(table);
  expect(text).toContain(String.raw`gap, 100\% \& more \\`);
  expect(text).toContain(String.raw`a\_b \\`);
  expect(text.match(/&/g)).toHaveLength(3 * 3 + 1); // three between the cells of each line, and the escaped one
});

test.each(TABLE_FORMATS)("%s holds every row", (format) => {
  vi.stubEnv("COLUMNS", "200");
  for (const [pool] of table.rows) expect(tableIn[format](table)).toContain(pool);
});
