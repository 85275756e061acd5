/** JSON files whose errors name the file and what was expected. */
import { readFile } from "node:fs/promises";
import { z } from "zod";

/**
 * The content of a JSON file. `fail` makes the error that is thrown when the file cannot be read (the message then says that
 * `what` was expected), is malformed or truncated, or does not match the schema.
 */
export async function readJson<T>(
  path: string,
  schema: z.ZodType<T>,
  what: string,
  fail: (message: string, options?: ErrorOptions) => Error,
): Promise<T> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw fail(`${path}: expected ${what}, but it cannot be read`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(`${path}: expected JSON; the file is malformed or truncated`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fail(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
