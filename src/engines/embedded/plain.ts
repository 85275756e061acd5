/**
 * The decoder of `decoder.ts` in plain JavaScript, for a small model where ONNX Runtime would be too much to load: one token after
 * another, in float64, with keys and values kept. It samples and scores; it learns nothing. A test holds it to the engine within 1e-5
 * nats.
 */
import { uniform } from "../../random.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { EngineError, type Completion, type Sampler, type SamplerSettings } from "../engine.ts";
import { BELOW_ONE } from "./draw.ts";
import type { ModelConfig } from "./model.ts";
import { EMBEDDING, HEAD, parametersOf } from "./parameters.ts";

/** Numbers of a vector or a matrix by rows. */
type Numbers = Float32Array | Float64Array;

/** Keys and values of the tokens read so far: for each layer [length, keyValueHeads x headWidth]. */
interface Read {
  readonly length: number;
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

/** Common beginnings of prompts that are kept. */
const KEPT = 16;

/** Answers prompts with the weights of a model, flat, as `parametersOf` places them. */
export function createPlainSampler(config: ModelConfig, weights: Float32Array): Sampler {
  const decoder = createDecoder(config, weights);
  const beginnings = new Map<string, Read>();
  /** What was read of a prompt but for its last token. */
  const read = ({ tokens, shared }: { readonly tokens: readonly number[]; readonly shared: number }, further: number): Read => {
    if (tokens.length === 0) throw new EngineError("expected a prompt of at least one token");
    if (tokens.length + further > config.contextLength)
      throw new EngineError(`${tokens.length + further} tokens are more than the context of ${config.contextLength}`);
    const count = Math.min(shared, tokens.length - 1);
    const name = tokens.slice(0, count).join();
    const known = beginnings.get(name) ?? decoder.readAll(decoder.nothing(), tokens.slice(0, count));
    if (beginnings.size >= KEPT) beginnings.clear();
    beginnings.set(name, known);
    return decoder.readAll(decoder.copy(known), tokens.slice(count, -1));
  };
  return {
    async sample(requests, settings) {
      return requests.map(({ prompt, key }): Completion => {
        const before = read(prompt, settings.maxTokens);
        return sampleFrom(decoder, before, prompt.tokens[prompt.tokens.length - 1], settings, (t) => uniform(key, t));
      });
    },
    async score(requests, temperature) {
      return requests.map(({ prompt, continuation }) => {
        let before = read(prompt, continuation.length);
        let token = prompt.tokens[prompt.tokens.length - 1];
        return continuation.map((next) => {
          const step = decoder.next(before, token);
          [before, token] = [step.read, next];
          return logSoftmax(step.logits, temperature)[next];
        });
      });
    },
    release: () => Promise.resolve(),
  };
}

function sampleFrom(
  decoder: Decoder,
  before: Read,
  first: number,
  { temperature, maxTokens, stop }: SamplerSettings,
  draw: (t: number) => number,
): Completion {
  const tokens: number[] = [];
  const logprobs: number[] = [];
  let read = before;
  let token = first;
  for (let t = 0; t < maxTokens; t++) {
    const step = decoder.next(read, token);
    const logs = logSoftmax(step.logits, temperature);
    token = firstAbove(logs, Math.min(draw(t), BELOW_ONE));
    read = step.read;
    tokens.push(token);
    logprobs.push(logs[token]);
    if (stop.includes(token)) return { tokens, logprobs, finish: "stop" };
  }
  return { tokens, logprobs, finish: "length" };
}

function logSoftmax(logits: Float64Array, temperature: number): Float64Array {
  const scaled = logits.map((logit) => logit / temperature);
  const most = scaled.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = Math.log(scaled.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) + most;
  return scaled.map((logit) => logit - total);
}

/** The first token whose running sum of probabilities exceeds u. */
function firstAbove(logs: Float64Array, u: number): number {
  let running = 0;
  for (let token = 0; token < logs.length; token++) {
    running += Math.exp(logs[token]);
    if (running > u) return token;
  }
  return logs.length - 1;
}

type Decoder = ReturnType<typeof createDecoder>;

function createDecoder(config: ModelConfig, flat: Float32Array) {
  const { width, layers, heads, keyValueHeads, headWidth, contextLength, normEpsilon, vocabularySize } = config;
  const weights = new Map(
    parametersOf(config).map(({ name, shape, offset }) => [name, flat.subarray(offset, offset + sizeOf(shape))]),
  );
  const weight = (name: string): Float32Array => weights.get(name)!;
  const embedding = weight(EMBEDDING);
  const head = weights.get(HEAD) ?? embedding;
  const stored = keyValueHeads * headWidth;
  const zeros = () => Array.from({ length: layers }, () => new Float32Array(contextLength * stored));

  const nothing = (): Read => ({ length: 0, keys: zeros(), values: zeros() });
  const copy = ({ length, keys, values }: Read): Read => ({
    length,
    keys: keys.map((all) => all.slice()),
    values: values.map((all) => all.slice()),
  });

  /** Reads one token at the end, into the arrays of `before`; the residual stream after the last layer. */
  function step({ length: at, keys, values }: Read, token: number): Float64Array {
    const x = Float64Array.from(embedding.subarray(token * width, (token + 1) * width));
    for (let layer = 0; layer < layers; layer++) {
      const own = (name: string): Float32Array => weight(`model.layers.${layer}.${name}.weight`);
      const h = rmsNorm(x, own("input_layernorm"), normEpsilon);
      const turned = (name: string, norm: string): Float64Array => {
        const projected = product(own(name), h);
        for (let from = 0; from < projected.length; from += headWidth) {
          const one = projected.subarray(from, from + headWidth);
          if (config.queryKeyNorms !== false) one.set(rmsNorm(one, own(norm), normEpsilon));
          rotate(one, at, config.ropeTheta);
        }
        return projected;
      };
      const queries = turned("self_attn.q_proj", "self_attn.q_norm");
      keys[layer].set(turned("self_attn.k_proj", "self_attn.k_norm"), at * stored);
      values[layer].set(product(own("self_attn.v_proj"), h), at * stored);
      const attended = new Float64Array(heads * headWidth);
      for (let q = 0; q < heads; q++) {
        const group = Math.floor((q * keyValueHeads) / heads);
        const query = queries.subarray(q * headWidth, (q + 1) * headWidth);
        attend(query, keys[layer], values[layer], at + 1, stored, group * headWidth, attended.subarray(q * headWidth));
      }
      addTo(x, product(own("self_attn.o_proj"), attended));
      const f = rmsNorm(x, own("post_attention_layernorm"), normEpsilon);
      const gate = product(own("mlp.gate_proj"), f);
      const up = product(own("mlp.up_proj"), f);
      addTo(
        x,
        product(
          own("mlp.down_proj"),
          gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]),
        ),
      );
    }
    return x;
  }

  return {
    nothing,
    copy,
    /** Reads tokens at the end, into the arrays of `before`. */
    readAll: (before: Read, tokens: readonly number[]): Read =>
      tokens.reduce((read, token) => {
        step(read, token);
        return { ...read, length: read.length + 1 };
      }, before),
    /** Reads a token, into the arrays of `before`; the logits of the one after it. */
    next(before: Read, token: number): { readonly read: Read; readonly logits: Float64Array } {
      const x = rmsNorm(step(before, token), weight("model.norm.weight"), normEpsilon);
      const logits = product(head.subarray(0, vocabularySize * width), x);
      return { read: { ...before, length: before.length + 1 }, logits };
    },
  };
}

/** W x of a matrix by rows. */
function product(w: Float32Array, x: Numbers): Float64Array {
  const out = new Float64Array(w.length / x.length);
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < x.length; j++) sum += w[at++] * x[j];
    out[i] = sum;
  }
  return out;
}

function rmsNorm(x: Numbers, gain: Float32Array, epsilon: number): Float64Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return Float64Array.from(gain, (g, i) => g * x[i] * scale);
}

/** Turns the pairs (i, i + n / 2) of a head by position * theta^(-2 i / n). */
function rotate(x: Float64Array, position: number, theta: number): void {
  const half = x.length / 2;
  for (let i = 0; i < half; i++) {
    const angle = position * theta ** ((-2 * i) / x.length);
    const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
    const [a, b] = [x[i], x[i + half]];
    x[i] = a * cosine - b * sine;
    x[i + half] = b * cosine + a * sine;
  }
}

/** Softmax attention of one query over the first `length` keys and values, whose rows have `stride` numbers, from column `from` on. */
function attend(
  query: Float64Array,
  keys: Float32Array,
  values: Float32Array,
  length: number,
  stride: number,
  from: number,
  out: Float64Array,
): void {
  const scores = new Float64Array(length);
  let most = -Infinity;
  for (let t = 0; t < length; t++) {
    let score = 0;
    for (let i = 0; i < query.length; i++) score += query[i] * keys[t * stride + from + i];
    scores[t] = score / Math.sqrt(query.length);
    most = Math.max(most, scores[t]);
  }
  let total = 0;
  for (let t = 0; t < length; t++) total += scores[t] = Math.exp(scores[t] - most);
  for (let t = 0; t < length; t++)
    for (let i = 0; i < query.length; i++) out[i] += (scores[t] / total) * values[t * stride + from + i];
}

function addTo(x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
}
