/** JSON whose errors name the file and what was expected. */
import { z } from "zod";
import { readText } from "./files.ts";

type Fail = (message: string, options?: ErrorOptions) => Error;

/**
 * The content of a JSON file. `fail` makes the error that is thrown when the file cannot be read (the message then says that
 * `what` was expected), is empty, malformed or truncated, or does not match the schema.
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>, what: string, fail: Fail): Promise<T> {
  const text = await readText(path, what).catch((cause: Error) => {
    throw fail(cause.message, { cause });
  });
  return parseJson(text, path, schema, fail);
}

/** The value of a JSON text; `where` names it in errors. */
export function parseJson<T>(text: string, where: string, schema: z.ZodType<T>, fail: Fail): T {
  if (text.trim() === "") throw fail(`${where}: expected JSON; it is empty`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(`${where}: expected JSON; the file is malformed or truncated`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fail(`${where}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
