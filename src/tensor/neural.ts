/** The composite operators of a decoder, with gradients written by hand where that saves work. */
import {
  add,
  cast,
  concat,
  equal,
  equalSplit,
  exponential,
  matmul,
  multiply,
  range,
  reshape,
  sigmoid,
  softmax,
  split,
  subtract,
  sum,
  unbroadcast,
  type MatmulOptions,
} from "./operators.ts";
import {
  addOutput,
  operator,
  ShapeError,
  showShape,
  sizeOf,
  withGradient,
  type OperatorNode,
  type Shape,
  type Tensor,
} from "./tensor.ts";

/** x / sqrt(mean(x^2) + epsilon) * weight over the last axis; weight [n]. */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const n = x.shape.at(-1)!;
  if (weight.shape.length !== 1 || weight.shape[0] !== n) {
    throw new ShapeError(`rmsNorm: weight ${showShape(weight.shape)} does not match ${showShape(x.shape)}`);
  }
  const node: OperatorNode = {
    kind: "operator",
    operator: "SimplifiedLayerNormalization",
    domain: "",
    attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 },
    inputs: [x, weight],
    outputs: [],
    pullback: ([g]) => {
      if (!g) return [undefined, undefined];
      const product = multiply(g, x);
      const dot = matmul(product, reshape(weight, [n, 1])); // sum_j g_j x_j w_j
      const slope = multiply(multiply(dot, multiply(inverse, multiply(inverse, inverse))), 1 / n);
      const rows = sizeOf(x.shape) / n;
      const toWeight = matmul(reshape(inverse, [rows, 1]), reshape(product, [rows, n]), { transposeA: true });
      return [subtract(multiply(multiply(g, weight), inverse), multiply(x, slope)), reshape(toWeight, [n])];
    },
  };
  const y = addOutput(node, x.shape, "float32");
  const inverse = addOutput(node, [...x.shape.slice(0, -1), 1], "float32"); // 1 / sqrt(mean(x^2) + epsilon)
  return y;
}

/** Cosines and sines of rotary positions, each [length, half a head]. */
export interface RotaryTable {
  readonly cosine: Tensor;
  readonly sine: Tensor;
  readonly negativeSine: Tensor;
}
/**
 * Rotary position embedding with the rotate-half convention: pair (i, i + half) turns by position * theta^(-2 i / width).
 * x [batch, heads, length, width]; positions int64 [1] (the first of consecutive ones) or [batch, length].
 */
export const rotary = (x: Tensor, positions: Tensor, table: RotaryTable): Tensor =>
  operator("RotaryEmbedding", [x, positions, table.cosine, table.sine], x.shape, {
    domain: "com.microsoft",
    gradient: (g) => {
      const reversed = { cosine: table.cosine, sine: table.negativeSine, negativeSine: table.sine };
      return [rotary(g, positions, reversed), undefined, undefined, undefined];
    },
  });

/** silu(gate) * up, with silu(z) = z sigmoid(z). */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  const activated = operator("QuickGelu", [gate], gate.shape, { domain: "com.microsoft", attributes: { alpha: { float: 1 } } });
  return withGradient(multiply(activated, up), [gate, up], (g) => {
    const s = sigmoid(gate);
    return [
      multiply(multiply(g, up), multiply(s, add(subtract(gate, activated), 1))), // s (1 + z (1 - s)) = s (1 + z - z s)
      multiply(g, activated),
    ];
  });
}

/** [...c, n, width] each. */
export interface KeyValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Keys and values that queries [a, b, m, width] meet, with some of the axes before the last taken together. */
export interface Segment {
  /** Each meets an equal share of the queries along their second axis; the axes before its last two broadcast to `batch`. */
  readonly parts: readonly KeyValues[];
  /** The first axes of a share of the queries, [...batch, the rest, width]; a, b / parts unless given. */
  readonly batch?: Shape;
  /** Added to scores [a, b, m, n]; broadcasts. */
  readonly mask?: Tensor;
}

/**
 * softmax(scale q k' + mask) v over the keys of all segments: queries [a, b, m, width], result [a, b, m, width of the values].
 * The softmax's gradient needs only rowsum(g o) of the output o (Dao et al., "FlashAttention", 2022, appendix B.2).
 */
export function attention(q: Tensor, segments: readonly Segment[], scale: number): Tensor {
  const [a, b, m] = q.shape;
  const sizes = segments.map(({ parts }) => parts[0].keys.shape.at(-2)!);
  /** The matrices that meet the parts of a segment, and back. */
  const shares = (x: Tensor, { parts, batch = [a, b / parts.length] }: Segment) => {
    const width = x.shape.at(-1)!;
    const each = (a * b * m) / parts.length;
    return equalSplit(x, parts.length, 1).map((share) => reshape(share, [...batch, each / sizeOf(batch), width]));
  };
  const whole = (list: readonly Tensor[]) => {
    const shape = [a, b / list.length, m, list[0].shape.at(-1)!];
    return concat(
      list.map((share) => reshape(share, shape)),
      1,
    );
  };
  const meet = (x: Tensor, segment: Segment, kind: "keys" | "values", options: MatmulOptions) =>
    whole(shares(x, segment).map((share, i) => matmul(share, segment.parts[i][kind], options)));
  const scores = segments.map((segment) => {
    const raw = meet(q, segment, "keys", { transposeB: true, scale });
    return segment.mask ? add(raw, segment.mask) : raw;
  });
  const p = split(softmax(concat(scores, 3)), sizes, 3);
  const o = segments.map((segment, s) => meet(p[s], segment, "values", {})).reduce((x, y) => add(x, y));
  const sources = [q, ...segments.flatMap(({ parts }) => parts.flatMap(({ keys, values }) => [keys, values]))];
  return withGradient(o, sources, (g) => {
    const dot = sum(multiply(g, o), [-1]);
    const slopes = segments.map((segment, s) =>
      multiply(p[s], subtract(meet(g, segment, "values", { transposeB: true }), dot)),
    );
    const queries = segments.map((segment, s) => meet(slopes[s], segment, "keys", { scale })).reduce((x, y) => add(x, y));
    const others = segments.flatMap((segment, s) => {
      const [slope, weights, along, own] = [slopes[s], p[s], g, q].map((x) => shares(x, segment));
      return segment.parts.flatMap(({ keys, values }, i) => [
        unbroadcast(matmul(slope[i], own[i], { transposeA: true, scale }), keys.shape),
        unbroadcast(matmul(weights[i], along[i], { transposeA: true }), values.shape),
      ]);
    });
    return [queries, ...others];
  });
}

/** log softmax(logits)[target] of each row: logits [n, classes], int32 target [n], result [n, 1]. */
export function logSoftmaxAt(logits: Tensor, target: Tensor): Tensor {
  const [n, classes] = logits.shape;
  const all = operator("LogSoftmax", [logits], logits.shape, { attributes: { axis: -1 } });
  const picked = takeAlong(all, reshape(target, [n, 1]));
  return withGradient(picked, [logits], (g) => {
    const hit = cast(equal(reshape(target, [n, 1]), range(classes)), "float32");
    return [multiply(g, subtract(hit, exponential(all)))];
  });
}

/** x[i, index[i]] of x [n, m] and int32 index [n, 1], as [n, 1]. No gradient. */
export const takeAlong = (x: Tensor, index: Tensor): Tensor =>
  operator("GatherElements", [x, index], index.shape, { attributes: { axis: 1 } });
