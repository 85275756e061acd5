/** Tables of text, in the terminal and in Markdown. */
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

export function terminalTable({ title, head, rows, note }: TextTable): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]))
      .join("  ")
      .trimEnd();
  return [
    title,
    line(head),
    widths.map((width) => "-".repeat(width)).join("  "),
    ...rows.map(line),
    ...(note === undefined ? [] : [note]),
  ].join("\n");
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
