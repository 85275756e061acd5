/** Modules of the user's own: loaded, and copied with what they import so that a run means the same elsewhere. */
import { basename, dirname, join, posix, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { makeFolder, readText, writeWhole } from "../files.ts";
import { ConfigError } from "./config.ts";

/** A module, and the files it is made of. */
export interface UserModule {
  /** Name of its file. */
  readonly file: string;
  /** Sources of it and of what it imports from beside or below it, by path relative to its folder, with forward slashes. */
  readonly sources: ReadonlyMap<string, string>;
  readonly exported: unknown;
}

/** Loads a module. Throws `FileError` where it cannot be read, `ConfigError` where it cannot be loaded or kept. */
export async function loadModule(path: string): Promise<UserModule> {
  const folder = dirname(resolve(path));
  const sources = new Map<string, string>();
  await collect(basename(path), folder, sources);
  try {
    const exported: unknown = await import(pathToFileURL(resolve(path)).href);
    return { file: basename(path), sources, exported };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${path}: the module cannot be loaded: ${reason}`, { cause });
  }
}

/** Imports of files: `from "./x.js"`, `import "./x.js"` and `import("./x.js")`. */
const RELATIVE_IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.{1,2}\/[^"']+)["']/g;

async function collect(path: string, folder: string, sources: Map<string, string>): Promise<void> {
  if (sources.has(path)) return;
  const source = await readText(join(folder, path), "a module");
  sources.set(path, source);
  for (const [, imported] of source.matchAll(RELATIVE_IMPORT)) {
    const target = posix.join(posix.dirname(path), imported);
    if (target.startsWith(".."))
      throw new ConfigError(
        `${join(folder, path)}: it imports ${imported}, which is outside its folder; a run can keep only what is beside or below it`,
      );
    await collect(target, folder, sources);
  }
}

/** Writes the files of a module into a folder. */
export async function writeModule({ sources }: UserModule, folder: string): Promise<void> {
  for (const [path, source] of sources) {
    const target = join(folder, path);
    if (relative(folder, target).startsWith("..")) throw new ConfigError(`${path}: outside the folder of its module`);
    await makeFolder(dirname(target));
    await writeWhole(target, source);
  }
}
