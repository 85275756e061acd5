/** A model with its adapters merged into it, as a folder that transformers, a server or `engine.from` take. */
import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EngineError } from "../engines/engine.ts";
import { FileError, codeOf, makeFolder, reasonOf } from "../files.ts";
import { findModelFolder } from "../text/model-folder.ts";
import { loadTokenizer, saveTokenizer } from "../text/tokenizer-files.ts";
import type { TokenizerFiles } from "../text/tokenizer.ts";
import { openAgent } from "./agent.ts";

/** What `sepo merge` writes from: a checkpoint or run of ours, or a model's folder and a PEFT folder of adapters for it. */
export interface MergeSource {
  readonly model: string;
  readonly adapter?: string;
}

/**
 * Writes the merged model and its tokenizer into a new folder. Throws `FileError` for a folder that holds something or cannot be written,
 * `EngineError` for what is no embedded model.
 */
export async function writeMerged({ model, adapter }: MergeSource, out: string): Promise<void> {
  await refuseUsed(out);
  const { engine, tokenizer } = adapter === undefined ? await ofCheckpoint(model) : await ofFolders(model, adapter);
  const partial = join(dirname(out), `.partial-${basename(out)}`);
  try {
    await rm(partial, { recursive: true, force: true });
    await makeFolder(partial);
    await engine.saveMerged(partial);
    await saveTokenizer(partial, tokenizer);
    await rename(partial, out);
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    if (cause instanceof Error && "syscall" in cause)
      throw new FileError(`${out}: the model cannot be written: ${reasonOf(cause)}`, { cause });
    throw cause;
  } finally {
    await engine.release();
  }
}

/** An empty folder may be there: it is replaced. */
async function refuseUsed(out: string): Promise<void> {
  const held = await readdir(out).catch((cause: unknown) => {
    if (codeOf(cause) === "ENOENT") return [];
    throw new FileError(`${out}: cannot be written: ${reasonOf(cause)}`, { cause });
  });
  if (held.length > 0) throw new FileError(`${out}: holds ${held[0]} already; expected a new folder for the model`);
}

async function ofCheckpoint(path: string) {
  const { engine, tokenizer, kind } = await openAgent(path);
  const { EmbeddedEngine } = await import("../engines/embedded/engine.ts");
  if (!(engine instanceof EmbeddedEngine) || tokenizer === undefined)
    throw new EngineError(`${path}: expected an embedded model, got engine ${kind}`);
  return { engine, tokenizer };
}

async function ofFolders(model: string, adapter: string) {
  const folder = await findModelFolder(model);
  const tokenizer: TokenizerFiles = await loadTokenizer(folder);
  const { importEmbeddedEngine } = await import("../engines/embedded/engine.ts");
  return { engine: await importEmbeddedEngine(folder, { adapter }), tokenizer };
}
