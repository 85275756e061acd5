/**
 * A measured table as it might have come out: positions are weighted at random, uniformly on the simplex (Rubin, Annals of Statistics 9,
 * 1981), and where few differ from the most frequent one there is one more, at which a single action is certain: what four equal answers say
 * of a rare other one is that it is rare.
 */
import { type Key, foldIn, uniform, uniformInteger } from "../random.ts";
import type { PolicyRow } from "./action-table.ts";

/** Positions below which those seen say too little of those that were not. */
const FEW = 20;

export const redrawnTable = (rows: readonly PolicyRow[], key: Key): PolicyRow[] =>
  rows.map((row, r) => redrawnRow(row, foldIn(key, r)));

/** A row of one sample: its distribution as it might have come out. */
function redrawnRow(row: PolicyRow, key: Key): PolicyRow {
  const { samples, certain = false, actions } = row;
  if (certain) return row;
  const more = isFew(samples)
    ? [actions.map((_, i) => (i === uniformInteger(foldIn(key, "more"), actions.length) ? 1 : 0))]
    : [];
  const units = [...samples, ...more];
  // Exponential weights divided by their sum are uniform on the simplex.
  const weights = units.map((_unit, i) => -Math.log1p(-uniform(key, i)));
  const total = weights.reduce((a, b) => a + b, 0);
  return { ...row, samples: [actions.map((_, j) => units.reduce((sum, unit, i) => sum + (weights[i] * unit[j]) / total, 0))] };
}

/** Whether the positions say too little of what was not seen: few of them, or hardly any that differs from the others. */
function isFew(samples: PolicyRow["samples"]): boolean {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const name = sample.map((p) => p.toFixed(9)).join(" ");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return samples.length - Math.max(...counts.values()) < FEW;
}
