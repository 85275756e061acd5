import { describe, expect, test } from "vitest";
import type { MetricsLine } from "../runs/read.ts";
import type { Stage } from "../runs/stages.ts";
import { blocks, learningTable } from "./learning.ts";

const line = (stage: Stage, step: number, values: Record<string, number>): MetricsLine =>
  Object.assign({ stage, step }, values);

describe("learning curves in the terminal", () => {
  test("blocks rise from the least to the most; what does not vary is low", () => {
    expect(blocks([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█");
    expect(blocks([3, -1, 3])).toBe("█▁█");
    expect(blocks([2, 2])).toBe("▁▁");
  });

  test("a line for J, its terms, losses and the KL, by stage; long runs fit", () => {
    const base = [line("base", 1, { loss: 6 }), line("base", 2, { loss: 1 })];
    const sepo = Array.from({ length: 200 }, (_, i) =>
      line("sepo", i + 1, { "kuhn/safety_index": i / 200, kl: 0, num_tokens: 5 }),
    );
    const table = learningTable("run", [...base, ...sepo]);
    expect(table?.rows.map(([stage, name, steps]) => `${stage} ${name} ${steps}`)).toEqual([
      "base loss 2",
      "sepo kuhn/safety_index 200",
    ]);
    const [, [, , , course, first, last]] = table!.rows;
    expect(course).toHaveLength(40);
    expect(course.startsWith("▁") && course.endsWith("█")).toBe(true);
    // Means of the first and of the last five steps.
    expect([first, last]).toEqual(["0.010", "0.985"]);
  });

  test("nothing that has a course, no table", () => {
    expect(learningTable("run", [line("base", 1, { loss: 6 })])).toBeUndefined();
  });
});
