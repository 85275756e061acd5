/**
 * Reading and writing safetensors files: eight bytes of header length, a JSON header, the data. Tensors become float32 in memory and
 * are written as such. Format: https://github.com/huggingface/safetensors#format
 */
import { open, type FileHandle } from "node:fs/promises";
import { z } from "zod";
import { parseJson } from "../../json.ts";
import { sizeOf, type Shape } from "../../tensor/tensor.ts";
import { EngineError } from "../engine.ts";
import { DECODERS, isStoredType, type StoredType } from "./floats.ts";

export interface TensorPlace {
  readonly name: string;
  readonly shape: Shape;
  /** Elements from the beginning of the data. */
  readonly offset: number;
}

/** Writes one vector as named tensors that lie in it at given places. */
export async function writeTensors(
  path: string,
  places: readonly TensorPlace[],
  data: readonly Float32Array[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const entries = places.map(({ name, shape, offset }) => {
    const range = [offset * 4, (offset + sizeOf(shape)) * 4];
    return [name, { dtype: "F32", shape, data_offsets: range }] as const;
  });
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const header = new TextEncoder().encode(text + " ".repeat((8 - (text.length % 8)) % 8)); // data begins at a multiple of 8
  const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer);
  const file = await open(path, "w");
  try {
    for (const part of [length, header, ...data.map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength))]) {
      await file.writeFile(part);
    }
  } finally {
    await file.close();
  }
}

/** Elements read at a time. */
const CHUNK = 1 << 22;

/** An open file whose header was read. Errors are `EngineError`s that name the file and what is wrong. */
export class TensorFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #header: Readonly<Record<string, unknown>>;
  /** Where the data begins and how long it is, in bytes. */
  readonly #from: number;
  readonly #length: number;

  private constructor(path: string, file: FileHandle, header: Readonly<Record<string, unknown>>, from: number, length: number) {
    this.path = path;
    this.#file = file;
    this.#header = header;
    this.#from = from;
    this.#length = length;
  }

  static async open(path: string): Promise<TensorFile> {
    const unreadable = (cause: unknown) => {
      throw new EngineError(`${path}: cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
    };
    const file = await open(path).catch(unreadable);
    try {
      const { size: total } = await file.stat();
      const start = Buffer.alloc(8);
      const { bytesRead } = await file.read(start, 0, 8, 0).catch(unreadable);
      const size = bytesRead < 8 ? Infinity : Number(start.readBigUInt64LE(0));
      if (total === 0) throw new EngineError(`${path}: the file is empty`);
      if (8 + size > total) {
        const other = OTHERS.find(([begin]) => start.toString("latin1").startsWith(begin))?.[1];
        if (other !== undefined) throw new EngineError(`${path}: expected safetensors, got ${other}`);
        throw new EngineError(`${path}: truncated, ${total} bytes do not hold the header`);
      }
      const text = Buffer.alloc(size);
      await file.read(text, 0, size, 8);
      return new TensorFile(path, file, parseHeader(path, text.toString("utf8")), 8 + size, total - 8 - size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Names of the tensors. */
  get names(): readonly string[] {
    return Object.keys(this.#header).filter((name) => name !== "__metadata__");
  }

  get metadata(): Readonly<Record<string, unknown>> {
    const metadata = this.#header.__metadata__;
    return typeof metadata === "object" && metadata !== null ? { ...metadata } : {};
  }

  /** Where a tensor lies in the data, in bytes, after its type and shape were checked. */
  #rangeOf(name: string, shape: Shape): { readonly type: StoredType; readonly from: number } {
    const entry = this.#header[name];
    if (typeof entry !== "object" || entry === null) throw this.#error(`tensor ${name} is missing`);
    const fields: { readonly dtype?: unknown; readonly shape?: unknown; readonly data_offsets?: unknown } = { ...entry };
    const { dtype, shape: found, data_offsets: offsets } = fields;
    if (!isStoredType(dtype)) {
      throw this.#error(`tensor ${name} has type ${String(dtype)}, expected ${Object.keys(DECODERS).join(", ")}`);
    }
    if (JSON.stringify(found) !== JSON.stringify(shape)) {
      throw this.#error(`tensor ${name} has shape ${JSON.stringify(found)}, expected ${JSON.stringify(shape)}`);
    }
    const bytes = sizeOf(shape) * DECODERS[dtype].bytes;
    const [from, to]: unknown[] = Array.isArray(offsets) ? offsets : [];
    if (typeof from !== "number" || typeof to !== "number" || from < 0 || to - from !== bytes) {
      throw this.#error(`tensor ${name} has offsets ${JSON.stringify(offsets)} for ${bytes} bytes`);
    }
    if (to > this.#length) throw this.#error(`truncated, tensor ${name} ends at byte ${to} of ${this.#length}`);
    return { type: dtype, from };
  }

  /** Gives the elements of a tensor in order, some at a time, with the number of those before them. */
  async read(name: string, shape: Shape, take: (values: Float32Array, at: number) => void): Promise<void> {
    const { type, from } = this.#rangeOf(name, shape);
    const { bytes, decode } = DECODERS[type];
    const size = sizeOf(shape);
    const buffer = new ArrayBuffer(Math.min(size, CHUNK) * bytes);
    for (let at = 0; at < size; at += CHUNK) {
      const count = Math.min(CHUNK, size - at);
      const target = new Uint8Array(buffer, 0, count * bytes);
      await readFully(this.#file, target, this.#from + from + at * bytes);
      const values = decode(buffer, count);
      const bad = firstNotFinite(values);
      if (bad >= 0) throw this.#error(`tensor ${name} holds ${values[bad]} at element ${at + bad}`);
      take(values, at);
    }
  }

  async readInto(out: Float32Array, { name, shape, offset }: TensorPlace): Promise<void> {
    await this.read(name, shape, (values, at) => out.set(values, offset + at));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #error(message: string): EngineError {
    return new EngineError(`${this.path}: ${message}`);
  }
}

const parseHeader = (path: string, text: string): Readonly<Record<string, unknown>> =>
  parseJson(text, `${path}: header`, z.record(z.string(), z.unknown()), (...error) => new EngineError(...error));

/** Files that stand in the place of weights, by how they begin: read as a header's length, that is more than any file has. */
const OTHERS = [
  ["version ", "a pointer of Git LFS to a file that was not downloaded"],
  ["PK\u0003\u0004", "a zip archive, as PyTorch saves (.bin, .pt)"],
  ["\u0080\u0002", "a pickle, as PyTorch saved (.bin, .pt)"],
  ["GGUF", "a GGUF file"],
  ["\u0089HDF", "an HDF5 file"],
  ["<", "a page of the web, perhaps in place of a download"],
] as const;

async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new EngineError("the file became shorter while it was read");
    done += bytesRead;
  }
}

function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

/** Reads exactly the tensors of `places` into one vector. Throws `EngineError` naming the file and what is wrong. */
export async function readTensors(
  path: string,
  places: readonly TensorPlace[],
): Promise<{ data: Float32Array; metadata: Readonly<Record<string, unknown>> }> {
  const file = await TensorFile.open(path);
  try {
    checkNames(path, file.names, places);
    const out = new Float32Array(places.reduce((total, { shape }) => total + sizeOf(shape), 0));
    for (const place of places) await file.readInto(out, place);
    return { data: out, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/** Throws `EngineError` for a tensor that is not among `places`. */
export function checkNames(path: string, names: readonly string[], places: readonly TensorPlace[]): void {
  const known = new Set(places.map(({ name }) => name));
  const extra = names.find((name) => !known.has(name));
  if (extra !== undefined) throw new EngineError(`${path}: tensor ${extra} is not part of the model`);
}
