/** Results of operations: the server gives a promise's number, and is asked for its result until it has one. */
import { z } from "zod";
import { EngineError } from "../engine.ts";
import { type Answer, ConnectionError, FOREIGN_ANSWERS, ForeignAnswerError, PROTOBUF, jsonBody } from "./http.ts";
import { isMessage } from "./protobuf.ts";
import { isTransient, waitBefore } from "./retry.ts";
import type { Transport } from "./transport.ts";

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

const tryAgain = z.looseObject({
  type: z.literal("try_again"),
  queue_state: z.string().nullish(),
  queue_state_reason: z.string().nullish(),
});
const failed = z.union([z.looseObject({ type: z.literal("RequestFailedResponse") }), z.looseObject({ error: z.string() })]);

/** A promise the server no longer knows although the operation was asked for. */
export class LostPromiseError extends EngineError {}

export interface RetrieveOptions {
  readonly operation: string;
  /** How long the operation may take in all, in seconds. */
  readonly seconds: number;
  /** Also ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The result of a promise, asked for until the time is over; a server that cannot be asked is given as long as one that takes no
 * request. An error of the operation itself is an `EngineError` with the server's words, a forgotten promise a `LostPromiseError`.
 */
export async function retrieve(
  transport: Transport,
  requestId: string,
  { operation, seconds, signal }: RetrieveOptions,
): Promise<Answer> {
  const { clock, onEvent, baseUrl, submitSeconds } = transport.options;
  const began = clock.now();
  const waited = () => (clock.now() - began) / 1000;
  let state = "no answer yet";
  let [failures, foreign] = [0, 0];
  /** When the server could last be asked. */
  let reached = began;
  for (let iteration = 0; ; iteration++) {
    const asked = waited();
    if (asked >= seconds && iteration > 0)
      throw new EngineError(
        `tinker: ${operation} was not finished by ${baseUrl} within ${seconds} s (${state}); a longer engine.deadlineSeconds may help`,
      );
    let delay: number | undefined;
    try {
      const answer = await transport.attempt(
        "POST",
        "retrieve_future",
        jsonBody({ request_id: requestId, allow_metadata_only: false }),
        {
          headers: {
            Accept: `${PROTOBUF}, application/json`,
            "X-Tinker-Request-Iteration": String(iteration),
            "X-Tinker-Request-Type": REQUEST_TYPES[operation] ?? operation,
          },
          signal,
        },
      );
      const { status } = answer;
      if (status === 404 || status === 410) throw new LostPromiseError(`tinker: ${operation}: ${answer.reason}`);
      const ok = status < 300;
      if (ok && answer.isProtobuf && !isMessage(answer.bytes))
        throw new ForeignAnswerError(`expected protobuf, got ${answer.bytes.length} bytes that are none, or not all`, false);
      if (ok && (answer.isProtobuf || !isWaiting(answer, operation))) return answer;
      if (ok || status === 408) {
        [failures, foreign, reached] = [0, 0, clock.now()];
        state = status === 408 ? "the server is still at work" : queueOf(answer, operation, asked, onEvent);
        // Answered at once and without a result: a server that does not hold its answer must not be flooded.
        const pause = Math.min(2, Math.max(0.1, asked / 20));
        if (waited() - asked < pause) await transport.sleep(Math.min(pause, Math.max(0.1, seconds - waited())), signal);
        continue;
      }
      state = answer.reason;
      if (status !== 402 && !isTransient(status)) throw new EngineError(`tinker: ${operation} failed: ${state}`);
      // Refused for now, or for a bill; the latter may take as long as the operation.
      if (status === 402 || status === 429) reached = clock.now();
      const least = status === 402 ? 5 : Math.min(0.25 * 2 ** ++failures, status === 429 ? 30 : 10);
      delay = waitBefore(least, answer, seconds - waited());
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      foreign = error instanceof ForeignAnswerError ? foreign + 1 : 0;
      state = error.message;
      if (foreign === FOREIGN_ANSWERS) throw new EngineError(`tinker: ${operation}: ${baseUrl}: ${state}`);
      delay = waitBefore(Math.min(0.25 * 2 ** ++failures, 30), undefined, seconds - waited());
    }
    if (clock.now() - reached > submitSeconds * 1000)
      throw new EngineError(
        `tinker: ${operation}: ${baseUrl} could not be asked for the result for ${submitSeconds} s; the last answer was: ${state}`,
      );
    delay ??= Math.max(0.1, seconds - waited());
    onEvent({ kind: "retry", operation: `${operation} (result)`, attempt: iteration + 1, reason: state, delay });
    await transport.sleep(delay, signal);
  }
}

/** Whether the operation goes on; an `EngineError` for one that failed. */
function isWaiting(answer: Answer, operation: string): boolean {
  const value = answer.json();
  if (failed.safeParse(value).success) throw new EngineError(`tinker: ${operation} failed: ${answer.words()}`);
  return tryAgain.safeParse(value).success;
}

/** What a waiting operation waits for, which is also shown. */
function queueOf(answer: Answer, operation: string, seconds: number, onEvent: Transport["options"]["onEvent"]): string {
  const { queue_state, queue_state_reason: reason } = tryAgain.parse(answer.json());
  const state = queue_state ?? "active";
  if (state !== "active") onEvent({ kind: "queued", operation, state, seconds, ...(reason == null ? {} : { reason }) });
  return `queue ${state}${reason == null ? "" : `: ${reason}`}`;
}
