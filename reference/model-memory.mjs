/**
 * GPU memory of training an adapter, worked out from the shapes of a model. Prints the arithmetic; nothing is measured.
 *
 *     node reference/model-memory.mjs qwen3.5-4b|gemma-4-e4b [--rank 32] [--tokens 10240] [--samples 64] [--context 768]
 *
 * Weights are bfloat16. The adapter covers every linear layer of the decoder and is kept, with gradient and both moments of Adam, in
 * float32. Activations assume that each layer keeps its input and recomputes the rest; logits are float32 with their gradient, for
 * all `--tokens` of one training request at once, which is the worst case (a server that splits the request or fuses the loss needs less).
 */
import { parseArgs } from "node:util";

/** Layers of one kind: how many, their linear maps [in, out], and key and value numbers cached per token (at most `window`) or per sample. */
const MODELS = {
  // Qwen/Qwen3.5-4B, text part: 24 layers of gated linear attention, 8 of full attention with a gate beside each query.
  "qwen3.5-4b": {
    width: 2560,
    vocabulary: 248_320,
    tables: [[248_320, 2560]],
    layers: [
      {
        count: 24,
        maps: [
          [2560, 8192],
          [2560, 4096],
          [2560, 64],
          [4096, 2560],
          [2560, 9216],
          [2560, 9216],
          [9216, 2560],
        ],
        perToken: 0,
        // The state of 32 heads of 128 x 128, in float32.
        stateBytes: 32 * 128 * 128 * 4,
      },
      {
        count: 8,
        maps: [
          [2560, 8192],
          [2560, 1024],
          [2560, 1024],
          [4096, 2560],
          [2560, 9216],
          [2560, 9216],
          [9216, 2560],
        ],
        perToken: 2 * 4 * 256,
      },
    ],
  },
  // google/gemma-4-E4B-it, text part: 35 sliding layers (heads of 256) and 7 global ones (heads of 512); the last 18 reuse keys and
  // values of earlier layers, and every layer has 256 numbers per token of an embedding table of its own.
  "gemma-4-e4b": {
    width: 2560,
    vocabulary: 262_144,
    tables: [
      [262_144, 2560],
      [262_144, 42 * 256],
      [2560, 42 * 256],
    ],
    layers: [
      gemmaLayers(20, 256, true, 512),
      gemmaLayers(15, 256, false, 512),
      gemmaLayers(4, 512, true, Infinity),
      gemmaLayers(3, 512, false, Infinity),
    ],
  },
};

function gemmaLayers(count, head, own, window) {
  const attention = [
    [2560, 8 * head],
    ...(own
      ? [
          [2560, 2 * head],
          [2560, 2 * head],
        ]
      : []),
    [8 * head, 2560],
  ];
  const rest = [
    [2560, 10_240],
    [2560, 10_240],
    [10_240, 2560],
    [2560, 256],
    [256, 2560],
  ];
  return { count, maps: [...attention, ...rest], perToken: own ? 2 * 2 * head : 0, window };
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rank: { type: "string", default: "32" },
    tokens: { type: "string", default: "10240" },
    samples: { type: "string", default: "64" },
    context: { type: "string", default: "768" },
  },
});
const model = MODELS[positionals[0]];
const [rank, tokens, samples, context] = [values.rank, values.tokens, values.samples, values.context].map(Number);
if (model === undefined || [rank, tokens, samples, context].some((value) => !(value > 0))) {
  console.error(`usage: model-memory.mjs ${Object.keys(MODELS).join("|")} [--rank N] [--tokens N] [--samples N] [--context N]`);
  process.exit(2);
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const overLayers = (value) => sum(model.layers.map((layer) => layer.count * value(layer)));
const linear = overLayers(({ maps }) => sum(maps.map(([a, b]) => a * b)));
const parameters = linear + sum(model.tables.map(([a, b]) => a * b));
const adapter = rank * overLayers(({ maps }) => sum(maps.map(([a, b]) => a + b)));
const depth = overLayers(() => 1);
const cachePerSample = overLayers(
  ({ perToken, window = Infinity, stateBytes = 0 }) => 2 * perToken * Math.min(context, window) + stateBytes,
);
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;
const parts = [
  ["weights", parameters * 2, `${(parameters / 1e9).toFixed(2)}e9 parameters x 2 bytes`],
  ["adapter, gradient, Adam", adapter * 16, `${(adapter / 1e6).toFixed(1)}e6 parameters x 16 bytes`],
  ["layer inputs", tokens * model.width * depth * 2, `${tokens} tokens x ${model.width} x ${depth} layers x 2 bytes`],
  ["logits and gradient", tokens * model.vocabulary * 8, `${tokens} tokens x ${model.vocabulary} x 8 bytes`],
  [
    "cache of the sampler",
    samples * cachePerSample,
    `${samples} samples x ${(cachePerSample / 1e6).toFixed(1)} MB at ${context} tokens`,
  ],
];
for (const [what, bytes, how] of parts) console.log(`${what.padEnd(24)} ${gigabytes(bytes).padStart(8)}  ${how}`);
const [weights, optimizer, inputs, logits, cache] = parts.map(([, bytes]) => bytes);
console.log(`trainer ${gigabytes(weights + optimizer + inputs + logits)}, sampler ${gigabytes(weights + cache)}`);
console.log(`arithmetic per token: ${((2 * (linear + model.width * model.vocabulary)) / 1e9).toFixed(1)}e9 operations forward`);
