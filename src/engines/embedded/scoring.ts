/** The graphs that score given tokens and that differentiate the losses. */
import { pullback } from "../../tensor/grad.ts";
import { logSoftmaxAt } from "../../tensor/neural.ts";
import {
  add,
  exponential,
  fill,
  matmul,
  maximum,
  minimum,
  multiply,
  negate,
  reshape,
  softmax,
  subtract,
  sum,
} from "../../tensor/operators.ts";
import { input, type Tensor } from "../../tensor/tensor.ts";
import { contextOf, type Context, type Sizes } from "./context.ts";
import type { GraphConfig } from "./lora.ts";

export interface Expressions {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly ragged?: readonly string[];
}

/** What a graph's outputs of gradients are called: this, then the name of what it is the gradient of. */
export const GRADIENT = "gradient.";
/** The embedding rows that a graph looked up. */
export const EMBEDDED = "embedded";

/** Outputs for gradients of named tensors, but for those that nothing depends on. */
export const namedGradients = (names: readonly string[], gradients: readonly (Tensor | undefined)[]): Record<string, Tensor> =>
  Object.fromEntries(
    names.flatMap((name, i) => {
      const gradient = gradients[i];
      return gradient ? [[GRADIENT + name, gradient] as const] : [];
    }),
  );

const logitsOf = ({ hidden, decoder }: Context, inverseTemperature: Tensor): Tensor =>
  matmul(multiply(hidden, inverseTemperature), decoder.weights.head, { transposeB: true });

function logprobsOf(context: Context): { logprobs: Tensor; inputs: Record<string, Tensor> } {
  const { sizes } = context;
  const targets = input([sizes.rows * sizes.chosen], "int32");
  const inverseTemperature = input([]);
  const logits = logitsOf(context, inverseTemperature);
  return { logprobs: logSoftmaxAt(logits, targets), inputs: { targets, inverseTemperature } };
}

/** Log-probabilities [rows x chosen] of `targets` under softmax(logits / temperature). */
export function scoringGraph(config: GraphConfig, sizes: Sizes): Expressions {
  const context = contextOf(config, sizes);
  const { logprobs, inputs } = logprobsOf(context);
  return {
    inputs: { ...context.decoder.weights.inputs, ...context.inputs, ...inputs },
    outputs: { logprobs: reshape(logprobs, [sizes.rows * sizes.chosen]) },
  };
}

/** Probabilities [rows x chosen x vocabulary] of every token, softmax(logits / temperature). */
export function distributionGraph(config: GraphConfig, sizes: Sizes): Expressions {
  const context = contextOf(config, sizes);
  const inverseTemperature = input([]);
  const probabilities = softmax(logitsOf(context, inverseTemperature));
  return {
    inputs: { ...context.decoder.weights.inputs, ...context.inputs, inverseTemperature },
    outputs: { probabilities: reshape(probabilities, [sizes.rows * sizes.chosen * config.vocabularySize]) },
  };
}

/**
 * Log-probabilities as in `scoringGraph`, and the gradient of both losses at once:
 * -sum w p - sum (min(rho, highest) gains + max(rho, lowest) losses), rho = exp(p - old), where gains are the positive advantages of
 * the row's examples and losses the negative ones. A call for one loss feeds zeros for the other's weights.
 */
export function trainingGraph(config: GraphConfig, sizes: Sizes): Expressions {
  const context = contextOf(config, sizes);
  const { weights } = context.decoder;
  const scored = logprobsOf(context);
  const { logprobs } = scored;
  const perToken = () => input([sizes.rows * sizes.chosen, 1]);
  const given = { weights: perToken(), oldLogprobs: perToken(), gains: perToken(), losses: perToken() };
  const limits = { lowest: input([]), highest: input([]) };
  const ratio = exponential(subtract(logprobs, given.oldLogprobs));
  const surrogate = add(
    multiply(minimum(ratio, limits.highest), given.gains),
    multiply(maximum(ratio, limits.lowest), given.losses),
  );
  const loss = negate(sum(add(multiply(logprobs, given.weights), surrogate)));
  const rows = config.lora ? {} : { [EMBEDDED]: context.embedded };
  const wanted = { ...weights.trained, ...context.prefixInputs, ...rows };
  const gradients = pullback([[loss, fill(loss.shape, 1)]], Object.values(wanted));
  return {
    inputs: { ...weights.inputs, ...context.inputs, ...scored.inputs, ...given, ...limits },
    outputs: {
      logprobs: reshape(logprobs, [sizes.rows * sizes.chosen]),
      ...namedGradients(Object.keys(wanted), gradients),
    },
  };
}
