/** What a study has to do: runs and reference values, each a folder or file of its own, made by a process of its own. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { RunConfig } from "../runs/config.ts";
import { sharedPart } from "../runs/branch.ts";
import { jsonText, sha256 } from "../files.ts";
import { fileOf, readReport } from "../runs/read.ts";
import type { Stage } from "../runs/stages.ts";
import { VERSION } from "../version.ts";
import type { Role } from "./log.ts";
import type { Study, StudyRow } from "./study.ts";

interface Training {
  readonly name: string;
  readonly seed: number;
  readonly config: RunConfig;
  readonly modules: string;
  readonly folder: string;
}
/** Base and SFT of a seed, which rows share. */
export interface SharedJob extends Training {
  readonly kind: "shared";
  readonly recipe: string;
}
/** A row at a seed: its SEPO, after the shared stages. */
export interface CellJob extends Training {
  readonly kind: "cell";
  readonly row: StudyRow;
  /** Folder of the shared stages. */
  readonly source: string;
}
/** The best scripted policy and J* of one game of a recipe. */
export interface ReferenceJob {
  readonly kind: "reference";
  readonly name: string;
  readonly game: string;
  readonly config: RunConfig;
  readonly modules: string;
  readonly seeds: readonly number[];
  /** Files: of J*, and of the policy's report per seed; absent where they are not wanted. */
  readonly optimum?: string;
  readonly scripted?: readonly string[];
}
export type Job = SharedJob | CellJob | ReferenceJob;

const short = (hash: string): string => hash.slice(0, 8);
const atSeed = (config: RunConfig, seed: number): RunConfig => ({ ...config, seed });

/** The folder of all rows' runs. */
export const cellsFolder = (folder: string): string => join(folder, "cells");

/** Folder of the run of a row at a seed. Other settings are another folder, so nothing that was run is lost. */
export const cellFolder = (folder: string, { name, hash }: StudyRow, seed: number): string =>
  join(cellsFolder(folder), name, `seed${seed}-${short(hash)}`);

/** Folder of the base and SFT that a row shares at a seed. */
export const sharedFolder = (folder: string, { config }: StudyRow, seed: number): string =>
  join(folder, "shared", `seed${seed}-${short(sha256(sharedPart(atSeed(config, seed))))}`);

/** All jobs for the seeds of a role, seed by seed; reference values come last, of reported seeds alone. */
export function jobsOf(study: Study, folder: string, role: Role): Job[] {
  const seeds = role === "reported" ? study.seeds : study.validationSeeds;
  const jobs = seeds.flatMap((seed): Job[] => {
    const shared = new Map<string, SharedJob>();
    // The recipe's own settings first: where the rows' reports can be shared, they are made with these.
    for (const row of [...study.recipes, ...study.rows]) {
      const path = sharedFolder(folder, row, seed);
      const { config, modules } = row;
      if (!shared.has(path))
        shared.set(path, {
          kind: "shared",
          recipe: row.recipe,
          name: `${row.recipe === "" ? "" : `${row.recipe}: `}base and sft (${path.slice(-8)}), seed ${seed}`,
          seed,
          config: atSeed(config, seed),
          modules,
          folder: path,
        });
    }
    const cells = study.rows.map((row): CellJob => {
      const { name, config, modules } = row;
      const source = sharedFolder(folder, row, seed);
      return {
        kind: "cell",
        name: `${name}, seed ${seed}`,
        row,
        seed,
        config: atSeed(config, seed),
        modules,
        source,
        folder: cellFolder(folder, row, seed),
      };
    });
    return [...shared.values(), ...cells];
  });
  if (role === "validation") return jobs;
  // Two recipes that play the same game alike have the same reference values.
  const values = study.recipes.flatMap((recipe) => references(study, folder, recipe));
  return [...jobs, ...new Map(values.map((job) => [job.name, job])).values()];
}

/** Reference values of a recipe's games; two recipes that play the same game alike share them. */
function references(study: Study, folder: string, { config, modules }: StudyRow): ReferenceJob[] {
  return Object.entries(config.games).flatMap(([game, section]): ReferenceJob[] => {
    const optimum = typeof study.optimum === "boolean" ? study.optimum : study.optimum.includes(game);
    if (!study.scripted && !optimum) return [];
    const { protocol, evaluation } = config;
    const hash = short(sha256(jsonText([game, section, protocol, evaluation.episodes, VERSION])));
    const base = join(folder, "references", `${game.replace(/[^\w-]/g, "_")}-${hash}`);
    const job: ReferenceJob = {
      kind: "reference",
      name: `reference values of ${game} (${hash})`,
      game,
      config,
      modules,
      seeds: study.seeds,
      ...(optimum ? { optimum: `${base}.json` } : {}),
      ...(study.scripted ? { scripted: study.seeds.map((seed) => `${base}-seed${seed}.json`) } : {}),
    };
    return [job];
  });
}

/** Whether a path is there. */
export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Whether a run has the report of a stage, made by this version from the checkpoint that the run holds. */
export const isEvaluated = (folder: string, stage: Stage): Promise<boolean> =>
  readReport(folder, stage).then(
    ({ current, provenance }) => current !== false && provenance.version === VERSION,
    () => false,
  );

/** Whether a job is done; `begun` where a process left a part of it. */
export async function stateOf(job: Job): Promise<"done" | "begun" | "to do"> {
  switch (job.kind) {
    case "shared":
    case "cell":
      if (await isEvaluated(job.folder, job.kind === "shared" ? "sft" : "sepo")) return "done";
      return (await exists(fileOf.config(job.folder))) ? "begun" : "to do";
    case "reference": {
      const files = [...(job.scripted ?? []), ...(job.optimum === undefined ? [] : [job.optimum])];
      const found = await Promise.all(files.map(exists));
      return found.every(Boolean) ? "done" : found.some(Boolean) ? "begun" : "to do";
    }
  }
}
