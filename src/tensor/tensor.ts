/**
 * Symbolic tensors. A tensor is an output of a node of an expression graph; nothing is computed until `compile` hands the graph
 * to ONNX Runtime, so shapes are known, and checked, while a model is being written down.
 */
import type { Attributes } from "./onnx.ts";

export type DataType = "float32" | "int32" | "int64" | "bool";
export type Data = Float32Array | Int32Array | BigInt64Array | Uint8Array;
export type Shape = readonly number[];

export interface Tensor {
  readonly node: Node;
  readonly shape: Shape;
  readonly type: DataType;
}

/** From the gradients of a node's outputs (undefined: none) to those of its sources (undefined: none flows). */
export type Pullback = (gradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

interface NodeBase {
  readonly inputs: readonly Tensor[];
  readonly outputs: Tensor[];
  readonly pullback?: Pullback;
  /** What the pullback differentiates with respect to; the inputs unless a composite's gradient is written by hand. */
  readonly sources?: readonly Tensor[];
}
export interface InputNode extends NodeBase {
  readonly kind: "input";
}
export interface ConstantNode extends NodeBase {
  readonly kind: "constant";
  readonly data: Data;
}
export interface OperatorNode extends NodeBase {
  readonly kind: "operator";
  readonly operator: string;
  readonly domain: string;
  readonly attributes: Attributes;
}
/** An ONNX `Loop`: its body is a graph of its own that may use `captured` tensors of the graph around it. */
export interface LoopNode extends NodeBase {
  readonly kind: "loop";
  readonly bodyInputs: readonly Tensor[];
  readonly bodyOutputs: readonly Tensor[];
  readonly captured: readonly Tensor[];
}
export type Node = InputNode | ConstantNode | OperatorNode | LoopNode;

/** A shape mistake, found while an expression is being built. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i]);
export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** A new output of a node; for builders of nodes only. */
export function addOutput(node: Node, shape: Shape, type: DataType): Tensor {
  const tensor: Tensor = { node, shape, type };
  node.outputs.push(tensor);
  return tensor;
}

/** A value given when the compiled function is called. */
export const input = (shape: Shape, type: DataType = "float32"): Tensor =>
  addOutput({ kind: "input", inputs: [], outputs: [] }, shape, type);

function typeOf(data: Data): DataType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  return data instanceof BigInt64Array ? "int64" : "bool";
}

/** A value known when the graph is built, row-major. */
export function constant(data: Data, shape: Shape): Tensor {
  if (data.length !== sizeOf(shape)) throw new ShapeError(`constant: ${data.length} values do not fill ${showShape(shape)}`);
  return addOutput({ kind: "constant", data, inputs: [], outputs: [] }, shape, typeOf(data));
}

/** A scalar constant. */
export function scalar(value: number, type: DataType = "float32"): Tensor {
  if (type === "float32") return constant(Float32Array.of(value), []);
  if (type === "int32") return constant(Int32Array.of(value), []);
  return type === "int64" ? constant(BigInt64Array.of(BigInt(value)), []) : constant(Uint8Array.of(value), []);
}

/** A list of int64, as the shape arguments of operators are. */
export const integers = (list: readonly number[]): Tensor => constant(BigInt64Array.from(list, BigInt), [list.length]);

export interface OperatorOptions {
  readonly type?: DataType;
  readonly domain?: string;
  readonly attributes?: Attributes;
  /** From the gradient of the output to those of the inputs. */
  readonly gradient?: (gradient: Tensor) => readonly (Tensor | undefined)[];
  readonly sources?: readonly Tensor[];
}

/** One ONNX operator with one output of `shape`. */
export function operator(
  name: string,
  inputs: readonly Tensor[],
  shape: Shape,
  { type = inputs[0].type, domain = "", attributes = {}, gradient, sources = inputs }: OperatorOptions = {},
): Tensor {
  const pullback: Pullback | undefined = gradient && (([g]) => (g ? gradient(g) : sources.map(() => undefined)));
  const base = { kind: "operator", operator: name, domain, attributes, inputs, sources, outputs: [] } as const;
  return addOutput(pullback ? { ...base, outputs: [], pullback } : { ...base, outputs: [] }, shape, type);
}

/** The value of `y` with a gradient written by hand with respect to `sources`. */
export const withGradient = (
  y: Tensor,
  sources: readonly Tensor[],
  gradient: (gradient: Tensor) => readonly (Tensor | undefined)[],
): Tensor => operator("Identity", [y], y.shape, { sources, gradient });

/** The value of `x`, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => operator("Identity", [x], x.shape, { sources: [] });
