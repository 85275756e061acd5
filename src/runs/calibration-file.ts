/** The calibration rows of leaderboards on disk, made by `sepo leaderboard --calibrate`. */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { CalibratedGame } from "../evaluation/calibration.ts";
import { FileError } from "../files.ts";
import { PROTOCOLS } from "../games/index.ts";
import { readJson } from "../json.ts";
import { objectiveSchema, worstCaseSchema } from "./report-schema.ts";

const calibrationSchema = z.object({
  /** Of the program that measured. */
  version: z.string(),
  command: z.string(),
  games: z.array(
    z.object({
      game: z.string(),
      protocol: z.enum(PROTOCOLS),
      settings: z.string(),
      seed: z.number(),
      episodesPerOpponent: z.number(),
      optimum: z.union([z.object({ value: z.number() }), z.object({ atMost: z.number() })]).exactOptional(),
      reference: z.string(),
      policies: z.array(
        z.object({ policy: z.string(), objective: objectiveSchema, worstCase: worstCaseSchema.exactOptional() }),
      ),
    }),
  ),
});

export interface Calibration {
  readonly version: string;
  readonly command: string;
  readonly games: readonly CalibratedGame[];
}

/** The file that comes with the program. */
export const CALIBRATION = fileURLToPath(new URL("../../recipes/calibration/rows.json", import.meta.url));

/** Throws `FileError`. */
export const readCalibration = (path: string = CALIBRATION): Promise<Calibration> =>
  readJson(path, calibrationSchema, "calibration rows", (message, options) => new FileError(message, options));
