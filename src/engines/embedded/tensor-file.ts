/** Files of tensors in the safetensors format. */
import { open, type FileHandle } from "node:fs/promises";
import { EngineError } from "../engine.ts";
import { decodeTensors, encodeTensors, type Source, type TensorPlace } from "./safetensors.ts";

/** Writes one vector as named tensors that lie in it at given places. */
export async function writeTensors(
  path: string,
  places: readonly TensorPlace[],
  data: readonly Float32Array[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const part of encodeTensors(places, data, metadata)) await file.writeFile(part);
  } finally {
    await file.close();
  }
}

/** The bytes of a file, to be closed by the caller. Throws `EngineError` for one that cannot be read. */
export async function openSource(path: string): Promise<Source & { close(): Promise<void> }> {
  const unreadable = (cause: unknown) => {
    throw new EngineError(`${path}: cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
  };
  const file = await open(path).catch(unreadable);
  try {
    const { size } = await file.stat();
    await file.read(new Uint8Array(1), 0, 1, 0).catch(unreadable); // a folder opens, and cannot be read
    return { path, size, read: (target, position) => readFully(file, target, position), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new EngineError("the file became shorter while it was read");
    done += bytesRead;
  }
}

/** Reads exactly the tensors of `places` into one vector. Throws `EngineError` naming the file and what is wrong. */
export async function readTensors(
  path: string,
  places: readonly TensorPlace[],
): Promise<{ readonly data: Float32Array; readonly metadata: Readonly<Record<string, unknown>> }> {
  const file = await openSource(path);
  try {
    return await decodeTensors(file, places);
  } finally {
    await file.close();
  }
}
