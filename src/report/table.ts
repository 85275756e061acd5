/** Tables of text: for the terminal, Markdown, spreadsheets (CSV) and papers (LaTeX). */
import type { Estimate } from "../stats/estimate.ts";

export interface TextTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader must know, below the table. */
  readonly note?: string;
}

/** A number with fixed places; `?` for an end that is unknown, which a report on disk holds as null. */
function digits(value: number, places: number): string {
  if (!Number.isFinite(value)) return "?";
  return (Math.abs(value) < 0.5 * 10 ** -places ? 0 : value).toFixed(places);
}

/** `1.234 [1.200, 1.268]`: the value and its 95% interval. */
export const interval = ({ value, low, high }: Estimate, places = 3): string =>
  `${digits(value, places)} [${digits(low, places)}, ${digits(high, places)}]`;

export const percent = (value: number, places = 1): string => `${digits(100 * value, places)}%`;
export const percentInterval = ({ value, low, high }: Estimate): string =>
  `${percent(value)} [${percent(Math.max(0, low))}, ${percent(Math.min(1, high))}]`;

/** Columns of the terminal: COLUMNS where it is set, otherwise those of a real terminal; without limit where output goes elsewhere. */
function terminalWidth(): number {
  const asked = Number(process.env.COLUMNS);
  if (asked > 0) return asked;
  return process.stdout.isTTY ? process.stdout.columns : Infinity;
}

/**
 * The table in aligned columns. Where it is wider than the terminal it is cut into blocks of columns below each other, each of which
 * begins with the columns that name its rows.
 */
export function terminalTable({ title, head, rows, note }: TextTable): string {
  const width = terminalWidth();
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i].length)));
  const block = (columns: readonly number[]): string => {
    const line = (cells: readonly string[]): string =>
      columns
        .map((i) => cells[i].padEnd(widths[i]))
        .join(GAP)
        .trimEnd();
    return [line(head), columns.map((i) => "-".repeat(widths[i])).join(GAP), ...rows.map(line)].join("\n");
  };
  return [
    ...folded(title, width),
    blocksOf(widths, namesOf(rows), width).map(block).join("\n\n"),
    ...(note === undefined ? [] : folded(note, width)),
  ].join("\n");
}

const GAP = "  ";

/** Number of leading columns that name a row: the first, and the second where it holds words alone. */
const namesOf = (rows: readonly (readonly string[])[]): number =>
  rows.length > 0 && rows.every((row) => row.length > 2 && /^[a-z]/i.test(row[1])) ? 2 : 1;

/** Columns of each block, those that name the rows first. */
function blocksOf(widths: readonly number[], names: number, width: number): number[][] {
  const leading = widths.slice(0, names).map((_, i) => i);
  const sizeOf = (columns: readonly number[]) => columns.reduce((sum, i) => sum + widths[i] + GAP.length, -GAP.length);
  const blocks: number[][] = [];
  let block = leading;
  for (let i = names; i < widths.length; i++) {
    if (block.length > names && sizeOf([...block, i]) > width) {
      blocks.push(block);
      block = leading;
    }
    block = [...block, i];
  }
  return [...blocks, block];
}

/** Lines no longer than `width`, cut at spaces. */
function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export function markdownTable({ title, head, rows, note }: TextTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    `**${title}**`,
    "",
    line(head),
    line(head.map(() => "---")),
    ...rows.map(line),
    ...(note === undefined ? [] : ["", note]),
  ].join("\n");
}

/** RFC 4180, with the title and the note as lines that begin with #. */
export function csvTable({ title, head, rows, note }: TextTable): string {
  const cellOf = (cell: string) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const remark = (text: string) => `# ${text}`;
  const lines = [head, ...rows].map((row) => row.map(cellOf).join(","));
  return [remark(title), ...lines, ...(note === undefined ? [] : [remark(note)])].join("\n");
}

/** A table with the rules of the package booktabs. */
export function latexTable({ title, head, rows, note }: TextTable): string {
  const line = (cells: readonly string[]): string => `${cells.map(latex).join(" & ")} \\\\`;
  return [
    "\\begin{table}",
    `\\caption{${latex(note === undefined ? title : `${title}. ${note}`)}}`,
    `\\begin{tabular}{${"l".repeat(head.length)}}`,
    "\\toprule",
    line(head),
    "\\midrule",
    ...rows.map(line),
    "\\bottomrule",
    "\\end{tabular}",
    "\\end{table}",
  ].join("\n");
}

const LATEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
};
const latex = (text: string): string => text.replaceAll(/[\\~^&%$#_{}]/g, (mark) => LATEX[mark] ?? `\\${mark}`);

export const TABLE_FORMATS = ["terminal", "markdown", "csv", "latex"] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** How a table is printed in each format. */
export const tableIn: Readonly<Record<TableFormat, (table: TextTable) => string>> = {
  terminal: terminalTable,
  markdown: markdownTable,
  csv: csvTable,
  latex: latexTable,
};
