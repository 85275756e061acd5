/**
 * Requests to the service: what is tried again, how long, and what becomes an error. A request goes out at most once unless the server
 * refused it unseen or its repetition is harmless; which one that is, the caller says.
 */
import { randomUUID } from "node:crypto";
import { underSignals } from "../../concurrency.ts";
import { EngineError } from "../engine.ts";
import type { Clock } from "./clock.ts";
import type { Credentials } from "./credentials.ts";
import type { TinkerEvent } from "./events.ts";
import { type Answer, type Body, ConnectionError, FOREIGN_ANSWERS, ForeignAnswerError, request } from "./http.ts";
import { backoff, isTransient, isUnseen, waitBefore } from "./retry.ts";

export interface TransportOptions {
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Ends everything that is under way. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: TinkerEvent) => void;
  /** How long one request is tried, in seconds. */
  readonly submitSeconds: number;
  /** How long an answer may take to begin, and between two of its parts, in seconds. */
  readonly answerSeconds: number;
  readonly retriesConflict: boolean;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface AttemptOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends this request besides what ends all. */
  readonly signal?: AbortSignal | undefined;
}

export interface PostOptions extends AttemptOptions {
  /** Whether the request may be sent again when it is unknown whether it arrived. */
  readonly resends: boolean;
  /** Of the request, by which a server knows it again. */
  readonly key?: string;
  /** Seconds before a request that was refused with 429 goes out again; by default they double from 0.5 to 10. */
  readonly pressureSeconds?: number;
}

/** A server that wants the other form of a body. */
export class UnsupportedBodyError extends EngineError {}

export class Transport {
  readonly options: TransportOptions;

  constructor(options: TransportOptions) {
    this.options = options;
  }

  /** One attempt. Throws the abort reason, or a `ConnectionError`; every HTTP status is an answer. */
  async attempt(
    method: "GET" | "POST",
    operation: string,
    body?: Body,
    { headers = {}, signal }: AttemptOptions = {},
  ): Promise<Answer> {
    const { credentials, answerSeconds, signal: all } = this.options;
    const key = headers["X-API-Key"] ?? (await credentials.current());
    return request(operation, this.url(operation), {
      method,
      headers: { "X-API-Key": key, ...this.options.headers, ...headers },
      ...(body === undefined ? {} : { body }),
      signals: signal === undefined ? [all] : [all, signal],
      answerSeconds,
      redact: (text) => credentials.redact(text),
    });
  }

  /** The address of an operation; its path is appended to the base URL's own. */
  url(operation: string): string {
    return `${this.options.baseUrl.replace(/\/+$/, "")}/api/v1/${operation}`;
  }

  /** Waits on the clock of the client, for as long as both signals allow. */
  async sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    const { clock, signal: all } = this.options;
    await underSignals(signal === undefined ? [all] : [all, signal], (ends) => clock.sleep(seconds * 1000, ends));
  }

  /**
   * Posts until the server takes the request, and returns its JSON answer; a refusal is an `EngineError` with the server's words,
   * and so is an answer lost on the way where `resends` is false.
   */
  async post(
    operation: string,
    body: Body,
    { resends, headers = {}, key = randomUUID(), pressureSeconds, signal }: PostOptions,
  ): Promise<unknown> {
    const { clock, submitSeconds, onEvent, baseUrl } = this.options;
    const deadline = clock.now() + submitSeconds * 1000;
    let foreign = 0;
    for (let attempt = 1; ; attempt++) {
      let failure: Failure;
      try {
        const answer = await this.attempt("POST", operation, body, {
          headers: { "X-Idempotency-Key": key, ...headers },
          signal,
        });
        if (answer.status < 300) return answer.json();
        failure = this.#refusal(operation, answer);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        foreign = error instanceof ForeignAnswerError ? foreign + 1 : 0;
        if (foreign === FOREIGN_ANSWERS) throw new EngineError(`tinker: ${operation}: ${baseUrl}: ${error.message}`);
        failure = { reason: error.message, unseen: error.unseen };
      }
      const { reason, unseen, answer } = failure;
      if (!unseen && !resends)
        throw new EngineError(
          `tinker: ${operation}: ${reason}; this server would apply a repeated request twice, so it is not sent again. ` +
            "Continue from the last checkpoint",
        );
      const least = answer?.status === 429 && pressureSeconds !== undefined ? pressureSeconds : backoff(attempt);
      const delay = waitBefore(least, answer, (deadline - clock.now()) / 1000);
      if (delay === undefined)
        throw new EngineError(
          `tinker: ${operation}: ${baseUrl} took no request for ${submitSeconds} s; the last answer was: ${reason}`,
        );
      onEvent({ kind: "retry", operation, attempt, reason, delay });
      await this.sleep(delay, signal);
    }
  }

  /** What is wrong with an answer, where asking again may help; an `EngineError` elsewhere. */
  #refusal(operation: string, answer: Answer): Failure {
    const { status, reason } = answer;
    if (status === 415) throw new UnsupportedBodyError(`tinker: ${operation}: ${reason}`);
    const again = answer.headers.get("x-should-retry");
    const conflict = status === 409 && this.options.retriesConflict;
    const retried = again === "true" ? status >= 400 : again !== "false" && (isTransient(status) || conflict);
    if (!retried) throw new EngineError(`tinker: ${operation}: ${reason}`);
    return { reason, unseen: isUnseen(status) || status === 409, answer };
  }
}

/** Why a request has to go out again. */
interface Failure {
  readonly reason: string;
  /** Whether the server has not begun with it. */
  readonly unseen: boolean;
  readonly answer?: Answer;
}
