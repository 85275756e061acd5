/** What `save` leaves in a folder: where the server keeps the weights, in a small file beside the adapter itself. */
import { join } from "node:path";
import { z } from "zod";
import { jsonText, writeWhole } from "../../files.ts";
import { readJson } from "../../json.ts";
import { EngineError } from "../engine.ts";
import { PROFILE_NAMES } from "./profiles.ts";

const FILE = "tinker.json";
const schema = z.strictObject({
  profile: z.enum(PROFILE_NAMES),
  baseUrl: z.string(),
  baseModel: z.string(),
  rank: z.number().int(),
  /** Weights and optimizer on the server. */
  path: z.string(),
  /** Steps taken since the optimizer was fresh. */
  steps: z.number().int(),
  /** Settings of the first step, which some servers keep. */
  firstStep: z.record(z.string(), z.number()).optional(),
  limits: z.strictObject({
    contextLength: z.number(),
    concurrency: z.number(),
    deadlineSeconds: z.number(),
    requestLimits: z.strictObject({ tokens: z.number() }).optional(),
  }),
});
export type TinkerCheckpoint = z.infer<typeof schema>;

export async function writeCheckpoint(folder: string, content: TinkerCheckpoint): Promise<void> {
  await writeWhole(join(folder, FILE), jsonText(content));
}

/** Reads what `writeCheckpoint` wrote; an `EngineError` names the file and what is wrong with it. */
export const readCheckpoint = (folder: string): Promise<TinkerCheckpoint> =>
  readJson(join(folder, FILE), schema, "a checkpoint of the tinker engine", (...error) => new EngineError(...error));
