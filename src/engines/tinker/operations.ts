/** Operations of the service: each is sent, acknowledged with a promise, and its result fetched. */
import { randomUUID } from "node:crypto";
import { EngineError } from "../engine.ts";
import { LostPromiseError, retrieve } from "./futures.ts";
import { type Answer, type Body, jsonBody } from "./http.ts";
import type { Operation, Profile } from "./profiles.ts";
import type { PostOptions, Transport } from "./transport.ts";
import * as wire from "./wire.ts";

export interface Submission {
  readonly operation: Operation;
  readonly body: Body;
  /** Tells a server that the request is the one it has seen, also when it has forgotten its promise. */
  readonly key: string;
  readonly options?: Partial<PostOptions>;
  /** Ends this operation besides what ends all. */
  readonly signal?: AbortSignal | undefined;
}

/** Times that an operation is sent again because the server lost it. */
const RESUBMISSIONS = 3;

export class Operations {
  readonly profile: Profile;
  readonly transport: Transport;
  readonly #deadlineSeconds: number;

  /** `deadlineSeconds` is how long one operation may take from its request to its result. */
  constructor(profile: Profile, transport: Transport, deadlineSeconds: number) {
    this.profile = profile;
    this.transport = transport;
    this.#deadlineSeconds = deadlineSeconds;
  }

  /** Sends a request and waits for its result. */
  async run(operation: Operation, value: object): Promise<unknown> {
    const submission = { operation, body: jsonBody(value), key: randomUUID() };
    return (await this.result(submission, await this.submit(submission))).json();
  }

  /** Sends a request; the number of the promise that the server gives for it. */
  async submit({ operation, body, key, options, signal }: Submission): Promise<string> {
    const resends = this.profile.resends.includes(operation);
    const answer = await this.transport.post(operation, body, { resends, key, ...options, signal });
    return wire.read(wire.promise, answer, operation).request_id;
  }

  /** The result of a promise; the request is sent again when the server has forgotten it and sending again is harmless. */
  async result(submission: Submission, requestId: string): Promise<Answer> {
    const { operation, signal } = submission;
    const { onEvent } = this.transport.options;
    for (let again = 0, id = requestId; ; again++) {
      try {
        return await retrieve(this.transport, id, { operation, signal, seconds: this.#deadlineSeconds });
      } catch (error) {
        if (!(error instanceof LostPromiseError)) throw error;
        if (!this.profile.resends.includes(operation) || again === RESUBMISSIONS)
          throw new EngineError(
            `${error.message}; the server lost the operation and it is not known whether it took effect. Continue from the last checkpoint`,
            { cause: error },
          );
        onEvent({ kind: "resubmitted", operation, reason: error.message });
        id = await this.submit(submission);
      }
    }
  }
}
