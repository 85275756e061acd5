/** The schema of an evaluation as it is written in `evaluation/STAGE.json`. */
import { z } from "zod";
import { byCause } from "../evaluation/episodes.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { PROTOCOLS } from "../games/index.ts";
import { POOLS } from "../opponents/index.ts";

/** JSON has no infinity: an end or an error that is unknown is written as null. */
const unknownAs = (value: number) =>
  z
    .number()
    .nullable()
    .transform((found) => found ?? value);

export const estimateSchema = z.object({
  value: z.number(),
  standardError: unknownAs(Infinity),
  low: unknownAs(-Infinity),
  high: unknownAs(Infinity),
  n: z.number(),
});
const estimate = estimateSchema;

const opponent = z.object({
  opponent: z.string(),
  pool: z.enum(POOLS),
  payoff: estimate,
  opponentPayoff: estimate,
  gap: estimate,
  collusion: estimate,
  externality: estimate,
  welfare: estimate,
  relativeAdvantage: estimate,
  regret: estimate.exactOptional(),
  actions: z.array(z.object({ action: z.string(), share: estimate })),
  measures: z.array(z.object({ name: z.string(), value: estimate })),
});

const actionRow = z.object({
  key: z.string(),
  met: z.boolean(),
  actions: z.array(z.object({ action: z.string(), probability: estimate, reference: z.number() })),
});

export const worstCaseSchema = z.object({
  kind: z.enum(["exact", "projection", "lower bound"]),
  advantage: estimate,
  exploitability: estimate.exactOptional(),
});

export const objectiveSchema = z.object({
  safetyIndex: estimate,
  utility: estimate,
  poolAdvantage: estimate,
  signedPoolAdvantage: estimate,
  collusion: estimate,
  externality: estimate,
});

const game = z.object({
  game: z.string(),
  protocol: z.enum(PROTOCOLS),
  settings: z.string(),
  episodesPerOpponent: z.number(),
  objective: objectiveSchema,
  forfeitedIndex: estimate,
  securityShortfall: estimate,
  payoffByPool: z.object({ train: estimate, exploiter: estimate, collusive: estimate, "held-out": estimate }),
  opponents: z.array(opponent),
  unreadableRate: estimate,
  unreadable: z.object(byCause(() => estimate)),
  referencePolicy: z.string(),
  actionTable: z.array(actionRow),
  tableIndex: estimate.exactOptional(),
  worstCase: worstCaseSchema.exactOptional(),
});

const report = z.object({
  agent: z.string(),
  seed: z.number(),
  command: z.string(),
  games: z.array(game).min(1),
});
export const reportSchema: z.ZodType<AgentReport> = report;

/** What a report depends on: it is reused only while all of this is the same. */
export const provenanceSchema = z.strictObject({
  /** Hash of the checkpoint that was measured. */
  checkpoint: z.string(),
  seed: z.number(),
  episodes: z.number(),
  positions: z.number(),
  /** Of the program that measured. */
  version: z.string(),
});
export type Provenance = z.infer<typeof provenanceSchema>;

/** The file `evaluation/STAGE.json`: a report, and what it depends on. */
export const evaluationSchema: z.ZodType<AgentReport & { readonly provenance: Provenance }> = report.extend({
  provenance: provenanceSchema,
});
