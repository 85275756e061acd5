/**
 * A writer of the ONNX protobuf messages that a computation graph needs, and no others.
 * Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import type { Data, DataType, Shape } from "./tensor.ts";

export type Attribute = string | number | readonly number[] | { readonly float: number } | { readonly graph: OnnxGraph };
export type Attributes = Readonly<Record<string, Attribute>>;

export interface OnnxNode {
  readonly operator: string;
  /** "" for standard operators, "com.microsoft" for ONNX Runtime's own. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}
export interface OnnxValue {
  readonly name: string;
  readonly type: DataType;
  /** null: a dimension known only when the graph runs. */
  readonly shape: readonly (number | null)[];
}
export interface OnnxConstant {
  readonly name: string;
  readonly type: DataType;
  readonly shape: Shape;
  readonly data: Data;
}
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** TensorProto.DataType. */
export const TYPE_CODES: Readonly<Record<DataType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };
/** AttributeProto.AttributeType. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;
const WIRE = { varint: 0, bytes: 2, fixed32: 5 } as const;
const IR_VERSION = 10;
const OPSET = 21;
const utf8 = new TextEncoder();

/** Appends protobuf fields to a list of byte chunks; a message is itself a writer. */
class Writer {
  readonly chunks: Uint8Array[] = [];
  size = 0;

  raw(bytes: Uint8Array): this {
    this.chunks.push(bytes);
    this.size += bytes.length;
    return this;
  }
  /** Base-128, two's complement in 64 bits. */
  varint(value: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    do {
      bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
      rest >>= 7n;
    } while (rest > 0n);
    return this.raw(Uint8Array.from(bytes));
  }
  tag(field: number, wire: number): this {
    return this.varint((field << 3) | wire);
  }
  int(field: number, value: number): this {
    return this.tag(field, WIRE.varint).varint(value);
  }
  float(field: number, value: number): this {
    return this.tag(field, WIRE.fixed32).raw(new Uint8Array(Float32Array.of(value).buffer));
  }
  bytes(field: number, bytes: Uint8Array): this {
    return this.tag(field, WIRE.bytes).varint(bytes.length).raw(bytes);
  }
  text(field: number, text: string): this {
    return this.bytes(field, utf8.encode(text));
  }
  message(field: number, message: Writer): this {
    this.tag(field, WIRE.bytes).varint(message.size);
    for (const chunk of message.chunks) this.chunks.push(chunk);
    this.size += message.size;
    return this;
  }
  each<T>(items: Iterable<T>, write: (writer: this, item: T) => void): this {
    for (const item of items) write(this, item);
    return this;
  }
  finish(): Uint8Array {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const chunk of this.chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }
}

function constantMessage({ name, type, shape, data }: OnnxConstant): Writer {
  return new Writer()
    .each(shape, (w, size) => w.int(1, size))
    .int(2, TYPE_CODES[type])
    .text(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function valueMessage({ name, type, shape }: OnnxValue): Writer {
  const sizes = new Writer().each(shape, (w, size) => w.message(1, size === null ? new Writer() : new Writer().int(1, size)));
  const tensorType = new Writer().int(1, TYPE_CODES[type]).message(2, sizes);
  return new Writer().text(1, name).message(2, new Writer().message(1, tensorType));
}

function attributeMessage(name: string, value: Attribute): Writer {
  const writer = new Writer().text(1, name);
  if (typeof value === "string") return writer.text(4, value).int(20, ATTRIBUTE.string);
  if (typeof value === "number") return writer.int(3, value).int(20, ATTRIBUTE.int);
  if ("float" in value) return writer.float(2, value.float).int(20, ATTRIBUTE.float);
  if ("graph" in value) return writer.message(6, graphMessage(value.graph)).int(20, ATTRIBUTE.graph);
  return writer.each(value, (w, item) => w.int(8, item)).int(20, ATTRIBUTE.ints);
}

function nodeMessage({ operator, domain, inputs, outputs, attributes }: OnnxNode): Writer {
  return new Writer()
    .each(inputs, (w, name) => w.text(1, name))
    .each(outputs, (w, name) => w.text(2, name))
    .text(4, operator)
    .each(Object.entries(attributes), (w, [name, value]) => w.message(5, attributeMessage(name, value)))
    .text(7, domain);
}

function graphMessage({ nodes, constants, inputs, outputs }: OnnxGraph): Writer {
  return new Writer()
    .each(nodes, (w, node) => w.message(1, nodeMessage(node)))
    .text(2, "graph")
    .each(constants, (w, constant) => w.message(5, constantMessage(constant)))
    .each(inputs, (w, value) => w.message(11, valueMessage(value)))
    .each(outputs, (w, value) => w.message(12, valueMessage(value)));
}

/** The bytes of a ModelProto that ONNX Runtime loads. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const operatorSet = (domain: string, version: number) => new Writer().text(1, domain).int(2, version);
  return new Writer()
    .int(1, IR_VERSION)
    .message(7, graphMessage(graph))
    .message(8, operatorSet("", OPSET))
    .message(8, operatorSet("com.microsoft", 1))
    .finish();
}
