/** Operators with their gradients: arithmetic, shapes, matrix products. Broadcasting is NumPy's. */
import {
  addOutput,
  constant,
  integers,
  operator,
  sameShape,
  scalar,
  ShapeError,
  showShape,
  sizeOf,
  type DataType,
  type OperatorNode,
  type Shape,
  type Tensor,
} from "./tensor.ts";
import { TYPE_CODES } from "./onnx.ts";

export type Operand = Tensor | number;

const lift = (x: Operand, like: Tensor): Tensor => (typeof x === "number" ? scalar(x, like.type) : x);

/** The shape two shapes broadcast to. Throws `ShapeError` naming both. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new ShapeError(`cannot broadcast ${showShape(a)} with ${showShape(b)}`);
    return x === 1 ? y : x;
  });
}

/** Sums a gradient over the axes along which an operand of `shape` was broadcast. */
export function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  const lead = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((size, i) => (i < lead || (shape[i - lead] === 1 && size !== 1) ? [i] : []));
  return reshape(axes.length > 0 ? sum(gradient, axes) : gradient, shape);
}

function binary(
  name: string,
  a: Tensor,
  b: Tensor,
  gradient: (g: Tensor) => readonly [Tensor, Tensor],
  type: DataType = a.type,
): Tensor {
  return operator(name, [a, b], broadcastShape(a.shape, b.shape), {
    type,
    gradient: (g) => {
      const [ga, gb] = gradient(g);
      return [unbroadcast(ga, a.shape), unbroadcast(gb, b.shape)];
    },
  });
}
const comparison = (name: string, a: Tensor, b: Tensor): Tensor =>
  operator(name, [a, b], broadcastShape(a.shape, b.shape), { type: "bool" });

export const add = (a: Tensor, b: Operand): Tensor => binary("Add", a, lift(b, a), (g) => [g, g]);
export const subtract = (a: Tensor, b: Operand): Tensor => binary("Sub", a, lift(b, a), (g) => [g, negate(g)]);
export function multiply(a: Tensor, b: Operand): Tensor {
  const other = lift(b, a);
  return binary("Mul", a, other, (g) => [multiply(g, other), multiply(g, a)]);
}
export function divide(a: Tensor, b: Operand): Tensor {
  const other = lift(b, a);
  const y: Tensor = binary("Div", a, other, (g) => [divide(g, other), negate(divide(multiply(g, y), other))]);
  return y;
}
/** The smaller of two; where they tie, the gradient goes to `a`. */
export function minimum(a: Tensor, b: Tensor): Tensor {
  return binary("Min", a, b, (g) => {
    const first = cast(lessOrEqual(a, b), "float32");
    return [multiply(g, first), multiply(g, subtract(scalar(1), first))];
  });
}
/** The larger of two; where they tie, the gradient goes to `a`. */
export function maximum(a: Tensor, b: Tensor): Tensor {
  return binary("Max", a, b, (g) => {
    const first = cast(lessOrEqual(b, a), "float32");
    return [multiply(g, first), multiply(g, subtract(scalar(1), first))];
  });
}
export const less = (a: Tensor, b: Operand): Tensor => comparison("Less", a, lift(b, a));
export const lessOrEqual = (a: Tensor, b: Operand): Tensor => comparison("LessOrEqual", a, lift(b, a));
export const equal = (a: Tensor, b: Operand): Tensor => comparison("Equal", a, lift(b, a));
export const logicalAnd = (a: Tensor, b: Tensor): Tensor => comparison("And", a, b);
export const logicalOr = (a: Tensor, b: Tensor): Tensor => comparison("Or", a, b);
export const logicalNot = (a: Tensor): Tensor => operator("Not", [a], a.shape);
export const cast = (x: Tensor, type: DataType): Tensor =>
  x.type === type ? x : operator("Cast", [x], x.shape, { type, attributes: { to: TYPE_CODES[type] } });

export const negate = (x: Tensor): Tensor => operator("Neg", [x], x.shape, { gradient: (g) => [negate(g)] });
export function exponential(x: Tensor): Tensor {
  const y: Tensor = operator("Exp", [x], x.shape, { gradient: (g) => [multiply(g, y)] });
  return y;
}
export const logarithm = (x: Tensor): Tensor => operator("Log", [x], x.shape, { gradient: (g) => [divide(g, x)] });
export function sigmoid(x: Tensor): Tensor {
  const y: Tensor = operator("Sigmoid", [x], x.shape, {
    gradient: (g) => [multiply(g, multiply(y, subtract(scalar(1), y)))],
  });
  return y;
}
/** Over the last axis. */
export function softmax(x: Tensor): Tensor {
  const y: Tensor = operator("Softmax", [x], x.shape, {
    attributes: { axis: -1 },
    gradient: (g) => [multiply(y, subtract(g, sum(multiply(g, y), [-1])))],
  });
  return y;
}
/** Running sums along the last axis, each including its own element. No gradient. */
export const cumulativeSum = (x: Tensor): Tensor => operator("CumSum", [x, scalar(-1, "int32")], x.shape);

/** Sums over axes (negative: from the end), which stay with size 1; over everything, to a scalar, when none is given. */
export function sum(x: Tensor, axes?: readonly number[]): Tensor {
  const chosen = axes?.map((axis) => (axis + x.shape.length) % x.shape.length);
  const shape = chosen ? x.shape.map((size, i) => (chosen.includes(i) ? 1 : size)) : [];
  return operator("ReduceSum", chosen ? [x, integers(chosen)] : [x], shape, {
    attributes: { keepdims: chosen ? 1 : 0 },
    gradient: (g) => [expand(g, x.shape)],
  });
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sizeOf(shape) !== sizeOf(x.shape)) throw new ShapeError(`cannot reshape ${showShape(x.shape)} to ${showShape(shape)}`);
  if (sameShape(shape, x.shape)) return x;
  // Every operator of a graph costs microseconds, which is all that small models' steps are made of.
  if (x.node.kind === "operator" && x.node.operator === "Reshape") return reshape(x.node.inputs[0], shape);
  return operator("Reshape", [x, integers(shape)], shape, { gradient: (g) => [reshape(g, x.shape)] });
}
/** Axis i of the result is axis `order[i]` of x. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  if (
    !sameShape(
      [...order].sort((a, b) => a - b),
      [...x.shape.keys()],
    )
  ) {
    throw new ShapeError(`transpose: ${showShape(order)} does not order the axes of ${showShape(x.shape)}`);
  }
  const long = order.filter((axis) => x.shape[axis] > 1);
  const moved = long.some((axis, i) => i > 0 && axis < long[i - 1]);
  if (!moved)
    return reshape(
      x,
      order.map((i) => x.shape[i]),
    );
  const back = order.map((_, i) => order.indexOf(i));
  return operator(
    "Transpose",
    [x],
    order.map((i) => x.shape[i]),
    { attributes: { perm: order }, gradient: (g) => [transpose(g, back)] },
  );
}
export function expand(x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShape(x.shape, shape), shape)) {
    throw new ShapeError(`cannot expand ${showShape(x.shape)} to ${showShape(shape)}`);
  }
  if (sameShape(shape, x.shape)) return x;
  return operator("Expand", [x, integers(shape)], shape, { gradient: (g) => [unbroadcast(g, x.shape)] });
}
/** A tensor of one repeated value. */
export const fill = (shape: Shape, value: number): Tensor => expand(constant(Float32Array.of(value), []), shape);

export function concat(list: readonly Tensor[], axis: number): Tensor {
  if (list.length === 1) return list[0];
  const [first] = list;
  for (const { shape } of list) {
    if (shape.length !== first.shape.length || shape.some((size, i) => i !== axis && size !== first.shape[i])) {
      throw new ShapeError(`cannot join ${list.map((x) => showShape(x.shape)).join(" and ")} on axis ${axis}`);
    }
  }
  const sizes = list.map((x) => x.shape[axis]);
  const shape = first.shape.map((size, i) => (i === axis ? sizes.reduce((a, b) => a + b, 0) : size));
  return operator("Concat", list, shape, { attributes: { axis }, gradient: (g) => split(g, sizes, axis) });
}
/** Consecutive parts of x along an axis; `sizes` must add up to it. */
export function split(x: Tensor, sizes: readonly number[], axis: number): readonly Tensor[] {
  if (sizes.reduce((a, b) => a + b, 0) !== x.shape[axis]) {
    throw new ShapeError(`cannot split axis ${axis} of ${showShape(x.shape)} into ${showShape(sizes)}`);
  }
  if (sizes.length === 1) return [x];
  const shapes = sizes.map((part) => x.shape.map((size, i) => (i === axis ? part : size)));
  const node: OperatorNode = {
    kind: "operator",
    operator: "Split",
    domain: "",
    attributes: { axis },
    inputs: [x, integers(sizes)],
    outputs: [],
    pullback: (gradients) => [
      concat(
        gradients.map((g, i) => g ?? fill(shapes[i], 0)),
        axis,
      ),
      undefined,
    ],
  };
  return shapes.map((shape) => addOutput(node, shape, x.type));
}
/** `count` parts of equal size. */
export function equalSplit(x: Tensor, count: number, axis: number): readonly Tensor[] {
  const size = x.shape[axis] / count;
  return split(
    x,
    Array.from({ length: count }, () => size),
    axis,
  );
}

export interface MatmulOptions {
  /** Reads `a` (or `b`) with its last two axes exchanged, without a copy. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Scales the product. */
  readonly scale?: number;
}
/** scale a b over the last two axes; the axes before them broadcast. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, scale = 1 } = options;
  const [rows, inner] = transposeA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!];
  const [innerB, columns] = transposeB ? [b.shape.at(-1)!, b.shape.at(-2)!] : [b.shape.at(-2)!, b.shape.at(-1)!];
  if (inner !== innerB) {
    const show = (x: Tensor, turned: boolean) => showShape(x.shape) + (turned ? " transposed" : "");
    throw new ShapeError(`matmul: inner sizes of ${show(a, transposeA)} and ${show(b, transposeB)} differ`);
  }
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
  // Each gradient is again one product of saved operands.
  const gradient = (g: Tensor) => [
    unbroadcast(
      transposeA
        ? matmul(b, g, { transposeA: transposeB, transposeB: true, scale })
        : matmul(g, b, { transposeB: !transposeB, scale }),
      a.shape,
    ),
    unbroadcast(
      transposeB
        ? matmul(g, a, { transposeA: true, transposeB: transposeA, scale })
        : matmul(a, g, { transposeA: !transposeA, scale }),
      b.shape,
    ),
  ];
  if (!transposeA && !transposeB && scale === 1) return operator("MatMul", [a, b], shape, { gradient });
  const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: scale } };
  return operator("FusedMatMul", [a, b], shape, { domain: "com.microsoft", attributes, gradient });
}

/** Rows of a table: [n, ...row] at int32 `index` of any shape gives [...index, ...row]. The gradient is a one-hot product. */
export function gather(table: Tensor, index: Tensor): Tensor {
  const [rows, ...row] = table.shape;
  return operator("Gather", [table, index], [...index.shape, ...row], {
    attributes: { axis: 0 },
    gradient: (g) => {
      const flat = reshape(g, [sizeOf(index.shape), sizeOf(row)]);
      return [
        reshape(matmul(oneHot(reshape(index, [sizeOf(index.shape)]), rows), flat, { transposeA: true }), table.shape),
        undefined,
      ];
    },
  });
}
/**
 * x with `rows` [..., ...row] written at distinct int64 `index` [..., n], which addresses the first n axes of x, whose others have the
 * shape `row`. No gradient.
 */
export const scatter = (x: Tensor, index: Tensor, rows: Tensor): Tensor => operator("ScatterND", [x, index, rows], x.shape);
/** float32 [...index, size] with a one where the last axis equals the int32 index. */
export const oneHot = (index: Tensor, size: number): Tensor =>
  cast(equal(reshape(index, [...index.shape, 1]), range(size)), "float32");
/** 0, 1, .., size - 1 as int32 [size]. */
export const range = (size: number): Tensor =>
  constant(
    Int32Array.from({ length: size }, (_, i) => i),
    [size],
  );
