/** How many rows run together: what is fastest for a model's size, within the memory that it may take. */
import type { Counts } from "./batches.ts";
import type { ModelConfig } from "./model.ts";
import { parameterCount } from "./parameters.ts";

/** How the completions of equal prompts are drawn. */
export interface Plan {
  /** Completions of one row. */
  readonly samples: number;
  /** Prompts of which so many completions are left to draw get such a row. */
  readonly least: number;
  readonly counts: Counts;
}

/** Parameters above which a row takes longer than a graph for it takes to load: fewer rows stay empty, and a single one runs alone. */
const LARGE = 4_000_000;
const isLarge = (config: ModelConfig): boolean => parameterCount(config) > LARGE;

/** Most completions a row first. */
const PLANS: readonly Plan[] = [
  { samples: 16, least: 12, counts: { rows: [8, 4, 2], slots: 4096, fewest: 2 } },
  { samples: 4, least: 3, counts: { rows: [8, 4, 2], slots: 4096, fewest: 2 } },
  { samples: 1, least: 1, counts: { rows: [64, 32, 16, 8], slots: 8192, fewest: 2 } },
];
const LARGE_PLANS: readonly Plan[] = [
  { samples: 16, least: 12, counts: { rows: [8, 4, 1], slots: 4096, fewest: 1 } },
  { samples: 4, least: 3, counts: { rows: [8, 4, 1], slots: 4096, fewest: 1 } },
  { samples: 1, least: 1, counts: { rows: [64, 32, 16, 4, 1], slots: 8192, fewest: 1 } },
];
export const samplingPlans = (config: ModelConfig): readonly Plan[] => (isLarge(config) ? LARGE_PLANS : PLANS);

export const scoringCounts = (config: ModelConfig): Counts =>
  isLarge(config) ? { rows: [16, 4, 1], slots: 4096, fewest: 1 } : { rows: [32, 8], slots: 4096, fewest: 2 };

/** Of the activations that one run of a gradient may keep for its way back, in bytes; an estimate. */
const KEPT_ACTIVATIONS = 2 ** 30;
const MOST_SLOTS = 2048;

/** Bytes that a token's way through the layers leaves for the way back, but for attention's scores. */
function bytesPerSlot({ layers, width, heads, keyValueHeads, headWidth, feedForward }: ModelConfig): number {
  return 4 * layers * (8 * width + 3 * (heads + 2 * keyValueHeads) * headWidth + 6 * feedForward);
}

/** Of runs that compute gradients. */
export function trainingCounts(config: ModelConfig): Counts {
  const slots = Math.floor(KEPT_ACTIVATIONS / bytesPerSlot(config));
  if (slots >= MOST_SLOTS) return { rows: [32, 16, 8, 4], slots: MOST_SLOTS, fewest: 1 };
  return { rows: [32, 16, 4, 1], slots, fewest: 1 };
}
