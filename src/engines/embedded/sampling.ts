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
  /** int32 [draws]. */
  readonly tokens: Tensor;
  /** [draws]. */
  readonly logprobs: Tensor;
}

/**
 * The inverse of the cumulative distribution of softmax(h E' / temperature), h [rows, width], at uniforms u [draws] in [0, 1),
 * draws / rows for each row: the first token whose running sum exceeds u times the total. Scaling by the total, which rounding may
 * leave below 1, keeps every choice a token of nonzero probability.
 */
function draw({ decoder }: Context, h: Tensor, inverseTemperature: Tensor, u: Tensor): Draw {
  const [rows] = h.shape;
  const [draws] = u.shape;
  const each = draws / rows;
  const size = decoder.config.vocabularySize;
  const p = softmax(matmul(multiply(h, inverseTemperature), decoder.weights.embedding, { transposeB: true }));
  const running = cumulativeSum(p);
  const [, total] = size > 1 ? split(running, [size - 1, 1], 1) : [running, running];
  const limits = reshape(multiply(reshape(u, [rows, each]), total), [rows, each, 1]);
  const below = cast(lessOrEqual(reshape(running, [rows, 1, size]), limits), "float32");
  const tokens = reshape(cast(sum(below, [-1]), "int32"), [rows, each]);
  return { tokens: reshape(tokens, [draws]), logprobs: reshape(logarithm(takeAlong(p, tokens)), [draws]) };
}

/** x [rows] once for each completion of a row, [rows x samples]. */
function perCompletion(x: Tensor, samples: number): Tensor {
  const [rows] = x.shape;
  return reshape(expand(reshape(x, [rows, 1]), [rows, samples]), [rows * samples]);
}

/** Keys and values of generated tokens, [groups, completions, most, headWidth] per layer, zero where nothing is generated yet. */
type Generated = readonly KeyValues[];

/**
 * Hidden states [completions, width] after one more token of each, attending to prefix, own tokens of its row and generated tokens.
 * The completions of a row meet its keys together.
 */
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
  const [completions] = tokens.shape;
  const groups = config.keyValueHeads;
  const perGroup = config.heads / groups;
  const scale = config.headWidth ** -0.5;
  const most = slot.shape[0];
  const layout = { rows: completions, length: 1, positions };
  /** Queries and rows of probabilities as matrices, of all completions that meet the same keys. */
  const byRow = (y: Tensor) => reshape(y, [groups, rows, (completions / rows) * perGroup, y.shape[3]]);
  const whole = (y: Tensor) => reshape(y, [groups, 1, completions * perGroup, y.shape[3]]);
  const apart = (y: Tensor) => reshape(y, [groups, completions, perGroup, y.shape[3]]);
  const next: KeyValues[] = [];
  let x = embed(decoder, tokens);
  for (const [i, layer] of weights.layers.entries()) {
    const { queries, own } = project(decoder, layer, rmsNorm(x, layer.inputNorm, config.normEpsilon), layout);
    const write = (kept: Tensor, fresh: Tensor) => add(kept, multiply(fresh, slot));
    const grown = { keys: write(generated[i].keys, own.keys), values: write(generated[i].values, own.values) };
    next.push(grown);
    const shared = context.prefix.at(i);
    const segments = [
      ...(shared ? [{ ...shared, size: slots, shape: whole }] : []),
      { ...context.own[i], size: length, shape: byRow },
      { ...grown, size: most, shape: apart },
    ];
    const scores = segments.map(({ keys, shape }) => apart(matmul(shape(queries), keys, { transposeB: true, scale })));
    const p = softmax(add(concat(scores, 3), mask));
    const parts = split(
      p,
      segments.map(({ size }) => size),
      3,
    );
    const attended = segments.map(({ values, shape }, s) => apart(matmul(shape(parts[s]), values))).reduce((a, b) => add(a, b));
    x = finishLayer(decoder, layer, x, attended, layout);
  }
  return { hidden: rmsNorm(x, weights.finalNorm, config.normEpsilon), generated: next };
}

/** [1, completions, 1, prefix + length + most] with generated tokens up to `step` visible; `lengths` of each completion's row. */
function stepMask(context: Context, lengths: Tensor, step: Tensor, most: number): Tensor {
  const { length, prefix } = context.sizes;
  const [completions] = lengths.shape;
  const own = hideWhere(lessOrEqual(reshape(lengths, [completions, 1]), range(length)));
  const generated = expand(reshape(hideWhere(less(step, range(most))), [1, most]), [completions, most]);
  const parts = [own, generated];
  if (context.prefixMask) parts.unshift(expand(context.prefixMask, [completions, prefix]));
  return reshape(concat(parts, 1), [1, completions, 1, prefix + length + most]);
}

/**
 * Draws `samples` completions of up to `most` tokens for each row. Besides the context's inputs (`at` is each row's last position):
 * uniforms [most, completions], inverseTemperature, stop int32 [vocabulary] with ones for tokens that end a completion, idle int32
 * [completions] with ones for padding, trips int64 (tokens after the first). Outputs the first token of each completion and then,
 * [n, completions], those of every iteration run.
 */
export function samplingGraph(config: ModelConfig, sizes: Sizes, samples: number, most: number): Expressions {
  const context = contextOf(config, sizes, most);
  const { rows } = sizes;
  const completions = rows * samples;
  const given = {
    uniforms: input([most, completions]),
    inverseTemperature: input([]),
    stop: input([config.vocabularySize], "int32"),
    idle: input([completions], "int32"),
    trips: input([], "int64"),
  };
  const lengths = perCompletion(add(reshape(context.inputs.at, [rows]), 1), samples);
  const starts = context.inputs.prefixLength ? add(lengths, context.inputs.prefixLength) : lengths;
  const ended = (tokens: Tensor) => equal(gather(given.stop, tokens), 1);
  const uniformsAt = (step: Tensor) => reshape(gather(given.uniforms, step), [completions]);
  const anyLeft = (done: Tensor) => less(scalar(0), sum(cast(logicalNot(done), "float32")));

  const first = draw(context, context.hidden, given.inverseTemperature, uniformsAt(scalar(0, "int32")));
  const done = logicalOr(equal(given.idle, 1), ended(first.tokens));
  const nothing = fill([config.keyValueHeads, completions, most, config.headWidth], 0);
  const empty = config.layers * 2;
  const result = loop(
    { trips: given.trips, most, start: anyLeft(done) },
    [first.tokens, done, ...Array.from({ length: empty }, () => nothing)],
    (iteration, [tokens, finished, ...caches]) => {
      const step = cast(iteration, "int32");
      const slot = reshape(cast(equal(range(most), step), "float32"), [most, 1]);
      const positions = groupPositions(config, reshape(add(starts, step), [completions, 1]));
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
