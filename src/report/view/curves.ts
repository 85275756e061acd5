/** Learning curves short enough for a page: long series become means of neighbouring steps, with their extremes. */
import type { MetricsLine } from "../../runs/read.ts";
import { STAGES } from "../../runs/stages.ts";
import { mean } from "../../stats/estimate.ts";
import type { Curve } from "./data.ts";

/** Points of a curve at most. */
const POINTS = 40;

/** Every quantity of a run's metrics, by stage, in the order of first appearance. */
export function curvesOf(lines: readonly MetricsLine[]): Curve[] {
  return STAGES.flatMap((stage) => {
    const own = lines.filter((line) => line.stage === stage);
    const names = new Set(own.flatMap((line) => Object.keys(line)));
    return [...names]
      .filter((name) => name !== "stage" && name !== "step")
      .map((name): Curve => {
        const known = own.filter((line) => typeof line[name] === "number");
        const bins = thinned(known);
        const values = bins.map((bin) => bin.map((line) => line[name]));
        return {
          name,
          stage,
          steps: bins.map((bin) => bin[bin.length - 1].step),
          mean: values.map(mean),
          least: values.map((some) => Math.min(...some)),
          most: values.map((some) => Math.max(...some)),
        };
      });
  });
}

/** Neighbours in at most `POINTS` groups of equal size; the last may be smaller. */
function thinned<T>(lines: readonly T[]): T[][] {
  const size = Math.max(1, Math.ceil(lines.length / POINTS));
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, i) => lines.slice(i * size, (i + 1) * size));
}
