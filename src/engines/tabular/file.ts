/** A table on disk. */
import { join } from "node:path";
import { z } from "zod";
import { jsonText, writeWhole } from "../../files.ts";
import { readJson } from "../../json.ts";
import { EngineError } from "../engine.ts";

const FILE = "tabular.json";
const schema = z.strictObject({
  rows: z.array(z.array(z.number().int())),
  logits: z.array(z.number()),
  /** Adam's moments and steps. */
  first: z.array(z.number()),
  second: z.array(z.number()),
  steps: z.number().int().min(0),
});
export type TableFile = z.infer<typeof schema>;

export const writeTable = (folder: string, content: TableFile): Promise<void> =>
  writeWhole(join(folder, FILE), jsonText(content));

/** Reads the table of an engine with `rows` rows; an `EngineError` names the file and what is wrong with it. */
export async function readTable(folder: string, rows: readonly (readonly number[])[]): Promise<TableFile> {
  const path = join(folder, FILE);
  const content = await readJson(path, schema, "a table written by save", (...error) => new EngineError(...error));
  const size = rows.reduce((sum, row) => sum + row.length, 0);
  const { logits, first, second } = content;
  if (JSON.stringify(content.rows) !== JSON.stringify(rows) || [logits, first, second].some((list) => list.length !== size))
    throw new EngineError(`${path}: the table has other rows than this engine (${content.rows.length} against ${rows.length})`);
  return content;
}
