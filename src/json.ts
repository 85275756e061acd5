/** JSON files, whoever wrote them; errors name the file, the place and what was expected. */
import type { z } from "zod";
import { readUtf8 } from "./files.ts";
import { type Fail, parseJson } from "./json-text.ts";

export { parseJson };

/**
 * The content of a JSON file, `NaN`, `Infinity` and `-Infinity` included, which Python writes. `fail` makes the error for a file
 * that cannot be read (the message then says that `what` was expected), is empty, truncated or malformed, or does not match
 * the schema; it then names the key, what was found and what was expected.
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>, what: string, fail: Fail): Promise<T> {
  const text = await readUtf8(path, what).catch((cause: Error) => {
    throw fail(cause.message, { cause });
  });
  return parseJson(text, path, schema, fail);
}
