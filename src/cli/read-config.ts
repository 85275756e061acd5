/** Configuration files and assignments of the command line. */
import { dirname, extname } from "node:path";
import { parse as parseToml } from "smol-toml";
import { readText } from "../files.ts";
import { ConfigError, type RunConfig, assign, parseConfig } from "../runs/config.ts";

export interface ReadConfig {
  readonly config: RunConfig;
  /** Folder that modules of the configuration are relative to. */
  readonly folder: string;
}

/** Reads a configuration file and applies `--set` assignments. */
export async function readConfig(file: string | undefined, assignments: readonly string[]): Promise<ReadConfig> {
  const content: Record<string, unknown> = file === undefined ? {} : await parseFile(file);
  for (const assignment of assignments) assign(content, assignment);
  return { config: parseConfig(content), folder: file === undefined ? process.cwd() : dirname(file) };
}

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  ".json": (text) => JSON.parse(text) as unknown,
  ".toml": (text) => parseToml(text),
};

async function parseFile(file: string): Promise<Record<string, unknown>> {
  const parser = PARSERS[extname(file)];
  const text = await readText(file, "a TOML or JSON configuration");
  if (parser === undefined)
    throw new ConfigError(`${file}: expected a configuration in a file that ends in ${Object.keys(PARSERS).join(" or ")}`);
  let value: unknown;
  try {
    value = parser(text.trim() === "" && extname(file) === ".json" ? "{}" : text);
  } catch (cause) {
    throw new ConfigError(`${file}: ${cause instanceof Error ? cause.message : "malformed"}`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new ConfigError(`${file}: expected a table of settings`);
}

/** A stored configuration with assignments, for a run that is continued. */
export function changedConfig(config: RunConfig, assignments: readonly string[]): RunConfig {
  const content: Record<string, unknown> = structuredClone(config);
  for (const assignment of assignments) assign(content, assignment);
  return parseConfig(content);
}
