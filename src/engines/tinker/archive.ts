/** Adapter archives: tar or tar.gz, read in memory. */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { EngineError } from "../engine.ts";

const BLOCK = 512;

/**
 * The plain files of a tar archive, compressed or not, by base name; adapters are flat folders. Throws `EngineError` for an archive
 * that is cut off or not tar.
 */
export function readArchive(bytes: Uint8Array, source: string): Map<string, Uint8Array> {
  const tar = bytes[0] === 0x1f && bytes[1] === 0x8b ? inflate(bytes, source) : bytes;
  const files = new Map<string, Uint8Array>();
  /** A name too long for its header comes in an entry before it. */
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    if (text(header, 257, 5) !== "ustar") throw new EngineError(`${source}: expected a tar archive`);
    const size = Number.parseInt(text(header, 124, 12).trim() || "0", 8);
    const from = at + BLOCK;
    if (!Number.isSafeInteger(size) || from + size > tar.length)
      throw new EngineError(`${source}: the archive is cut off at byte ${tar.length}`);
    const content = tar.subarray(from, from + size);
    const kind = text(header, 156, 1);
    if (kind === "L") longName = text(content, 0, size);
    else if (kind === "x") longName = paxPath(content) ?? longName;
    else {
      const name = basename(longName ?? text(header, 0, 100));
      if ((kind === "0" || kind === "") && name !== "" && name !== "..") files.set(name, content);
      longName = undefined;
    }
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new EngineError(`${source}: the archive is cut off at byte ${tar.length}`);
}

function inflate(bytes: Uint8Array, source: string): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new EngineError(`${source}: the archive is damaged (${cause instanceof Error ? cause.message : String(cause)})`, {
      cause,
    });
  }
}

/** Text up to its first zero byte. */
function text(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** The `path` of a pax header: lines of "length key=value". */
const paxPath = (content: Uint8Array): string | undefined => /^\d+ path=(.*)$/m.exec(new TextDecoder().decode(content))?.[1];

/** Writes the files of an adapter archive into `folder`, which is made. */
export async function writeAdapter(bytes: Uint8Array, folder: string, source: string): Promise<void> {
  const files = readArchive(bytes, source);
  if (!files.has("adapter_config.json"))
    throw new EngineError(`${source}: expected adapter_config.json in the archive, got ${[...files.keys()].join(", ")}`);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of files) await writeFile(join(folder, name), content);
}
