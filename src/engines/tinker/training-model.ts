/** One adapter in training on a server. */
import { randomUUID } from "node:crypto";
import { EngineError } from "../engine.ts";
import { PROTOBUF, jsonBody } from "./http.ts";
import type { Operations, Submission } from "./operations.ts";
import type { Operation } from "./profiles.ts";
import { decodeTraining, encodeTraining } from "./protobuf.ts";
import { UnsupportedBodyError } from "./transport.ts";
import * as wire from "./wire.ts";

/** What was asked for and is acknowledged, with the result that will come. */
export interface Accepted<T> {
  readonly result: Promise<T>;
}

/**
 * One adapter in training. Its operations carry numbers 1, 2, ... and are sent one after the other, each when the one before is
 * acknowledged, in the order of the calls; results are waited for elsewhere.
 */
export class TrainingModel {
  readonly id: string;
  readonly operations: Operations;
  #sequence = 0;
  #sending: Promise<unknown> = Promise.resolve();
  #protobuf: boolean;
  /** Why the model's state is unknown, once an operation was lost. */
  #broken: string | undefined;

  constructor(operations: Operations, id: string) {
    this.operations = operations;
    this.id = id;
    this.#protobuf = operations.profile.body === "protobuf";
  }

  /** Adds the gradient of a loss, or only computes log-probabilities. */
  train(request: Omit<wire.TrainingRequest, "modelId" | "seqId">): Promise<Accepted<wire.TrainingResult>> {
    const operation = request.forwardOnly ? "forward" : "forward_backward";
    return this.#inOrder(operation, async (seqId) => {
      const full = { ...request, modelId: this.id, seqId };
      let submission = this.#submission(operation, full);
      let promise: string;
      try {
        promise = await this.operations.submit(submission);
      } catch (error) {
        if (!(error instanceof UnsupportedBodyError)) throw error;
        this.#protobuf = !this.#protobuf;
        submission = this.#submission(operation, full);
        promise = await this.operations.submit(submission);
      }
      const sent = submission;
      return async () => {
        const answer = await this.operations.result(sent, promise);
        const value = answer.isProtobuf ? decodeTraining(answer.bytes) : answer.json();
        return wire.read(wire.trained, value, operation);
      };
    });
  }

  #submission(operation: "forward" | "forward_backward", request: wire.TrainingRequest): Submission {
    const key = randomUUID();
    if (!this.#protobuf) return { operation, key, body: jsonBody(wire.trainingJson(request)) };
    // In the binary form a forward pass is a field of the same operation.
    return { operation: "forward_backward", key, body: { type: PROTOBUF, bytes: encodeTraining(request) } };
  }

  /** Any other operation of the model. */
  operate<T>(operation: Operation, fields: object, schema: { read(value: unknown): T }): Promise<Accepted<T>> {
    return this.#inOrder(operation, async (seqId) => {
      const body = jsonBody({ model_id: this.id, seq_id: seqId, ...fields, type: operation });
      const submission = { operation, body, key: randomUUID() };
      const promise = await this.operations.submit(submission);
      return async () => schema.read((await this.operations.result(submission, promise)).json());
    });
  }

  /** Sends in the order of calls; once a request was lost nothing else is sent. */
  async #inOrder<T>(operation: string, send: (seqId: number) => Promise<() => Promise<T>>): Promise<Accepted<T>> {
    const before = this.#sending;
    let done: () => void = () => {};
    this.#sending = new Promise<void>((resolve) => (done = resolve));
    try {
      await before;
      if (this.#broken !== undefined)
        throw new EngineError(`tinker: ${operation}: the model's state is unknown since ${this.#broken}`);
      const receive = await send(++this.#sequence);
      const result = receive();
      // A failure is reported to whoever waits for the result; until somebody does it must not end the process.
      result.catch((error: unknown) => (this.#broken ??= error instanceof Error ? error.message : String(error)));
      return { result };
    } catch (error) {
      this.#broken ??= error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      done();
    }
  }
}
