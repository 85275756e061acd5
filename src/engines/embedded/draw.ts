/** Drawing tokens from probabilities by uniform numbers, and the logarithms of what was drawn. */
import { takeAlong } from "../../tensor/neural.ts";
import {
  add,
  cast,
  concat,
  cumulativeSum,
  divide,
  fill,
  gather,
  lessOrEqual,
  logarithm,
  minimum,
  multiply,
  reshape,
  split,
  subtract,
  sum,
} from "../../tensor/operators.ts";
import { constant, scalar, type Tensor } from "../../tensor/tensor.ts";

/** The largest float32 below 1. */
export const BELOW_ONE = 1 - 2 ** -24;
/** Vocabularies from this are searched by blocks. */
const MANY = 8192;
/** Tokens of a block at most, and at least: a power of two that divides the vocabulary. */
const BLOCK = { most: 256, least: 16 };

/**
 * The inverse of the cumulative distribution of probabilities p [rows, vocabulary] at uniforms u [draws] in [0, 1), draws / rows for
 * each row: int32 [rows, draws / rows]. It is the first token whose running sum exceeds u times the total. Scaling by the total, which
 * rounding may leave below 1, keeps every choice a token of nonzero probability.
 */
export function inverse(p: Tensor, u: Tensor): Tensor {
  const [rows, size] = p.shape;
  const block = blockOf(size);
  const uniforms = reshape(u, [rows, u.shape[0] / rows]);
  return size < MANY || block < BLOCK.least ? firstAbove(p, uniforms).index : inverseByBlocks(p, uniforms, block);
}

function blockOf(size: number): number {
  let block = 1;
  while (block < BLOCK.most && size % (2 * block) === 0) block *= 2;
  return block;
}

/** For each row of x [rows, n], the first indices whose running sums exceed u [rows, each] times the total; both too. */
function firstAbove(x: Tensor, u: Tensor) {
  const [rows, n] = x.shape;
  const each = u.shape[1];
  const running = cumulativeSum(x);
  const total = takeAlong(running, constant(new Int32Array(rows).fill(n - 1), [rows, 1]));
  const limits = multiply(u, total);
  const below = cast(lessOrEqual(reshape(running, [rows, 1, n]), reshape(limits, [rows, each, 1])), "float32");
  return { index: reshape(cast(sum(below, [-1]), "int32"), [rows, each]), running, limits };
}

/** The same in two searches, for the block and inside it, because running sums of a whole vocabulary take long. */
function inverseByBlocks(p: Tensor, u: Tensor, block: number): Tensor {
  const [rows, size] = p.shape;
  const each = u.shape[1];
  const blocks = size / block;
  const masses = reshape(sum(reshape(p, [rows, blocks, block]), [-1]), [rows, blocks]);
  const { index, running, limits } = firstAbove(masses, u);
  const before = takeAlong(concat([fill([rows, 1], 0), running], 1), index);
  const rest = minimum(divide(subtract(limits, before), takeAlong(masses, index)), scalar(BELOW_ONE));
  const starts = Int32Array.from({ length: rows }, (_, row) => row * blocks);
  const chosen = reshape(add(index, constant(starts, [rows, 1])), [rows * each]);
  const inside = gather(reshape(p, [rows * blocks, block]), chosen);
  const offset = reshape(firstAbove(inside, reshape(rest, [rows * each, 1])).index, [rows, each]);
  return add(multiply(index, block), offset);
}

/** Numbers that a processor takes the logarithm of at once. */
const VECTOR = 8;

/** Of x [n], n a power of two. Fewer than fill a vector are repeated: ONNX Runtime rounds a rest otherwise than a vector. */
export function logarithms(x: Tensor): Tensor {
  const [n] = x.shape;
  if (n >= VECTOR) return logarithm(x);
  const repeated = concat(
    Array.from({ length: VECTOR / n }, () => x),
    0,
  );
  return split(logarithm(repeated), [n, VECTOR - n], 0)[0];
}
