/** Results of operations: the server gives a promise's number, and is asked for its result until it has one. */
import { z } from "zod";
import { EngineError } from "../engine.ts";
import { type Answer, type Transport, isConnectionError, jsonBody, parseJson, wordsOf } from "./transport.ts";

/** Names of operations in the header that tells a server what is asked for. */
const REQUEST_TYPES: Readonly<Record<string, string>> = {
  create_model: "CreateModel",
  unload_model: "UnloadModel",
  forward: "Forward",
  forward_backward: "ForwardBackward",
  optim_step: "OptimStep",
  save_weights: "SaveWeights",
  save_weights_for_sampler: "SaveWeightsForSampler",
  load_weights: "LoadWeights",
  asample: "Sample",
};

export const PROTOBUF = "application/x-protobuf";

const tryAgain = z.looseObject({
  type: z.literal("try_again"),
  queue_state: z.string().optional(),
  queue_state_reason: z.string().nullish(),
});
const failed = z.union([
  z.looseObject({
    type: z.literal("RequestFailedResponse"),
    error_message: z.string().optional(),
    error: z.string().optional(),
  }),
  z.looseObject({ error: z.string(), category: z.string() }),
]);

/** A promise the server no longer knows although the operation was asked for. */
export class LostPromiseError extends EngineError {}

export interface RetrieveOptions {
  readonly operation: string;
  /** How long the operation may take in all, in seconds. */
  readonly seconds: number;
  /** Also ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * The result of a promise. Lost connections and answers without a result are asked for again until the time is over; an error of
 * the operation itself is an `EngineError` with the server's words, a forgotten promise a `LostPromiseError`.
 */
export async function retrieve(
  transport: Transport,
  requestId: string,
  { operation, seconds, signal }: RetrieveOptions,
): Promise<Answer> {
  const { clock, onEvent, baseUrl } = transport.options;
  const began = clock.now();
  let state = "no answer yet";
  let failures = 0;
  for (let iteration = 0; ; iteration++) {
    signal.throwIfAborted();
    const waited = (clock.now() - began) / 1000;
    if (waited > seconds)
      throw new EngineError(
        `tinker: ${operation} was not finished by ${baseUrl} within ${seconds} s (${state}); a longer engine.deadlineSeconds may help`,
      );
    const pause = (delay: number, reason: string) => {
      state = reason;
      onEvent({ kind: "retry", operation: `${operation} (result)`, attempt: iteration + 1, reason, delay });
      return clock.sleep(delay * 1000, signal);
    };
    try {
      const answer = await transport.attempt(
        "POST",
        "retrieve_future",
        jsonBody({ request_id: requestId, allow_metadata_only: false }),
        {
          Accept: `${PROTOBUF}, application/json`,
          "X-Tinker-Request-Iteration": String(iteration),
          "X-Tinker-Request-Type": REQUEST_TYPES[operation] ?? operation,
        },
        signal,
      );
      const { status } = answer;
      if (status === 200 && answer.type.includes(PROTOBUF)) return answer;
      if (status === 408) {
        state = "the server is still at work";
        continue;
      }
      if (status === 404 || status === 410) throw new LostPromiseError(`tinker: ${operation}: ${status} ${wordsOf(answer)}`);
      if (status === 429 || status === 402 || status >= 500) {
        failures++;
        await pause(
          status === 402 ? 5 : status === 429 ? Math.min(2 ** failures, 30) : Math.min(0.25 * 2 ** failures, 10),
          `${status} ${wordsOf(answer)}`,
        );
        continue;
      }
      if (status >= 300) throw new EngineError(`tinker: ${operation} failed: ${status} ${wordsOf(answer)}`);
      const value = parseJson(answer);
      const waiting = tryAgain.safeParse(value);
      if (waiting.success) {
        const { queue_state: queue = "active", queue_state_reason: reason } = waiting.data;
        state = `queue ${queue}${reason == null ? "" : `: ${reason}`}`;
        if (queue !== "active")
          onEvent({ kind: "queued", operation, state: queue, seconds: waited, ...(reason == null ? {} : { reason }) });
        // Answered at once and without a result: a server that does not hold its answer must not be flooded.
        if ((clock.now() - began) / 1000 - waited < 0.1) await clock.sleep(100, signal);
        continue;
      }
      const failure = failed.safeParse(value);
      if (failure.success) throw new EngineError(`tinker: ${operation} failed: ${wordsOf(answer)}`);
      return answer;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      failures++;
      await pause(Math.min(0.25 * 2 ** failures, 30), error instanceof Error ? error.message : String(error));
    }
  }
}
