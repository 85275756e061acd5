/** Files that a reader takes away from the page. */
import type { TextTable } from "../report/table.ts";

/** Comma-separated values (RFC 4180). A cell that a spreadsheet would take for a formula is written as text. */
export function csvOf({ head, rows }: TextTable): string {
  const cell = (content: string): string => {
    const text = /^[=+@\t\r]|^-(?![\d.])/.test(content) ? `'${content}` : content;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

export function save(name: string, content: string, type: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
