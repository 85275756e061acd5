/** The value of a JSON text, whoever wrote it; errors name where it stands, the place in it and what was expected. */
import type { z } from "zod";
import { scanJson } from "./json-scan.ts";

/** Makes an error. */
export type Fail = (message: string, options?: ErrorOptions) => Error;

/** Text without the byte order mark that editors on Windows write at its beginning. */
export const withoutMark = (text: string): string => (text.startsWith("\uFEFF") ? text.slice(1) : text);

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/**
 * The value of a JSON text, `NaN`, `Infinity` and `-Infinity` included, which Python writes. `where` names it in errors. `fail` makes the
 * error of one that is empty, truncated or malformed, or does not match the schema, whose key it then names.
 */
export function parseJson<T>(text: string, where: string, schema: z.ZodType<T>, fail: Fail): T {
  const value = parseValue(text, where, fail);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw fail(`${where}: ${explainIssues(parsed.error, value)}`);
  return parsed.data;
}

function parseValue(text: string, where: string, fail: Fail): unknown {
  const json = withoutMark(text);
  if (json.trim() === "") throw fail(`${where}: expected JSON; it is empty`);
  try {
    return JSON.parse(json);
  } catch (cause) {
    const { fault, literals } = scanJson(json);
    if (fault === undefined && literals.length > 0) return parseWithLiterals(json, literals);
    const offset = fault?.offset ?? 0;
    const before = json.slice(0, offset);
    const line = before.split("\n").length;
    const byte = bytesOf(text.slice(0, text.length - json.length)) + bytesOf(before);
    const place = `line ${line}, column ${offset - before.lastIndexOf("\n")} (byte ${byte})`;
    if (fault?.truncated === true) throw fail(`${where}: expected JSON; it is truncated: it ends at ${place}`, { cause });
    const found = JSON.stringify(json.slice(offset, offset + 20));
    throw fail(`${where}: expected JSON; it is malformed at ${place}: got ${found}`, { cause });
  }
}

/** Each literal goes through the parser as a text that occurs nowhere else. */
function parseWithLiterals(json: string, literals: ReturnType<typeof scanJson>["literals"]): unknown {
  let mark = "number";
  while (json.includes(mark)) mark += "'";
  const parts: string[] = [];
  let from = 0;
  for (const { offset, text } of literals) {
    parts.push(json.slice(from, offset), JSON.stringify(mark + text));
    from = offset + text.length;
  }
  return JSON.parse([...parts, json.slice(from)].join(""), (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? Number(value.slice(mark.length)) : value,
  );
}

/** What a schema does not like about a value: a line for each key, with what was found. */
function explainIssues({ issues }: z.ZodError, value: unknown): string {
  return issues
    .map(({ path, message, code }) => {
      const key = path.length === 0 ? "" : `${path.map(String).join(".")}: `;
      const found = path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);
      return `${key}${message}${code === "unrecognized_keys" || found === undefined ? "" : `, got ${shown(found)}`}`;
    })
    .join("\n");
}

const isObject = (value: unknown): value is Readonly<Record<PropertyKey, unknown>> =>
  typeof value === "object" && value !== null;

function shown(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= 80 ? text : `${text.slice(0, 80)}...`;
}
