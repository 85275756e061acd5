/** A session with a server: its heartbeat, its models and its samplers. */
import { randomUUID } from "node:crypto";
import { EngineError } from "../engine.ts";
import { checkedAddress, checkedKey } from "./address.ts";
import { type Clock, milliseconds, systemClock } from "./clock.ts";
import { Credentials } from "./credentials.ts";
import type { TinkerEvent } from "./events.ts";
import { type Answer, ConnectionError, ForeignAnswerError, jsonBody } from "./http.ts";
import { Operations } from "./operations.ts";
import type { Profile } from "./profiles.ts";
import { RemoteSampler } from "./remote-sampler.ts";
import { backoff, isTransient } from "./retry.ts";
import { TrainingModel } from "./training-model.ts";
import { Transport } from "./transport.ts";
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

const NO_PROXY =
  "a proxy in HTTPS_PROXY or HTTP_PROXY is used only where Node.js is told so (NODE_USE_ENV_PROXY=1, Node.js 24)";

export class TinkerClient {
  readonly profile: Profile;
  readonly transport: Transport;
  readonly operations: Operations;
  readonly #controller = new AbortController();
  readonly #heartbeatSeconds: number;
  #session: Promise<string> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #beating = false;
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
    this.#heartbeatSeconds = heartbeatSeconds;
    const key = checkedKey(apiKey);
    this.transport = new Transport({
      baseUrl: checkedAddress(baseUrl),
      credentials: new Credentials(key, clock),
      clock,
      onEvent,
      submitSeconds,
      answerSeconds,
      signal: signal === undefined ? this.#controller.signal : AbortSignal.any([this.#controller.signal, signal]),
      retriesConflict: profile.retriesConflict,
      headers: profile.headers(randomUUID(), key),
    });
    this.operations = new Operations(profile, this.transport, deadlineSeconds);
  }

  /** Learns how the service wants to be asked. Where it does not say, the next request tells what is wrong. */
  async configure(): Promise<void> {
    if (!this.profile.configures) return;
    const { transport } = this;
    const { credentials } = transport.options;
    const answer = await this.#ask("POST", "client/config", { sdk_version: VERSION }).catch((error: unknown) => {
      if (!(error instanceof ConnectionError)) throw error;
      return undefined;
    });
    const told = answer !== undefined && answer.status < 300;
    const flags = told ? wire.configuration.safeParse(answer.json()).data : undefined;
    if (flags?.pjwt_auth_enabled !== true) return;
    const headers = { "X-API-Key": credentials.apiKey };
    credentials.useTokens(async () => {
      const given = await transport.post("auth/token", jsonBody({}), { resends: true, headers });
      return wire.read(wire.token, given, "auth/token").jwt;
    });
  }

  /** An answer at the start of a session, JSON if no error: a server that is there is asked up to three times. */
  async #ask(method: "GET" | "POST", operation: string, value?: object): Promise<Answer> {
    const body = value === undefined ? undefined : jsonBody(value);
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.transport.attempt(method, operation, body);
        if (answer.status < 300) answer.json();
        if (!isTransient(answer.status) || attempt === 3) return answer;
      } catch (error) {
        if (!(error instanceof ConnectionError) || error.unseen || attempt === 3) throw error;
      }
      await this.transport.sleep(backoff(attempt));
    }
  }

  /** The session, opened by whoever needs it first. */
  session(): Promise<string> {
    this.#session ??= this.#open();
    return this.#session;
  }

  async #open(): Promise<string> {
    const { transport } = this;
    const redact = (text: string) => transport.options.credentials.redact(text);
    const body = { tags: [], user_metadata: {}, sdk_version: VERSION, type: "create_session" };
    const answer = wire.read(
      wire.session,
      await transport.post("create_session", jsonBody(body), { resends: true }),
      "create_session",
    );
    for (const text of [answer.info_message, answer.warning_message])
      if (text != null) transport.options.onEvent({ kind: "message", text: redact(text) });
    if (answer.error_message != null) throw new EngineError(`tinker: create_session: ${redact(answer.error_message)}`);
    this.#heartbeat = setInterval(() => void this.#beat(answer.session_id), milliseconds(this.#heartbeatSeconds)).unref();
    return answer.session_id;
  }

  /**
   * A sign of life, one at a time. A lost one does not matter: the next follows, and a session that ended shows in the operations
   * themselves.
   */
  async #beat(sessionId: string): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    const body = jsonBody({ session_id: sessionId, type: "session_heartbeat" });
    await this.transport.attempt("POST", "session_heartbeat", body).catch(() => undefined);
    this.#beating = false;
  }

  /** Names of the models the server offers, with their context lengths where it says so. */
  async models(): Promise<ReadonlyMap<string, number | undefined>> {
    const operation = "get_server_capabilities";
    const { baseUrl } = this.transport.options;
    const answer = await this.#ask("GET", operation).catch((error: unknown) => {
      if (!(error instanceof ConnectionError)) throw error;
      const hint = error instanceof ForeignAnswerError ? "is it a Tinker server?" : NO_PROXY;
      throw new EngineError(`tinker: ${baseUrl} does not answer (${error.message}); ${hint}`, { cause: error });
    });
    if (answer.status >= 300)
      throw new EngineError(`tinker: ${this.transport.url(operation)} answers ${answer.reason}; is it a Tinker server?`);
    const { supported_models: models } = wire.read(wire.capabilities, answer.json(), operation);
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
    const { model_id: id } = wire.read(wire.created, await this.operations.run("create_model", body), "create_model");
    return new TrainingModel(this.operations, id);
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
    return new RemoteSampler(
      this.operations,
      wire.read(wire.samplingSession, answer, "create_sampling_session").sampling_session_id,
    );
  }

  /** Ends the session and everything under way. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#controller.abort(new EngineError("tinker: the engine was released"));
  }
}
