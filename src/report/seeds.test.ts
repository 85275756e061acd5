import { describe, expect, test } from "vitest";
import { type AgentReport, reportPolicy } from "../evaluation/report.ts";
import { rosterOf } from "../opponents/index.ts";
import { parseConfig } from "../runs/config.ts";
import type { RunSummary } from "../runs/read.ts";
import { seedsTables } from "./seeds.ts";

const roster = rosterOf("auction");
const policy = (seed: number): AgentReport =>
  reportPolicy(roster, roster.reference, { name: "sepo", seed, episodes: 20, command: "test" });

function run(seed: number, set: Record<string, unknown> = {}): RunSummary {
  const provenance = { checkpoint: "", seed, episodes: 20, positions: 32, version: "test" };
  return {
    folder: `runs/${seed}`,
    config: parseConfig({ seed, games: ["auction"], engine: { kind: "tabular" }, ...set }),
    identity: { id: "", version: "test", changes: [] },
    checkpoints: ["sepo"],
    reports: [{ stage: "sepo", provenance, report: policy(seed), current: true }],
  };
}

describe("means over seeds", () => {
  test("are means of the runs' values with Student's interval over runs", () => {
    const { tables, rows } = seedsTables([run(1), run(2), run(3)], undefined);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ game: "auction", agent: "sepo", n: 3, seeds: [1, 2, 3] });
    const values = [1, 2, 3].map((seed) => policy(seed).games[0].objective.safetyIndex.value);
    const mean = (values[0] + values[1] + values[2]) / 3;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2);
    expect(rows[0].values.safetyIndex?.value).toBeCloseTo(mean, 12);
    // R: qt(0.975, 2) = 4.302653
    expect(rows[0].values.safetyIndex?.high).toBeCloseTo(mean + (4.302653 * deviation) / Math.sqrt(3), 3);
    expect(tables[0].title).toContain("differ by their seed alone (1, 2, 3)");
    const { collusion, externality, poolAdvantage } = rows[0].values;
    for (const value of [collusion, externality, poolAdvantage]) expect(value?.low).toBeGreaterThanOrEqual(0);
    expect(collusion?.high).toBeLessThanOrEqual(1);
  });

  test.each([
    ["a single run", () => [run(1)], /at least two runs, got 1/],
    ["the same seed twice", () => [run(1), run(2), run(1)], /runs\/1 has seed 1 like another run/],
    ["another credit rule", () => [run(1), run(2, { sepo: { credit: "paper" } })], /sepo\.credit \("objective" and "paper"\)/],
    ["another protocol", () => [run(1), run(2, { protocol: "paper" })], /protocol \("corrected" and "paper"\)/],
    [
      "weights of another kind",
      () => [run(1), run(2, { games: { auction: { weights: { collusion: 3 } } } })],
      /weights\.collusion/,
    ],
  ])("refuse %s, naming the difference", (_, runs, message) => {
    expect(() => seedsTables(runs(), undefined)).toThrow(message);
  });
});
