/** How actions are offered: as buttons, or, where they are all combinations of some numbers, number by number. */
import type { Action } from "../../games/index.ts";

/** More actions than this are chosen number by number. */
export const MOST_BUTTONS = 10;

/** The numbers that make up an action. */
export interface NumberChoice {
  readonly fields: readonly { readonly label: string; readonly least: number; readonly most: number }[];
  readonly write: (numbers: readonly number[]) => Action;
}

const NUMBER = /\d+/g;

/**
 * The numbers of actions that differ in nothing else, when every combination of them is legal; undefined otherwise. Labels are those that
 * the grammar's description has in brackets.
 */
export function numberChoice(legal: readonly Action[], description: string): NumberChoice | undefined {
  const [pattern] = legal.map((action) => action.replaceAll(NUMBER, "#"));
  if (legal.some((action) => action.replaceAll(NUMBER, "#") !== pattern)) return undefined;
  const rows = legal.map((action) => (action.match(NUMBER) ?? []).map(Number));
  const labels = /\[([^\]]+)\]/.exec(description)?.[1].split(", ") ?? [];
  const fields = rows[0].map((_, i) => {
    const values = rows.map((row) => row[i]);
    return { label: labels[i] ?? "number", least: Math.min(...values), most: Math.max(...values) };
  });
  const combinations = fields.reduce((product, { least, most }) => product * (most - least + 1), 1);
  if (fields.length === 0 || combinations !== legal.length) return undefined;
  return {
    fields,
    write(numbers) {
      let i = 0;
      return pattern.replaceAll("#", () => String(numbers[i++]));
    },
  };
}
