/** Weights on a server that answer prompts. */
import { randomUUID } from "node:crypto";
import { jsonBody } from "./http.ts";
import type { Operations, Submission } from "./operations.ts";
import { decodeSample } from "./protobuf.ts";
import * as wire from "./wire.ts";

export interface SamplingRequest {
  readonly tokens: readonly number[];
  readonly maxTokens: number;
  readonly stop: readonly number[];
  readonly seed?: number;
  readonly promptLogprobs?: boolean;
}

/** Bytes of a prompt above which a server under pressure is given more time. */
const LONG_PROMPT = 128 * 1024;

/** Weights that answer prompts. */
export class RemoteSampler {
  readonly id: string;
  readonly operations: Operations;
  #sequence = 0;

  constructor(operations: Operations, id: string) {
    this.operations = operations;
    this.id = id;
  }

  async sample(
    { tokens, maxTokens, stop, seed, promptLogprobs = false }: SamplingRequest,
    signal?: AbortSignal,
  ): Promise<wire.SampleResult> {
    signal?.throwIfAborted();
    const body = jsonBody({
      sampling_session_id: this.id,
      seq_id: this.#sequence++,
      num_samples: 1,
      prompt: wire.modelInput(tokens),
      sampling_params: {
        max_tokens: maxTokens,
        temperature: 1,
        top_p: 1,
        top_k: -1,
        stop,
        ...(seed === undefined ? {} : { seed }),
      },
      ...(promptLogprobs ? { prompt_logprobs: true } : {}),
      type: "sample",
    });
    const submission: Submission = {
      operation: "asample",
      body,
      key: randomUUID(),
      options: {
        headers: { "X-Tinker-Sampling-Backpressure": "1" },
        pressureSeconds: tokens.length * 4 > LONG_PROMPT ? 5 : 1,
      },
      signal,
    };
    const answer = await this.operations.result(submission, await this.operations.submit(submission));
    const value = answer.isProtobuf ? decodeSample(answer.bytes) : answer.json();
    return wire.read(wire.sampled, value, "asample");
  }
}
