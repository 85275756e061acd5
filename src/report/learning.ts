/** Learning curves for the terminal: a line of blocks for each quantity. */
import type { MetricsLine } from "../runs/read.ts";
import type { TextTable } from "./table.ts";
import { curvesOf } from "./view/curves.ts";

const BLOCKS = "▁▂▃▄▅▆▇█";

/** What is shown: of supervised stages the loss, of SEPO J and its terms by game, unreadable replies, and the KL. */
const SHOWN = /^(loss|kl|[\w-]+\/(safety_index|pool_advantage|collusion|externality|failure_rate))$/;

/** A line for each curve that varies: the means of its first and last steps, and its course between its least and its most. */
export function learningTable(title: string, lines: readonly MetricsLine[]): TextTable | undefined {
  const curves = curvesOf(lines).filter(({ name, mean }) => SHOWN.test(name) && Math.min(...mean) < Math.max(...mean));
  if (curves.length === 0) return undefined;
  return {
    title,
    head: ["stage", "quantity", "steps", "course", "first", "last"],
    rows: curves.map(({ stage, name, steps, mean }) => [
      stage,
      name,
      String(steps[steps.length - 1]),
      blocks(mean),
      mean[0].toFixed(3),
      mean[mean.length - 1].toFixed(3),
    ]),
    note: "Each block is the mean of neighbouring steps, between the least and the most of its line.",
  };
}

/** The values as blocks, the least as the lowest; a constant line is all lowest. */
export function blocks(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const height = most > least ? (BLOCKS.length - 1) / (most - least) : 0;
  return values.map((value) => BLOCKS[Math.round((value - least) * height)]).join("");
}
