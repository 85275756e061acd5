/**
 * A writer of the ONNX protobuf messages that a computation graph needs, and no others.
 * Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
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
const IR_VERSION = 10;
const OPSET = 21;

const int = (w: BinaryWriter, field: number, value: number) => w.tag(field, WireType.Varint).int64(value);
const text = (w: BinaryWriter, field: number, value: string) => w.tag(field, WireType.LengthDelimited).string(value);
/** A message inside another. */
function message(w: BinaryWriter, field: number, write: () => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write();
  w.join();
}

function writeConstant(w: BinaryWriter, { name, type, shape, data }: OnnxConstant): void {
  for (const size of shape) int(w, 1, size);
  int(w, 2, TYPE_CODES[type]);
  text(w, 8, name);
  w.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValue(w: BinaryWriter, { name, type, shape }: OnnxValue): void {
  text(w, 1, name);
  message(w, 2, () =>
    message(w, 1, () => {
      int(w, 1, TYPE_CODES[type]);
      message(w, 2, () => {
        for (const size of shape) message(w, 1, () => size !== null && int(w, 1, size));
      });
    }),
  );
}

function writeAttribute(w: BinaryWriter, name: string, value: Attribute): void {
  text(w, 1, name);
  if (typeof value === "string") {
    text(w, 4, value);
    int(w, 20, ATTRIBUTE.string);
  } else if (typeof value === "number") {
    int(w, 3, value);
    int(w, 20, ATTRIBUTE.int);
  } else if ("float" in value) {
    w.tag(2, WireType.Bit32).float(value.float);
    int(w, 20, ATTRIBUTE.float);
  } else if ("graph" in value) {
    message(w, 6, () => writeGraph(w, value.graph));
    int(w, 20, ATTRIBUTE.graph);
  } else {
    for (const item of value) int(w, 8, item);
    int(w, 20, ATTRIBUTE.ints);
  }
}

function writeNode(w: BinaryWriter, { operator, domain, inputs, outputs, attributes }: OnnxNode): void {
  for (const name of inputs) text(w, 1, name);
  for (const name of outputs) text(w, 2, name);
  text(w, 4, operator);
  for (const [name, value] of Object.entries(attributes)) message(w, 5, () => writeAttribute(w, name, value));
  text(w, 7, domain);
}

function writeGraph(w: BinaryWriter, { nodes, constants, inputs, outputs }: OnnxGraph): void {
  for (const node of nodes) message(w, 1, () => writeNode(w, node));
  text(w, 2, "graph");
  for (const constant of constants) message(w, 5, () => writeConstant(w, constant));
  for (const value of inputs) message(w, 11, () => writeValue(w, value));
  for (const value of outputs) message(w, 12, () => writeValue(w, value));
}

/** The bytes of a ModelProto that ONNX Runtime loads. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const w = new BinaryWriter();
  int(w, 1, IR_VERSION);
  message(w, 7, () => writeGraph(w, graph));
  for (const [domain, version] of [
    ["", OPSET],
    ["com.microsoft", 1],
  ] as const)
    message(w, 8, () => {
      text(w, 1, domain);
      int(w, 2, version);
    });
  return w.finish();
}
