/** What `save` leaves in a folder: where the server keeps the weights, in a small file beside the adapter itself. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
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
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(content, undefined, 2)}\n`);
}

/** Reads what `writeCheckpoint` wrote; an `EngineError` names the file and what is wrong with it. */
export async function readCheckpoint(folder: string): Promise<TinkerCheckpoint> {
  const path = join(folder, FILE);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new EngineError(`${path}: expected a checkpoint of the tinker engine, but it cannot be read`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new EngineError(`${path}: expected JSON; the file is malformed or truncated`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new EngineError(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
