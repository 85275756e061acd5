/** Files whose errors name the file and what was expected, and folders that appear whole or not at all. */
import { isUtf8 } from "node:buffer";
import { type Hash, createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  appendFile,
  chmod,
  mkdir,
  open,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { withoutMark } from "./json-text.ts";

/** A file or folder that is missing, malformed, changed or cannot be written. Exit code 3. */
export class FileError extends Error {
  override readonly name = "FileError";
}

/** The code of a system error, such as `ENOENT`; empty for other errors. */
export const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EEXIST: "there is a file of that name",
  EFBIG: "the file grew too large",
  EIO: "the device failed",
  EISDIR: "there is a folder of that name",
  ELOOP: "too many links",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "it does not exist",
  ENOSPC: "no space is left on the device",
  ENOTDIR: "a part of its path is a file, not a folder",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
};

/** A system error in words: `permission denied (EACCES)`. */
export function reasonOf(cause: unknown): string {
  const code = codeOf(cause);
  if (code === "") return cause instanceof Error ? cause.message : String(cause);
  return `${REASONS[code] ?? "the system refused"} (${code})`;
}

/** Text of a file, without a byte order mark. `what` says what was expected, for the error. */
export const readText = async (path: string, what: string): Promise<string> => withoutMark(await readUtf8(path, what));

/** Text of a file as it is; another encoding than UTF-8 is an error that names it. */
export async function readUtf8(path: string, what: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new FileError(`${path}: expected ${what}, but it cannot be read: ${reasonOf(cause)}`, { cause });
  });
  const encoding = otherEncoding(bytes);
  if (encoding !== undefined) throw new FileError(`${path}: expected ${what} in UTF-8, but the file is ${encoding}`);
  return bytes.toString("utf8");
}

function otherEncoding(bytes: Buffer): string | undefined {
  if (bytes.length >= 2 && bytes.readUInt16BE(0) === 0xfffe) return "UTF-16 (little-endian)";
  if (bytes.length >= 2 && bytes.readUInt16BE(0) === 0xfeff) return "UTF-16 (big-endian)";
  if (isUtf8(bytes)) return undefined;
  // Where the decoder first put a character for what is none.
  const text = bytes.toString("utf8");
  let byte = 0;
  for (let at = text.indexOf("\uFFFD"), from = 0; at >= 0; from = at + 1, at = text.indexOf("\uFFFD", from)) {
    byte += Buffer.byteLength(text.slice(from, at));
    if (bytes.readUIntBE(byte, Math.min(3, bytes.length - byte)) !== 0xefbfbd) break;
    byte += 3;
  }
  return `neither UTF-8 nor UTF-16 (byte ${byte} is 0x${bytes[byte].toString(16)})`;
}

/** Text of a file, or undefined where there is none. */
export async function readTextIfAny(path: string, what: string): Promise<string | undefined> {
  try {
    return await readText(path, what);
  } catch (error) {
    if (error instanceof FileError && codeOf(error.cause) === "ENOENT") return undefined;
    throw error;
  }
}

/** End of the names of files that are being written, which a process that was killed leaves behind. */
const PARTIAL = ".partial";

/**
 * Replaces a file by its new content, whole: a reader sees the old or the new, never a part, and so does who looks after a crash. A link
 * stays a link, the file keeps its mode, and a device is written to.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const partial = `${target}.${randomBytes(4).toString("hex")}${PARTIAL}`;
  try {
    const old = await stat(target).catch(() => undefined);
    if (old !== undefined && !old.isFile()) return await writeFile(target, content);
    const file = await open(partial, "wx");
    try {
      // Writes again what a disk that is nearly full took only a part of, and so meets its error.
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (old !== undefined) await chmod(partial, old.mode);
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new FileError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  }
}

/** Removes what `writeWhole` left half done in a folder, in processes that were killed. Nobody else may be writing there. */
export async function removePartials(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => name.endsWith(PARTIAL))) await rm(join(folder, name), { force: true });
}

/** JSON of a value, indented, with a line end. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Adds text at the end of a file. */
export async function append(path: string, text: string): Promise<void> {
  await appendFile(path, text).catch((cause: unknown) => {
    throw new FileError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  });
}

/**
 * Makes a folder and those above it that are missing; returns the folders made, the outermost first. Nothing that was made remains
 * when it fails. One level at a time: a recursive `mkdir` never returns below some special file systems.
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let folder = resolve(path); !(await isFolder(folder, path)); folder = dirname(folder)) missing.unshift(folder);
  const made: string[] = [];
  for (const folder of missing)
    try {
      await mkdir(folder);
      made.push(folder);
    } catch (cause) {
      if (codeOf(cause) === "EEXIST" && (await isFolder(folder, path))) continue;
      await removeFolders(made);
      throw new FileError(`${path}: the folder cannot be made: ${reasonOf(cause)}`, { cause });
    }
  return made;
}

async function isFolder(folder: string, wanted: string): Promise<boolean> {
  const found = await stat(folder).catch((cause: unknown) => {
    if (codeOf(cause) === "ENOENT" && dirname(folder) !== folder) return undefined;
    throw new FileError(`${wanted}: the folder cannot be made: ${folder}: ${reasonOf(cause)}`, { cause });
  });
  if (found === undefined) return false;
  if (found.isDirectory()) return true;
  throw new FileError(`${wanted}: the folder cannot be made, because ${folder} is a file`);
}

/** Removes folders that are empty, the innermost first; others stay. */
export async function removeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) await rmdir(folder).catch(() => undefined);
}

export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** Size in bytes and SHA-256 of a file's first `length` bytes; default: of all. */
export async function digestFile(
  path: string,
  length = Infinity,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash: Hash = createHash("sha256");
  let bytes = 0;
  if (length > 0)
    await pipeline(
      createReadStream(path, length === Infinity ? {} : { end: length - 1 }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          hash.update(chunk);
        }
      },
    ).catch((cause: unknown) => {
      throw new FileError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
    });
  return { bytes, sha256: hash.digest("hex") };
}
