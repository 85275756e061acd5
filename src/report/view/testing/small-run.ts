/** A run of seconds with everything that a run leaves behind. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../../runs/config.ts";
import { train } from "../../../training/run.ts";

export const smallConfig = (seed = 0) =>
  parseConfig({
    seed,
    games: ["ipd", "kuhn"],
    engine: { kind: "tabular" },
    base: { examples: 128, learningRate: 0.05 },
    sft: { examples: 512, learningRate: 0.05 },
    sepo: { steps: 6, scenarios: 1, groupSize: 2, transcriptsEvery: 3, learningRate: 0.03 },
    evaluation: { episodes: 6, positions: 4 },
  });

/** Trains it below a temporary folder; `name` is the folder's own. */
export async function smallRun(name: string, seed = 0): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "sepo-view-")), name);
  await train(smallConfig(seed), folder);
  return folder;
}
