/**
 * The safetensors format, wherever its bytes are: eight bytes of header length, a JSON header, the data. Tensors become float32 in memory and
 * are written as such. Format: https://github.com/huggingface/safetensors#format
 */
import { z } from "zod";
import { parseJson } from "../../json-text.ts";
import { sizeOf, type Shape } from "../../tensor/tensor.ts";
import { EngineError } from "../engine.ts";
import { DECODERS, encodeHalves, isStoredType, type StoredType } from "./floats.ts";

export interface TensorPlace {
  readonly name: string;
  readonly shape: Shape;
  /** Elements from the beginning of the data. */
  readonly offset: number;
}

/** The bytes, in parts, of one vector as named tensors that lie in it at given places; in float32 unless they are to be halved. */
export function encodeTensors(
  places: readonly TensorPlace[],
  data: readonly Float32Array[],
  metadata: Readonly<Record<string, string>>,
  { type = "F32" }: { readonly type?: "F32" | "F16" } = {},
): readonly Uint8Array[] {
  const { bytes } = DECODERS[type];
  const entries = places.map(({ name, shape, offset }) => {
    const range = [offset * bytes, (offset + sizeOf(shape)) * bytes];
    return [name, { dtype: type, shape, data_offsets: range }] as const;
  });
  const stored = type === "F16" ? data.map(encodeHalves) : data;
  return [
    ...encodeHeader(Object.fromEntries(entries), metadata),
    ...stored.map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength)),
  ];
}

/** What stands before the data. */
function encodeHeader(
  entries: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, string>>,
): readonly Uint8Array[] {
  const text = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...entries }));
  const header = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20); // spaces, so that data begins at a multiple of 8
  header.set(text);
  return [new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer), header];
}

/** Where the bytes are: a file, or memory. */
export interface Source {
  /** Names it in errors. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Fills `target` with the bytes from `position` on; they are there. */
  read(target: Uint8Array, position: number): Promise<void>;
}

/** Bytes in memory. */
export const bytesSource = (path: string, bytes: Uint8Array): Source => ({
  path,
  size: bytes.length,
  read(target, position) {
    target.set(bytes.subarray(position, position + target.length));
    return Promise.resolve();
  },
});

/** Elements read at a time. */
const CHUNK = 1 << 22;

/** Tensors whose header was read. Errors are `EngineError`s that name the source and what is wrong. */
export class Tensors {
  readonly path: string;
  readonly #source: Source;
  readonly #header: Readonly<Record<string, unknown>>;
  /** Where the data begins, in bytes. */
  readonly #from: number;

  private constructor(source: Source, header: Readonly<Record<string, unknown>>, from: number) {
    this.path = source.path;
    this.#source = source;
    this.#header = header;
    this.#from = from;
  }

  static async open(source: Source): Promise<Tensors> {
    const { path, size: total } = source;
    if (total === 0) throw new EngineError(`${path}: the file is empty`);
    const start = new Uint8Array(8);
    await source.read(start.subarray(0, Math.min(8, total)), 0);
    const size = total < 8 ? Infinity : Number(new DataView(start.buffer).getBigUint64(0, true));
    if (8 + size > total) {
      const begin = String.fromCharCode(...start);
      const other = OTHERS.find(([each]) => begin.startsWith(each))?.[1];
      if (other !== undefined) throw new EngineError(`${path}: expected safetensors, got ${other}`);
      throw new EngineError(`${path}: truncated, ${total} bytes do not hold the header`);
    }
    const text = new Uint8Array(size);
    await source.read(text, 8);
    const header = new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
    return new Tensors(source, parseHeader(path, header), 8 + size);
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
    const length = this.#source.size - this.#from;
    if (to > length) throw this.#error(`truncated, tensor ${name} ends at byte ${to} of ${length}`);
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
      await this.#source.read(target, this.#from + from + at * bytes);
      const values = decode(buffer, count);
      const bad = firstNotFinite(values);
      if (bad >= 0) throw this.#error(`tensor ${name} holds ${values[bad]} at element ${at + bad}`);
      take(values, at);
    }
  }

  async readInto(out: Float32Array, { name, shape, offset }: TensorPlace): Promise<void> {
    await this.read(name, shape, (values, at) => out.set(values, offset + at));
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

function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

/** Reads exactly the tensors of `places` into one vector. Throws `EngineError` naming the source and what is wrong. */
export async function decodeTensors(
  source: Source,
  places: readonly TensorPlace[],
): Promise<{ readonly data: Float32Array; readonly metadata: Readonly<Record<string, unknown>> }> {
  const tensors = await Tensors.open(source);
  checkNames(source.path, tensors.names, places);
  const data = new Float32Array(places.reduce((total, { shape }) => total + sizeOf(shape), 0));
  for (const place of places) await tensors.readInto(data, place);
  return { data, metadata: tensors.metadata };
}

/** Throws `EngineError` for a tensor that is not among `places`. */
export function checkNames(path: string, names: readonly string[], places: readonly TensorPlace[]): void {
  const known = new Set(places.map(({ name }) => name));
  const extra = names.find((name) => !known.has(name));
  if (extra !== undefined) throw new EngineError(`${path}: tensor ${extra} is not part of the model`);
}
