/** Configuration files and assignments of the command line. */
import { dirname } from "node:path";
import { type RunConfig, assign, parseConfig } from "../runs/config.ts";
import { readTable } from "../runs/config-file.ts";

export interface ReadConfig {
  readonly config: RunConfig;
  /** Folder that modules of the configuration are relative to. */
  readonly folder: string;
}

/** Reads a configuration file and applies `--set` assignments. */
export async function readConfig(file: string | undefined, assignments: readonly string[]): Promise<ReadConfig> {
  const content: Record<string, unknown> = file === undefined ? {} : await readTable(file);
  for (const assignment of assignments) assign(content, assignment);
  return { config: parseConfig(content), folder: file === undefined ? process.cwd() : dirname(file) };
}

/** A stored configuration with assignments, for a run that is continued. */
export function changedConfig(config: RunConfig, assignments: readonly string[]): RunConfig {
  const content: Record<string, unknown> = structuredClone(config);
  for (const assignment of assignments) assign(content, assignment);
  return parseConfig(content);
}
