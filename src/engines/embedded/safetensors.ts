/**
 * Reading and writing safetensors files of float32 tensors: eight bytes of header length, a JSON header, the data.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { readFile, writeFile } from "node:fs/promises";
import { sizeOf, type Shape } from "../../tensor/tensor.ts";
import { EngineError } from "../engine.ts";

export interface TensorPlace {
  readonly name: string;
  readonly shape: Shape;
  /** Elements from the beginning of the data. */
  readonly offset: number;
}

const bytesOf = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Writes one vector as named tensors that lie in it at given places. */
export async function writeTensors(
  path: string,
  places: readonly TensorPlace[],
  data: Float32Array,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const entries = places.map(({ name, shape, offset }) => {
    const range = [offset * 4, (offset + sizeOf(shape)) * 4];
    return [name, { dtype: "F32", shape, data_offsets: range }] as const;
  });
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const header = new TextEncoder().encode(text + " ".repeat((8 - (text.length % 8)) % 8)); // data begins at a multiple of 8
  const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer);
  await writeFile(path, Buffer.concat([length, header, bytesOf(data)]));
}

interface File {
  readonly header: Readonly<Record<string, unknown>>;
  readonly data: Buffer;
}

async function readParts(path: string): Promise<File> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new EngineError(`${path}: cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
  });
  const size = bytes.length < 8 ? Infinity : Number(bytes.readBigUInt64LE(0));
  if (8 + size > bytes.length) throw new EngineError(`${path}: truncated, ${bytes.length} bytes do not hold the header`);
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString("utf8", 8, 8 + size));
  } catch {
    throw new EngineError(`${path}: the header is not JSON`);
  }
  if (typeof header !== "object" || header === null) throw new EngineError(`${path}: the header is not an object`);
  return { header: { ...header }, data: bytes.subarray(8 + size) };
}

/** Where a tensor lies in the data, in bytes, after its type and shape were checked. */
function rangeOf(path: string, { header, data }: File, { name, shape }: TensorPlace): number {
  const entry = header[name];
  if (typeof entry !== "object" || entry === null) throw new EngineError(`${path}: tensor ${name} is missing`);
  const {
    dtype,
    shape: found,
    data_offsets: offsets,
  } = { dtype: undefined, shape: undefined, data_offsets: undefined, ...entry };
  if (dtype !== "F32") throw new EngineError(`${path}: tensor ${name} has type ${String(dtype)}, expected F32`);
  if (JSON.stringify(found) !== JSON.stringify(shape)) {
    throw new EngineError(`${path}: tensor ${name} has shape ${JSON.stringify(found)}, expected ${JSON.stringify(shape)}`);
  }
  const [from, to]: unknown[] = Array.isArray(offsets) ? offsets : [];
  if (typeof from !== "number" || typeof to !== "number" || from < 0 || to - from !== sizeOf(shape) * 4) {
    throw new EngineError(`${path}: tensor ${name} has offsets ${JSON.stringify(offsets)} for ${sizeOf(shape) * 4} bytes`);
  }
  if (to > data.length) throw new EngineError(`${path}: truncated, tensor ${name} ends at byte ${to} of ${data.length}`);
  return from;
}

/** Reads exactly the tensors of `places` into one vector. Throws `EngineError` naming the file and what is wrong. */
export async function readTensors(
  path: string,
  places: readonly TensorPlace[],
): Promise<{ data: Float32Array; metadata: Readonly<Record<string, unknown>> }> {
  const file = await readParts(path);
  const known = new Set(places.map(({ name }) => name));
  const extra = Object.keys(file.header).find((name) => name !== "__metadata__" && !known.has(name));
  if (extra !== undefined) throw new EngineError(`${path}: tensor ${extra} is not part of the model`);
  const out = new Float32Array(places.reduce((total, { shape }) => total + sizeOf(shape), 0));
  const bytes = bytesOf(out);
  for (const place of places) {
    const from = rangeOf(path, file, place);
    bytes.set(file.data.subarray(from, from + sizeOf(place.shape) * 4), place.offset * 4);
    const view = out.subarray(place.offset, place.offset + sizeOf(place.shape));
    const bad = view.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new EngineError(`${path}: tensor ${place.name} holds ${view[bad]} at element ${bad}`);
  }
  const metadata = file.header.__metadata__;
  return { data: out, metadata: typeof metadata === "object" && metadata !== null ? { ...metadata } : {} };
}
