/** The binary form of training requests and of training and sampling results (package `tinker_public`, proto3). */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { EngineError } from "../engine.ts";
import type { Datum, Tensor, TrainingRequest } from "./wire.ts";

const FLOAT32 = 1;
const INT64 = 2;
const INT32 = 3;

/** `ForwardBackwardRequest` */
export function encodeTraining({ modelId, seqId, data, loss, config, forwardOnly }: TrainingRequest): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(modelId);
  writer.tag(2, WireType.Varint).int32(seqId);
  for (const datum of data) writeDatum(writer.tag(3, WireType.LengthDelimited).fork(), datum).join();
  writer.tag(4, WireType.LengthDelimited).string(loss);
  for (const [key, value] of Object.entries(config)) {
    const entry = writer.tag(5, WireType.LengthDelimited).fork();
    entry.tag(1, WireType.LengthDelimited).string(key);
    entry.tag(2, WireType.Bit64).double(value).join();
  }
  if (forwardOnly) writer.tag(6, WireType.Varint).bool(true);
  return new Uint8Array(writer.finish());
}

function writeDatum(writer: BinaryWriter, { tokens, inputs }: Datum): BinaryWriter {
  const chunk = writer.tag(1, WireType.LengthDelimited).fork();
  const text = chunk.tag(1, WireType.LengthDelimited).fork();
  text
    .tag(1, WireType.LengthDelimited)
    .bytes(bytesOf(Int32Array.from(tokens)))
    .join()
    .join();
  for (const [name, tensor] of Object.entries(inputs)) {
    const entry = writer.tag(2, WireType.LengthDelimited).fork();
    entry.tag(1, WireType.LengthDelimited).string(name);
    writeTensor(entry.tag(2, WireType.LengthDelimited).fork(), tensor).join().join();
  }
  return writer;
}

function writeTensor(writer: BinaryWriter, { data, dtype }: Tensor): BinaryWriter {
  const float = dtype === "float32";
  const values = float ? Float32Array.from(data) : BigInt64Array.from(data, BigInt);
  writer.tag(1, WireType.LengthDelimited).bytes(bytesOf(values));
  writer.tag(3, WireType.Varint).int32(float ? FLOAT32 : INT64);
  return writer.tag(4, WireType.LengthDelimited).fork().int64(data.length).join();
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The fields of a message, each decoded by the function of its number; others are skipped. */
function readFields(bytes: Uint8Array, fields: Readonly<Record<number, (reader: BinaryReader) => void>>): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (fields[field] === undefined) reader.skip(wireType, field);
    else fields[field](reader);
  }
}

/** Whether bytes are a message at all: one that was cut off seldom is. */
export function isMessage(bytes: Uint8Array): boolean {
  try {
    readFields(bytes, {});
    return true;
  } catch {
    return false;
  }
}

const malformed = (what: string): EngineError => new EngineError(`tinker: ${what}: the server's protobuf is malformed`);

/** Little-endian numbers packed in bytes. */
function numbers(bytes: Uint8Array, dtype: number, what: string): number[] {
  const copy = new Uint8Array(bytes).buffer;
  if (copy.byteLength % (dtype === INT64 ? 8 : 4) !== 0) throw malformed(what);
  if (dtype === FLOAT32) return [...new Float32Array(copy)];
  if (dtype === INT32) return [...new Int32Array(copy)];
  if (dtype === INT64) return Array.from(new BigInt64Array(copy), Number);
  throw new EngineError(`tinker: ${what}: expected float32, int32 or int64 (dtype 1 to 3), got dtype ${dtype}`);
}

export interface DecodedTraining {
  readonly loss_fn_outputs: Record<string, { readonly data: number[] }>[];
  readonly metrics: Record<string, number>;
}

/** `ForwardBackwardOutput` in the shape of its JSON. */
export function decodeTraining(bytes: Uint8Array): DecodedTraining {
  const outputs: DecodedTraining["loss_fn_outputs"] = [];
  const metrics: Record<string, number> = {};
  guarded("forward_backward", () =>
    readFields(bytes, {
      2: (reader) => outputs.push(...readRecord(reader.bytes())),
      3: (reader) => {
        const [name, value] = readEntry(reader.bytes(), (inner) => inner.double());
        if (Number.isNaN(value)) throw new EngineError(`tinker: forward_backward: the server's metric ${name} is NaN`);
        metrics[name] = value ?? 0;
      },
    }),
  );
  return { loss_fn_outputs: outputs, metrics };
}

/** `ArrayRecord`: columns over datums, cut at byte offsets. */
function readRecord(bytes: Uint8Array): DecodedTraining["loss_fn_outputs"] {
  const columns: [string, number[][]][] = [];
  let count = 0;
  readFields(bytes, {
    2: (reader) => {
      const [name, column] = readEntry(reader.bytes(), (inner) => readColumn(inner.bytes()));
      columns.push([name, column ?? []]);
    },
    3: (reader) => (count = Number(reader.int64())),
  });
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(columns.map(([name, rows]) => [name, { data: rows[i] ?? [] }])),
  );
}

/** `BatchedTensor`; offsets are bytes, little-endian int64. */
function readColumn(bytes: Uint8Array): number[][] {
  let data: Uint8Array = new Uint8Array();
  let dtype = 0;
  const offsets: number[] = [];
  readFields(bytes, {
    1: (reader) => (data = reader.bytes()),
    2: (reader) => offsets.push(...numbers(reader.bytes(), INT64, "forward_backward")),
    3: (reader) => (dtype = reader.int32()),
  });
  return offsets.slice(1).map((end, i) => {
    if (offsets[i] < 0 || end < offsets[i] || end > data.length) throw malformed("forward_backward");
    const row = numbers(data.subarray(offsets[i], end), dtype, "forward_backward");
    const at = row.findIndex(Number.isNaN);
    if (at >= 0) throw new EngineError(`tinker: forward_backward: the server's answer holds NaN for token ${at} of datum ${i}`);
    return row;
  });
}

function readEntry<T>(bytes: Uint8Array, value: (reader: BinaryReader) => T): [string, T | undefined] {
  let name = "";
  let found: T | undefined;
  readFields(bytes, { 1: (reader) => (name = reader.string()), 2: (reader) => (found = value(reader)) });
  return [name, found];
}

export interface DecodedSample {
  readonly sequences: { stop_reason: "stop" | "length"; tokens: number[]; logprobs: (number | null)[] }[];
  readonly prompt_logprobs?: (number | null)[];
}

const nullable = (values: readonly number[]): (number | null)[] => values.map((x) => (Number.isNaN(x) ? null : x));

/** `SampleResponse` in the shape of its JSON. */
export function decodeSample(bytes: Uint8Array): DecodedSample {
  const sequences: DecodedSample["sequences"] = [];
  let promptLogprobs: (number | null)[] | undefined;
  guarded("asample", () =>
    readFields(bytes, {
      1: (reader) => {
        const sequence: DecodedSample["sequences"][number] = { stop_reason: "stop", tokens: [], logprobs: [] };
        readFields(reader.bytes(), {
          1: (inner) => (sequence.stop_reason = inner.int32() === 1 ? "length" : "stop"),
          2: (inner) => (sequence.tokens = numbers(inner.bytes(), INT32, "asample")),
          3: (inner) => (sequence.logprobs = nullable(numbers(inner.bytes(), FLOAT32, "asample"))),
        });
        sequences.push(sequence);
      },
      2: (reader) => (promptLogprobs = nullable(numbers(reader.bytes(), FLOAT32, "asample"))),
    }),
  );
  return { sequences, ...(promptLogprobs === undefined ? {} : { prompt_logprobs: promptLogprobs }) };
}

/** Turns the reader's own errors into ones that name the operation. */
function guarded(operation: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new EngineError(`tinker: ${operation}: the server's protobuf is malformed`, { cause });
  }
}
