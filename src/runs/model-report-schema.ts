/** The schema of a chat model's report as it is written in `evaluation/model.json`. */
import { z } from "zod";
import { FAILURE_CAUSES } from "../evaluation/episodes.ts";
import { WORDINGS } from "../games/index.ts";
import { settingsSchema } from "../models/cassette.ts";
import { estimateSchema, reportSchema } from "./report-schema.ts";

const count = z.number().int().min(0);

const consumption = z.object({ calls: count, input: z.number(), output: z.number(), reasoning: z.number() });

const replies = z.object({
  game: z.string(),
  decisions: count,
  unreadable: z.record(z.enum(FAILURE_CAUSES), count),
  clarified: count,
  uniform: count,
  withoutRescue: z.object({ episodes: count, of: count, safetyIndex: estimateSchema }).exactOptional(),
});

export const modelReportSchema = z.object({
  report: reportSchema,
  probe: z.object({
    warnings: z.array(z.string()),
    dropped: z.array(settingsSchema.keyof()),
    logprobs: z.boolean(),
  }),
  replies: z.array(replies),
  wordings: z
    .array(
      z.object({
        wording: z.enum(WORDINGS),
        report: reportSchema,
        replies: z.array(replies),
        differences: z.array(z.object({ game: z.string(), difference: estimateSchema })),
      }),
    )
    .exactOptional(),
  consumption: z.object({ all: consumption, clarifying: consumption }),
  cost: z
    .object({
      price: z.object({ input: z.number(), output: z.number(), source: z.string().exactOptional() }),
      all: z.number(),
      clarifying: z.number(),
    })
    .exactOptional(),
});
