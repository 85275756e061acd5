/**
 * Requests over HTTP: what is tried again, how long, and what becomes an error. A request goes out at most once unless the server
 * refused it unseen or its repetition is harmless; which one that is, the caller says.
 */
import { randomUUID } from "node:crypto";
import { EngineError } from "../engine.ts";
import type { Clock } from "./clock.ts";
import type { Credentials } from "./credentials.ts";
import type { TinkerEvent } from "./events.ts";

export interface TransportOptions {
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Ends everything that is under way. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: TinkerEvent) => void;
  /** How long one request is tried, in seconds. */
  readonly submitSeconds: number;
  /** How long one answer may take, in seconds. */
  readonly answerSeconds: number;
  readonly retriesConflict: boolean;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface Body {
  readonly type: string;
  readonly bytes: string | Uint8Array<ArrayBuffer>;
}

export interface PostOptions {
  /** Whether the request may be sent again when it is unknown whether it arrived. */
  readonly resends: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends this request besides what ends all. */
  readonly signal?: AbortSignal;
  /** Of the request, by which a server knows it again. */
  readonly key?: string;
  /** Seconds before a request that was refused with 429 goes out again; by default they double from 0.5 to 10. */
  readonly pressureSeconds?: number;
}

export const jsonBody = (value: unknown): Body => ({ type: "application/json", bytes: JSON.stringify(value) });

/** A connection that ended, with whether the server may have seen the request. */
class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly unseen: boolean;
  constructor(message: string, unseen: boolean) {
    super(message);
    this.unseen = unseen;
  }
}

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
    headers: Readonly<Record<string, string>> = {},
    signal = this.options.signal,
  ): Promise<Answer & { readonly headers: Headers }> {
    const { credentials, answerSeconds } = this.options;
    const key = headers["X-API-Key"] ?? (await credentials.current());
    const timeout = AbortSignal.timeout(answerSeconds * 1000);
    try {
      const response = await fetch(this.url(operation), {
        method,
        redirect: "manual",
        signal: AbortSignal.any([signal, timeout]),
        headers: {
          "X-API-Key": key,
          ...this.options.headers,
          ...headers,
          ...(body === undefined ? {} : { "Content-Type": body.type }),
        },
        ...(body === undefined ? {} : { body: body.bytes }),
      });
      const bytes = new Uint8Array(await response.arrayBuffer());
      return {
        status: response.status,
        type: response.headers.get("content-type") ?? "",
        bytes,
        headers: response.headers,
      };
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted) throw new ConnectionError(`no answer within ${answerSeconds} s`, false);
      throw new ConnectionError(
        reasonOf(error),
        codesOf(error).some((code) => UNSEEN.has(code)),
      );
    }
  }

  /** The address of an operation; its path is appended to the base URL's own. */
  url(operation: string): string {
    return `${this.options.baseUrl.replace(/\/+$/, "")}/api/v1/${operation}`;
  }

  /**
   * Posts until the server takes the request, and returns its JSON answer; a refusal is an `EngineError` with the server's words,
   * and so is an answer lost on the way where `resends` is false.
   */
  async post(
    operation: string,
    body: Body,
    { resends, headers = {}, key = randomUUID(), pressureSeconds, signal: own }: PostOptions,
  ): Promise<unknown> {
    const { clock, submitSeconds, onEvent, retriesConflict } = this.options;
    const signal = own === undefined ? this.options.signal : AbortSignal.any([this.options.signal, own]);
    const sent = { "X-Idempotency-Key": key, ...headers };
    const deadline = clock.now() + submitSeconds * 1000;
    for (let attempt = 1; ; attempt++) {
      let reason: string;
      let seconds = Math.min(10, 0.5 * 2 ** (attempt - 1));
      let safe: boolean;
      try {
        const answer = await this.attempt("POST", operation, body, sent, signal);
        if (answer.status < 300) return parseJson(answer);
        if (answer.status === 415) throw new UnsupportedBodyError(`tinker: ${operation}: 415 ${wordsOf(answer)}`);
        const pressed = answer.status === 429;
        const again = answer.headers.get("x-should-retry");
        const retried = pressed || answer.status === 408 || answer.status >= 500 || (answer.status === 409 && retriesConflict);
        reason = `${answer.status} ${wordsOf(answer)}`;
        if (again === "false" || (again !== "true" && !retried)) throw new EngineError(`tinker: ${operation}: ${reason}`);
        safe = pressed || answer.status === 409;
        if (pressed && pressureSeconds !== undefined) seconds = pressureSeconds;
        seconds = retryAfter(answer.headers) ?? seconds;
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        reason = error.message;
        safe = error.unseen;
      }
      if (!safe && !resends)
        throw new EngineError(
          `tinker: ${operation}: ${reason}; this server would apply a repeated request twice, so it is not sent again. ` +
            "Continue from the last checkpoint",
        );
      if (clock.now() + seconds * 1000 > deadline)
        throw new EngineError(
          `tinker: ${operation}: ${this.options.baseUrl} took no request for ${submitSeconds} s; the last answer was: ${reason}`,
        );
      onEvent({ kind: "retry", operation, attempt, reason, delay: seconds });
      await clock.sleep(seconds * 1000, signal);
    }
  }
}

/** A server that wants the other form of a body. */
export class UnsupportedBodyError extends EngineError {}

export const isConnectionError = (error: unknown): boolean => error instanceof ConnectionError;

/** Errors of a connection that was never made. */
const UNSEEN = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);

function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") codes.push(cause.code);
    if (cause instanceof AggregateError) codes.push(...cause.errors.flatMap(codesOf));
  }
  return codes;
}

function reasonOf(error: unknown): string {
  let text = String(error);
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) text = cause.message || text;
  const [code] = codesOf(error);
  return code === undefined || text.includes(code) ? text : `${code} ${text}`;
}

/** Seconds that a server asks to wait, at most 60. */
function retryAfter(headers: Headers): number | undefined {
  const milliseconds = Number(headers.get("retry-after-ms") ?? NaN);
  const seconds = Number.isFinite(milliseconds) ? milliseconds / 1000 : Number(headers.get("retry-after") ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(60, seconds) : undefined;
}

/** What a server says about an error: its `detail`, `error_message` or `error`, or the body. */
export function wordsOf({ bytes }: Pick<Answer, "bytes">): string {
  const text = new TextDecoder().decode(bytes).trim();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) {
      const fields = new Map<string, unknown>(Object.entries(value));
      const words = fields.get("detail") ?? fields.get("error_message") ?? fields.get("error");
      if (words !== undefined) return shortened(typeof words === "string" ? words : JSON.stringify(words));
    }
  } catch {
    // Not JSON: the text itself.
  }
  return shortened(text);
}

/** Servers send whole tracebacks, which say at their end what is wrong. */
const shortened = (text: string): string =>
  text.length <= LONGEST_WORDS ? text : `${text.slice(0, 100)} ... ${text.slice(100 - LONGEST_WORDS).trim()}`;
const LONGEST_WORDS = 600;

/** The JSON of an answer; one that was cut off on the way is a lost connection. */
export function parseJson({ bytes }: Answer): unknown {
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    throw new ConnectionError(`expected JSON, got "${text.slice(0, 80)}"`, false);
  }
}
