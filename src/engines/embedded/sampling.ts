/** The graph that samples several tokens for each row in one run. */
import { loop } from "../../tensor/loop.ts";
import { rmsNorm, takeAlong } from "../../tensor/neural.ts";
import {
  add,
  cast,
  concat,
  cumulativeSum,
  equal,
  expand,
  fill,
  gather,
  less,
  lessOrEqual,
  logarithm,
  logicalNot,
  logicalOr,
  matmul,
  multiply,
  range,
  reshape,
  softmax,
  split,
  sum,
} from "../../tensor/operators.ts";
import { input, scalar, type Tensor } from "../../tensor/tensor.ts";
import { contextOf, groupPositions, hideWhere, type Context, type Sizes } from "./context.ts";
import { embed, finishLayer, project, type KeyValues } from "./decoder.ts";
import type { ModelConfig } from "./model.ts";
import type { Expressions } from "./scoring.ts";

interface Draw {
  /** int32 [rows]. */
  readonly tokens: Tensor;
  /** [rows]. */
  readonly logprobs: Tensor;
}

/**
 * The inverse of the cumulative distribution of softmax(h E' / temperature) at uniforms u [rows] in [0, 1): the first token whose
 * running sum exceeds u times the total. Scaling by the total, which rounding may leave below 1, keeps every choice a token of
 * nonzero probability.
 */
function draw({ decoder }: Context, h: Tensor, inverseTemperature: Tensor, u: Tensor): Draw {
  const rows = h.shape[0];
  const size = decoder.config.vocabularySize;
  const p = softmax(matmul(multiply(h, inverseTemperature), decoder.weights.embedding, { transposeB: true }));
  const running = cumulativeSum(p);
  const [, total] = size > 1 ? split(running, [size - 1, 1], 1) : [running, running];
  const below = lessOrEqual(running, multiply(reshape(u, [rows, 1]), total));
  const tokens = cast(sum(cast(below, "float32"), [1]), "int32");
  return { tokens: reshape(tokens, [rows]), logprobs: reshape(logarithm(takeAlong(p, tokens)), [rows]) };
}

/** Keys and values of generated tokens, [groups, rows, most, headWidth] per layer, zero where nothing is generated yet. */
type Generated = readonly KeyValues[];

/** Hidden states [rows, width] after one more token per row, attending to prefix, own tokens and generated tokens. */
function advance(
  context: Context,
  tokens: Tensor,
  positions: Tensor,
  mask: Tensor,
  slot: Tensor,
  generated: Generated,
): { hidden: Tensor; generated: Generated } {
  const { decoder } = context;
  const { config, weights } = decoder;
  const { rows, length, prefix: slots } = context.sizes;
  const groups = config.keyValueHeads;
  const perGroup = config.heads / groups;
  const scale = config.headWidth ** -0.5;
  const most = slot.shape[0];
  const layout = { rows, length: 1, positions };
  const next: KeyValues[] = [];
  let x = embed(decoder, tokens);
  for (const [i, layer] of weights.layers.entries()) {
    const { queries, own } = project(decoder, layer, rmsNorm(x, layer.inputNorm, config.normEpsilon), layout);
    const write = (kept: Tensor, fresh: Tensor) => add(kept, multiply(fresh, slot));
    const grown = { keys: write(generated[i].keys, own.keys), values: write(generated[i].values, own.values) };
    next.push(grown);
    const segments = [context.own[i], grown];
    const scores = segments.map(({ keys }) => matmul(queries, keys, { transposeB: true, scale }));
    const shared = context.prefix.at(i);
    // The prefix is one matrix per group for all rows at once.
    const together = reshape(queries, [groups, rows * perGroup, config.headWidth]);
    if (shared) {
      const keys = reshape(shared.keys, [groups, slots, config.headWidth]);
      scores.unshift(reshape(matmul(together, keys, { transposeB: true, scale }), [groups, rows, perGroup, slots]));
    }
    const p = softmax(add(concat(scores, 3), mask));
    const parts = split(p, [...(shared ? [slots] : []), length, most], 3);
    const [ownPart, grownPart] = parts.slice(-2);
    let attended = add(matmul(ownPart, segments[0].values), matmul(grownPart, segments[1].values));
    if (shared) {
      const values = reshape(shared.values, [groups, slots, config.headWidth]);
      const flat = matmul(reshape(parts[0], [groups, rows * perGroup, slots]), values);
      attended = add(reshape(flat, [groups, rows, perGroup, config.headWidth]), attended);
    }
    x = finishLayer(decoder, layer, x, attended, layout);
  }
  return { hidden: rmsNorm(x, weights.finalNorm, config.normEpsilon), generated: next };
}

/** [1, rows, 1, prefix + length + most] with generated tokens up to `step` visible. */
function stepMask(context: Context, lengths: Tensor, step: Tensor, most: number): Tensor {
  const { rows, length, prefix } = context.sizes;
  const own = hideWhere(lessOrEqual(reshape(lengths, [rows, 1]), range(length)));
  const generated = expand(reshape(hideWhere(less(step, range(most))), [1, most]), [rows, most]);
  const parts = [own, generated];
  if (context.prefixMask) parts.unshift(expand(context.prefixMask, [rows, prefix]));
  return reshape(concat(parts, 1), [1, rows, 1, prefix + length + most]);
}

/**
 * Samples up to `most` tokens per row. Besides the context's inputs (`at` is each row's last position): uniforms [most, rows],
 * inverseTemperature, stop int32 [vocabulary] with ones for tokens that end a completion, idle int32 [rows] with ones for padding
 * rows, trips int64 (tokens after the first). Outputs the first token of each row and then, [n, rows], those of every iteration run.
 */
export function samplingGraph(config: ModelConfig, sizes: Sizes, most: number): Expressions {
  const context = contextOf(config, sizes, most);
  const { rows } = sizes;
  const given = {
    uniforms: input([most, rows]),
    inverseTemperature: input([]),
    stop: input([config.vocabularySize], "int32"),
    idle: input([rows], "int32"),
    trips: input([], "int64"),
  };
  const lengths = add(reshape(context.inputs.at, [rows]), 1);
  const starts = context.inputs.prefixLength ? add(lengths, context.inputs.prefixLength) : lengths;
  const ended = (tokens: Tensor) => equal(gather(given.stop, tokens), 1);
  const uniformsAt = (step: Tensor) => reshape(gather(given.uniforms, step), [rows]);
  const anyLeft = (done: Tensor) => less(scalar(0), sum(cast(logicalNot(done), "float32")));

  const first = draw(context, context.hidden, given.inverseTemperature, uniformsAt(scalar(0, "int32")));
  const done = logicalOr(equal(given.idle, 1), ended(first.tokens));
  const nothing = fill([config.keyValueHeads, rows, most, config.headWidth], 0);
  const empty = config.layers * 2;
  const result = loop(
    { trips: given.trips, most, start: anyLeft(done) },
    [first.tokens, done, ...Array.from({ length: empty }, () => nothing)],
    (iteration, [tokens, finished, ...caches]) => {
      const step = cast(iteration, "int32");
      const slot = reshape(cast(equal(range(most), step), "float32"), [most, 1]);
      const positions = groupPositions(config, reshape(add(starts, step), [rows, 1]));
      const generated = Array.from({ length: config.layers }, (_, i) => ({ keys: caches[2 * i], values: caches[2 * i + 1] }));
      const mask = stepMask(context, lengths, step, most);
      const next = advance(context, tokens, positions, mask, slot, generated);
      const drawn = draw(context, next.hidden, given.inverseTemperature, uniformsAt(add(step, 1)));
      const over = logicalOr(finished, ended(drawn.tokens));
      const state = [drawn.tokens, over, ...next.generated.flatMap(({ keys, values }) => [keys, values])];
      return { state, emit: [drawn.tokens, drawn.logprobs], more: anyLeft(over) };
    },
  );
  return {
    inputs: { ...context.decoder.weights.inputs, ...context.inputs, ...given },
    outputs: {
      firstTokens: first.tokens,
      firstLogprobs: first.logprobs,
      nextTokens: result.emit[0],
      nextLogprobs: result.emit[1],
    },
    ragged: ["nextTokens", "nextLogprobs"],
  };
}
