/** Configuration files: a table of settings in TOML or JSON. */
import { extname } from "node:path";
import { parse as parseToml } from "smol-toml";
import { readText } from "../files.ts";
import { ConfigError } from "./config.ts";

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  ".json": (text) => JSON.parse(text) as unknown,
  ".toml": (text) => parseToml(text),
};

/** The table in a file; `what` names it in errors. Throws `FileError` where it cannot be read, `ConfigError` where it is no table. */
export async function readTable(file: string, what = "a TOML or JSON configuration"): Promise<Record<string, unknown>> {
  const parser = PARSERS[extname(file)];
  const text = await readText(file, what);
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
