/** A session with a server: its heartbeat, its models and its samplers. */
import { randomUUID } from "node:crypto";
import { EngineError } from "../engine.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Credentials } from "./credentials.ts";
import type { TinkerEvent } from "./events.ts";
import { LostPromiseError, PROTOBUF, retrieve } from "./futures.ts";
import type { Operation, Profile } from "./profiles.ts";
import { decodeSample, decodeTraining, encodeTraining } from "./protobuf.ts";
import { type Answer, type Body, type PostOptions, Transport, UnsupportedBodyError, jsonBody, parseJson } from "./transport.ts";
import * as wire from "./wire.ts";

export interface ClientOptions {
  readonly profile: Profile;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TinkerEvent) => void;
  /** How long one operation may take from its request to its result, in seconds. */
  readonly deadlineSeconds?: number;
  /** How long a request is offered to a server that does not take it, in seconds. */
  readonly submitSeconds?: number;
  /** How long one HTTP answer may take, in seconds; servers hold an answer up to a minute. */
  readonly answerSeconds?: number;
  readonly heartbeatSeconds?: number;
  readonly clock?: Clock;
}

/** The version that is named to the server: our own, not that of an SDK. */
const VERSION = "sepo-0.1.0";

interface Submission {
  readonly operation: Operation;
  readonly body: Body;
  /** Tells a server that the request is the one it has seen, also when it has forgotten its promise. */
  readonly key: string;
  readonly options?: Partial<PostOptions>;
  /** Ends this operation besides what ends all. */
  readonly signal?: AbortSignal;
}

export class TinkerClient {
  readonly profile: Profile;
  readonly transport: Transport;
  readonly #controller = new AbortController();
  readonly #deadlineSeconds: number;
  readonly #heartbeatSeconds: number;
  #session: Promise<string> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #models = 0;
  #samplers = 0;

  constructor({
    profile,
    baseUrl,
    apiKey,
    signal,
    onEvent = () => {},
    deadlineSeconds = 1800,
    submitSeconds = 300,
    answerSeconds = 90,
    heartbeatSeconds = profile.heartbeatSeconds,
    clock = systemClock,
  }: ClientOptions) {
    this.profile = profile;
    this.#deadlineSeconds = deadlineSeconds;
    this.#heartbeatSeconds = heartbeatSeconds;
    this.transport = new Transport({
      baseUrl,
      credentials: new Credentials(apiKey, clock),
      clock,
      onEvent,
      submitSeconds,
      answerSeconds,
      signal: signal === undefined ? this.#controller.signal : AbortSignal.any([this.#controller.signal, signal]),
      retriesConflict: profile.retriesConflict,
      headers: profile.headers(randomUUID(), apiKey),
    });
  }

  /** Learns how the service wants to be asked. Where it does not say, the next request tells what is wrong. */
  async configure(): Promise<void> {
    if (!this.profile.configures) return;
    const { transport } = this;
    const { credentials, clock, signal } = transport.options;
    const ask = async () => {
      const given = await transport.attempt("POST", "client/config", jsonBody({ sdk_version: VERSION }));
      return given.status === 408 || given.status === 429 || given.status >= 500 ? undefined : parseJson(given);
    };
    let answer = await ask().catch(() => undefined);
    for (let again = 1; again < 3 && answer === undefined; again++) {
      await clock.sleep(500, signal);
      answer = await ask().catch(() => undefined);
    }
    const flags = wire.configuration.safeParse(answer);
    if (flags.data?.pjwt_auth_enabled !== true) return;
    const headers = { "X-API-Key": credentials.apiKey };
    credentials.useTokens(async () => {
      const given = await transport.post("auth/token", jsonBody({}), { resends: true, headers });
      return wire.read(wire.token, given, "auth/token").jwt;
    });
  }

  /** The session, opened by whoever needs it first. */
  session(): Promise<string> {
    this.#session ??= this.#open();
    return this.#session;
  }

  async #open(): Promise<string> {
    const { transport } = this;
    const body = { tags: [], user_metadata: {}, sdk_version: VERSION, type: "create_session" };
    const answer = wire.read(
      wire.session,
      await transport.post("create_session", jsonBody(body), { resends: true }),
      "create_session",
    );
    for (const text of [answer.info_message, answer.warning_message])
      if (text != null) transport.options.onEvent({ kind: "message", text });
    if (answer.error_message != null) throw new EngineError(`tinker: create_session: ${answer.error_message}`);
    this.#heartbeat = setInterval(() => void this.#beat(answer.session_id), this.#heartbeatSeconds * 1000).unref();
    return answer.session_id;
  }

  /** A sign of life. A lost one does not matter: the next follows, and a session that ended shows in the operations themselves. */
  async #beat(sessionId: string): Promise<void> {
    const body = jsonBody({ session_id: sessionId, type: "session_heartbeat" });
    await this.transport.attempt("POST", "session_heartbeat", body).catch(() => undefined);
  }

  /** Names of the models the server offers, with their context lengths where it says so. */
  async models(): Promise<ReadonlyMap<string, number | undefined>> {
    const answer = await this.transport.attempt("GET", "get_server_capabilities").catch((cause: unknown) => {
      this.transport.options.signal.throwIfAborted();
      if (cause instanceof EngineError) throw cause;
      const { baseUrl } = this.transport.options;
      throw new EngineError(`tinker: ${baseUrl} does not answer (${cause instanceof Error ? cause.message : String(cause)})`, {
        cause,
      });
    });
    if (answer.status >= 300)
      throw new EngineError(
        `tinker: ${this.transport.url("get_server_capabilities")} answers ${answer.status}; is it a Tinker server?`,
      );
    const { supported_models: models } = wire.read(wire.capabilities, parseJson(answer), "get_server_capabilities");
    return new Map(
      models.flatMap(({ model_name: name, max_context_length: n }) => (name == null ? [] : [[name, n ?? undefined]])),
    );
  }

  /** A new adapter of `rank` on a base model. */
  async createModel(baseModel: string, rank: number, seed: number): Promise<TrainingModel> {
    const body = {
      session_id: await this.session(),
      model_seq_id: this.#models++,
      base_model: baseModel,
      lora_config: { rank, seed, train_mlp: true, train_attn: true, train_unembed: false, ...this.profile.adapterFields },
      type: "create_model",
    };
    const { model_id: id } = wire.read(wire.created, await this.run("create_model", body), "create_model");
    return new TrainingModel(this, id);
  }

  /** The number of the next sampling session. */
  nextSampler(): number {
    return this.#samplers++;
  }

  /** A sampler of saved weights, or of the base model. */
  async createSampler(source: { readonly model_path: string } | { readonly base_model: string }): Promise<RemoteSampler> {
    const body = {
      session_id: await this.session(),
      sampling_session_seq_id: this.nextSampler(),
      ...source,
      type: "create_sampling_session",
    };
    const answer = await this.transport.post("create_sampling_session", jsonBody(body), { resends: true });
    return new RemoteSampler(this, wire.read(wire.samplingSession, answer, "create_sampling_session").sampling_session_id);
  }

  /** Sends a request and waits for its result. */
  async run(operation: Operation, value: object): Promise<unknown> {
    const submission = { operation, body: jsonBody(value), key: randomUUID() };
    return parseJson(await this.result(submission, await this.submit(submission)));
  }

  /** Sends a request; the number of the promise that the server gives for it. */
  async submit({ operation, body, key, options, signal }: Submission): Promise<string> {
    const resends = this.profile.resends.includes(operation);
    const answer = await this.transport.post(operation, body, { resends, key, ...options, ...(signal && { signal }) });
    return wire.read(wire.promise, answer, operation).request_id;
  }

  /** The result of a promise; the request is sent again when the server has forgotten it and sending again is harmless. */
  async result(submission: Submission, requestId: string): Promise<Answer> {
    const { operation } = submission;
    const { onEvent, signal: all } = this.transport.options;
    const signal = submission.signal === undefined ? all : AbortSignal.any([all, submission.signal]);
    for (let again = 0, id = requestId; ; again++) {
      try {
        return await retrieve(this.transport, id, { operation, signal, seconds: this.#deadlineSeconds });
      } catch (error) {
        if (!(error instanceof LostPromiseError)) throw error;
        if (!this.profile.resends.includes(operation) || again === 3)
          throw new EngineError(
            `${error.message}; the server lost the operation and it is not known whether it took effect. Continue from the last checkpoint`,
            { cause: error },
          );
        onEvent({ kind: "resubmitted", operation, reason: error.message });
        id = await this.submit(submission);
      }
    }
  }

  /** Ends the session and everything under way. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#controller.abort(new EngineError("tinker: the engine was released"));
  }
}

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
  readonly client: TinkerClient;
  #sequence = 0;
  #sending: Promise<unknown> = Promise.resolve();
  #protobuf: boolean;
  /** Why the model's state is unknown, once an operation was lost. */
  #broken: string | undefined;

  constructor(client: TinkerClient, id: string) {
    this.client = client;
    this.id = id;
    this.#protobuf = client.profile.body === "protobuf";
  }

  /** Adds the gradient of a loss, or only computes log-probabilities. */
  train(request: Omit<wire.TrainingRequest, "modelId" | "seqId">): Promise<Accepted<wire.TrainingResult>> {
    const operation = request.forwardOnly ? "forward" : "forward_backward";
    return this.#inOrder(operation, async (seqId) => {
      const full = { ...request, modelId: this.id, seqId };
      let submission = this.#submission(operation, full);
      let promise: string;
      try {
        promise = await this.client.submit(submission);
      } catch (error) {
        if (!(error instanceof UnsupportedBodyError)) throw error;
        this.#protobuf = !this.#protobuf;
        submission = this.#submission(operation, full);
        promise = await this.client.submit(submission);
      }
      const sent = submission;
      return async () => {
        const answer = await this.client.result(sent, promise);
        const value = answer.type.includes(PROTOBUF) ? decodeTraining(answer.bytes) : parseJson(answer);
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
      const promise = await this.client.submit(submission);
      return async () => schema.read(parseJson(await this.client.result(submission, promise)));
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
  readonly client: TinkerClient;
  #sequence = 0;

  constructor(client: TinkerClient, id: string) {
    this.client = client;
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
      ...(signal && { signal }),
    };
    const answer = await this.client.result(submission, await this.client.submit(submission));
    const value = answer.type.includes(PROTOBUF) ? decodeSample(answer.bytes) : parseJson(answer);
    return wire.read(wire.sampled, value, "asample");
  }
}
