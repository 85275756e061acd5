/** The graph that samples several tokens for each row in one run. */
import { loop } from "../../tensor/loop.ts";
import { attention, rmsNorm, takeAlong, type KeyValues, type Segment } from "../../tensor/neural.ts";
import {
  add,
  cast,
  equal,
  expand,
  fill,
  gather,
  less,
  lessOrEqual,
  logicalNot,
  logicalOr,
  matmul,
  multiply,
  range,
  reshape,
  scatter,
  softmax,
  sum,
} from "../../tensor/operators.ts";
import { constant, input, scalar, type Tensor } from "../../tensor/tensor.ts";
import { contextOf, groupPositions, hideWhere, type Context, type Sizes } from "./context.ts";
import { embed, finishLayer, project } from "./decoder.ts";
import { inverse, logarithms } from "./draw.ts";
import type { GraphConfig } from "./lora.ts";
import type { Expressions } from "./scoring.ts";

interface Draw {
  /** int32 [draws]. */
  readonly tokens: Tensor;
  /** [draws]. */
  readonly logprobs: Tensor;
}

/** From softmax(h E' / temperature), h [rows, width], at uniforms u [draws], draws / rows for each row. */
function draw({ decoder }: Context, h: Tensor, inverseTemperature: Tensor, u: Tensor): Draw {
  const p = softmax(matmul(multiply(h, inverseTemperature), decoder.weights.head, { transposeB: true }));
  const tokens = inverse(p, u);
  return { tokens: reshape(tokens, u.shape), logprobs: logarithms(reshape(takeAlong(p, tokens), u.shape)) };
}

/** x [rows] once for each completion of a row, [rows x samples]. */
function perCompletion(x: Tensor, samples: number): Tensor {
  const [rows] = x.shape;
  return reshape(expand(reshape(x, [rows, 1]), [rows, samples]), [rows * samples]);
}

/** Keys and values of generated tokens, [groups, completions, most, headWidth] per layer, zero where nothing is generated yet. */
type Generated = readonly KeyValues[];

interface Masks {
  readonly own: Tensor;
  readonly generated: Tensor;
}

/**
 * What queries [groups, completions, heads per group, headWidth] of one layer get from prefix, own tokens of their rows and generated tokens.
 * The completions of a row meet its keys together, except where each would be a single query when alone: ONNX Runtime multiplies
 * single rows with another kernel than several (the faster one, if nothing is scaled), and a completion's bytes must not depend on
 * its company.
 */
function attend(
  { decoder, sizes, own, prefix }: Context,
  i: number,
  queries: Tensor,
  generated: KeyValues,
  masks: Masks,
): Tensor {
  const { heads, keyValueHeads: groups, headWidth } = decoder.config;
  const single = heads === groups;
  const together = sizes.rows / own[i].length;
  const apart = (x: Tensor) => reshape(x, [groups, together, 1, sizes.length, headWidth]);
  const ownTokens: Segment = single
    ? {
        parts: own[i].map(({ keys, values }) => ({ keys: apart(keys), values: apart(values) })),
        batch: [groups, together, queries.shape[1] / sizes.rows],
      }
    : { parts: own[i], batch: [groups, together] };
  const segments: Segment[] = [
    { ...ownTokens, mask: masks.own },
    { parts: [generated], mask: masks.generated },
  ];
  if (i < prefix.length) segments.unshift({ parts: [prefix[i]], batch: [groups, 1] });
  const scale = headWidth ** -0.5;
  return single ? attention(multiply(queries, scale), segments, 1) : attention(queries, segments, scale);
}

/** Hidden states [completions, width] after one more token of each. */
function advance(
  context: Context,
  tokens: Tensor,
  positions: Tensor,
  masks: Masks,
  slots: Tensor,
  generated: Generated,
): { hidden: Tensor; generated: Generated } {
  const { decoder } = context;
  const { config, weights } = decoder;
  const [completions] = tokens.shape;
  const layout = { rows: completions, length: 1, positions };
  const next: KeyValues[] = [];
  let x = embed(decoder, tokens);
  for (const [i, layer] of weights.layers.entries()) {
    const { queries, own } = project(decoder, layer, rmsNorm(x, layer.inputNorm, config.normEpsilon), layout);
    const write = (kept: Tensor, fresh: Tensor) => scatter(kept, slots, fresh);
    const grown = { keys: write(generated[i].keys, own.keys), values: write(generated[i].values, own.values) };
    next.push(grown);
    x = finishLayer(decoder, layer, x, attend(context, i, queries, grown, masks), layout);
  }
  return { hidden: rmsNorm(x, weights.finalNorm, config.normEpsilon), generated: next };
}

/**
 * Prompt tokens that pass the layers together. Their activations should stay in the processor's cache, while many more rows, whose
 * products with the weights are small, can continue together.
 */
const TOGETHER = 1536;

function rowsTogether({ rows, length }: Sizes): number {
  let together = rows;
  while (together % 2 === 0 && together > 2 && together * length > TOGETHER) together /= 2;
  return together;
}

/** Where the first generated token of each completion is kept: group, completion and slot 0, int64 [groups, completions, 1, 3]. */
function slotsAt(groups: number, completions: number): Tensor {
  const places = Array.from({ length: groups * completions }, (_, i) => [Math.floor(i / completions), i % completions, 0]);
  return constant(BigInt64Array.from(places.flat(), BigInt), [groups, completions, 1, 3]);
}

/**
 * Draws `samples` completions of up to `most` tokens for each row. Besides the context's inputs (`at` is each row's last position):
 * uniforms [most, completions], inverseTemperature, stop int32 [vocabulary] with ones for tokens that end a completion, idle int32
 * [completions] with ones for padding, trips int64 (tokens after the first). Outputs the first token of each completion and then,
 * [n, completions], those of every iteration run.
 */
export function samplingGraph(config: GraphConfig, sizes: Sizes, samples: number, most: number): Expressions {
  const { rows } = sizes;
  const context = contextOf(config, sizes, { spare: most, together: rowsTogether(sizes) });
  const completions = rows * samples;
  const given = {
    uniforms: input([most, completions]),
    inverseTemperature: input([]),
    stop: input([config.vocabularySize], "int32"),
    idle: input([completions], "int32"),
    trips: input([], "int64"),
  };
  const lengths = perCompletion(add(reshape(context.inputs.at, [rows]), 1), samples);
  const starts = add(lengths, sizes.prefix);
  const own = reshape(hideWhere(lessOrEqual(reshape(lengths, [completions, 1]), range(sizes.length))), [
    1,
    completions,
    1,
    sizes.length,
  ]);
  const ended = (tokens: Tensor) => equal(gather(given.stop, tokens), 1);
  const uniformsAt = (step: Tensor) => reshape(gather(given.uniforms, step), [completions]);
  const anyLeft = (done: Tensor) => less(scalar(0), sum(cast(logicalNot(done), "float32")));

  const first = draw(context, context.hidden, given.inverseTemperature, uniformsAt(scalar(0, "int32")));
  const done = logicalOr(equal(given.idle, 1), ended(first.tokens));
  const nothing = fill([config.keyValueHeads, completions, most, config.headWidth], 0);
  const empty = config.layers * 2;
  const firstSlots = slotsAt(config.keyValueHeads, completions);
  const alongTime = constant(BigInt64Array.of(0n, 0n, 1n), [3]);
  const result = loop(
    { trips: given.trips, most, start: anyLeft(done) },
    [first.tokens, done, ...Array.from({ length: empty }, () => nothing)],
    (iteration, [tokens, finished, ...caches]) => {
      const step = cast(iteration, "int32");
      const slots = add(firstSlots, multiply(alongTime, iteration));
      const positions = groupPositions(config, reshape(add(starts, step), [completions, 1]));
      const generated = Array.from({ length: config.layers }, (_, i) => ({ keys: caches[2 * i], values: caches[2 * i + 1] }));
      const masks = { own, generated: hideWhere(less(step, range(most))) };
      const next = advance(context, tokens, positions, masks, slots, generated);
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
