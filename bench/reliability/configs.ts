/** Small runs through all stages, each with checkpoints within stages, transcripts and evaluations. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Content, contentOf } from "./folders.ts";
import { run, unsuccessful } from "./program.ts";

const often = { checkpointEvery: 2 };
/** Few rounds, since what a process solves first would take most of its time. */
const games = { ipd: { rounds: 3 } };
const CONFIGS = {
  /** About a second. */
  tabular: {
    games,
    engine: { kind: "tabular" },
    base: { examples: 2000, ...often },
    sft: { examples: 2000, learningRate: 0.1, ...often },
    sepo: { steps: 8, groupSize: 4, transcriptsEvery: 2, learningRate: 0.1, ...often },
    evaluation: { episodes: 100, positions: 8 },
  },
  /** As few writes as pass through all kinds of writes. */
  tiny: {
    games,
    engine: { kind: "tabular" },
    base: { examples: 150, checkpointEvery: 1 },
    sft: { examples: 60, learningRate: 0.1 },
    sepo: { steps: 2, groupSize: 2, transcriptsEvery: 1, checkpointEvery: 1 },
    evaluation: { episodes: 2, positions: 1 },
  },
  embedded: {
    games,
    engine: {
      kind: "embedded",
      vocabularySize: 320,
      width: 16,
      layers: 1,
      heads: 2,
      keyValueHeads: 1,
      headWidth: 8,
      feedForward: 32,
      threads: 1,
    },
    sampler: { maxTokens: 6 },
    base: { examples: 100, batch: 16, ...often },
    sft: { examples: 100, batch: 16, ...often },
    sepo: { steps: 2, scenarios: 1, groupSize: 2, checkpointEvery: 1, transcriptsEvery: 1 },
    evaluation: { episodes: 2, positions: 1 },
  },
} as const;
export type ConfigName = keyof typeof CONFIGS;

export const configOf = (name: ConfigName, seed = 0): object => ({ seed, ...CONFIGS[name] });

/** Writes a configuration as a file; returns its path. */
export async function writeConfig(folder: string, name: ConfigName, seed = 0): Promise<string> {
  const path = join(folder, `${name}-${seed}.json`);
  await writeFile(path, JSON.stringify(configOf(name, seed)));
  return path;
}

/** A run that nothing disturbed. */
export interface Undisturbed {
  /** The configuration's file. */
  readonly config: string;
  readonly content: Content;
  /** Of the whole process. */
  readonly seconds: number;
  /** Lines of progress. */
  readonly lines: number;
}

export async function undisturbed(folder: string, name: ConfigName, seed = 0): Promise<Undisturbed> {
  const config = await writeConfig(folder, name, seed);
  const place = join(folder, `${name}-${seed}`);
  const ending = await run(config, place);
  const [failure] = unsuccessful(ending);
  if (failure !== undefined) throw new Error(`a run that nothing disturbs ${failure}`);
  return { config, content: await contentOf(place), seconds: ending.seconds, lines: ending.err.split("\n").length - 1 };
}
