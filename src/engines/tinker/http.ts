/** One request over HTTP and its answer, whatever a server or something between makes of it. */
import { underSignals } from "../../concurrency.ts";
import { scanJson } from "../../json-scan.ts";
import { EngineError } from "../engine.ts";
import { milliseconds } from "./clock.ts";

export interface Body {
  readonly type: string;
  readonly bytes: string | Uint8Array<ArrayBuffer>;
}

export const jsonBody = (value: unknown): Body => ({ type: "application/json", bytes: JSON.stringify(value) });

export const PROTOBUF = "application/x-protobuf";

/** An exchange that failed on the way; asking again may help. */
export class ConnectionError extends Error {
  override readonly name: string = "ConnectionError";
  /** Whether the server cannot have seen the request. */
  readonly unseen: boolean;
  constructor(message: string, unseen: boolean) {
    super(message);
    this.unseen = unseen;
  }
}

/** A whole answer that is not of the protocol, as of a proxy that answers in the server's place. */
export class ForeignAnswerError extends ConnectionError {
  override readonly name = "ForeignAnswerError";
}

/** Such answers in a row after which nothing else is expected. */
export const FOREIGN_ANSWERS = 5;

interface AnswerParts {
  readonly operation: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** Takes what must not be shown out of a text. */
  readonly redact: (text: string) => string;
}

export class Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly #parts: AnswerParts;
  #json: { readonly value: unknown } | undefined;

  constructor(parts: AnswerParts) {
    this.status = parts.status;
    this.headers = parts.headers;
    this.bytes = parts.bytes;
    this.#parts = parts;
  }

  /** Whether the content is protobuf. No message of the protocol begins as JSON does, whatever the header says. */
  get isProtobuf(): boolean {
    return (this.headers.get("content-type") ?? "").includes(PROTOBUF) && this.bytes[0] !== 0x7b;
  }

  /**
   * The JSON of the answer, whatever its content type. Throws a `ConnectionError` for one that was cut off, a `ForeignAnswerError` for
   * anything else, and an `EngineError` for NaN and infinities, which Python writes as if they were JSON.
   */
  json(): unknown {
    this.#json ??= { value: this.#parse() };
    return this.#json.value;
  }

  #parse(): unknown {
    const text = new TextDecoder().decode(this.bytes);
    try {
      return JSON.parse(text);
    } catch {
      const { operation, redact } = this.#parts;
      const { fault, literals } = scanJson(text);
      if (fault === undefined) {
        const [{ offset, text: literal }] = literals;
        const around = redact(text.slice(Math.max(0, offset - 60), offset + 12));
        throw new EngineError(
          `tinker: ${operation}: expected finite numbers, the server's answer holds ${literal}: "${around}"`,
        );
      }
      const type = this.headers.get("content-type") ?? "no content type";
      if (text.trim() === "")
        throw new ForeignAnswerError(`expected JSON, got an empty answer (${this.status}, ${type})`, false);
      const shown = `"${redact(text).slice(0, 80)}" (${this.bytes.length} bytes of ${type})`;
      if (fault.truncated) throw new ConnectionError(`expected JSON, got a part of it: ${shown}`, false);
      throw new ForeignAnswerError(`expected JSON, got ${shown}`, false);
    }
  }

  /** What the server says about an error: its `detail`, `error_message` or `error`, or the body. */
  words(): string {
    const text = this.#parts.redact(new TextDecoder().decode(this.bytes)).trim();
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

  /** Status and words, or where a redirection leads: nothing of the protocol is ever sent on. */
  get reason(): string {
    const { status } = this;
    if (status < 300 || status >= 400) return `${status} ${this.words()}`.trimEnd();
    const location = this.headers.get("location");
    return (
      `${status}, a redirection to ${location === null ? "nowhere" : this.#parts.redact(withoutQuery(location, this.#parts.url))}, ` +
      "which is not followed because the API key would go along; expected engine.baseUrl to be the server's own address"
    );
  }
}

function withoutQuery(location: string, base: string): string {
  if (!URL.canParse(location, base)) return "an address that is none";
  const { origin, pathname } = new URL(location, base);
  return `${origin}${pathname}`;
}

/** Servers send whole tracebacks, which say at their end what is wrong. */
const shortened = (text: string): string =>
  text.length <= LONGEST_WORDS ? text : `${text.slice(0, 100)} ... ${text.slice(100 - LONGEST_WORDS).trim()}`;
const LONGEST_WORDS = 600;

export interface RequestOptions {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** End the request. */
  readonly signals: readonly AbortSignal[];
  /** Longest time until the answer begins, and between any two parts of it, in seconds. */
  readonly answerSeconds: number;
  readonly redact: (text: string) => string;
}

/** As many times that an answer may take in all: one that trickles in must end, too. */
const PATIENCE = 20;

/** Sends a request once. Throws the reason of a signal, or a `ConnectionError`; every HTTP status is an answer. */
export function request(operation: string, url: string, options: RequestOptions): Promise<Answer> {
  const { method, headers, body, signals, answerSeconds, redact } = options;
  return underSignals(signals, async (signal, controller) => {
    let late: string | undefined;
    const stop = (reason: string) => {
      late = reason;
      controller.abort();
    };
    const whole = answerSeconds * PATIENCE;
    const timers = [
      setTimeout(stop, milliseconds(answerSeconds), `no answer within ${answerSeconds} s`),
      setTimeout(stop, milliseconds(whole), `no whole answer within ${whole} s`),
    ];
    try {
      const response = await fetch(url, {
        method,
        redirect: "manual",
        signal,
        headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": body.type }) },
        ...(body === undefined ? {} : { body: body.bytes }),
      });
      const parts: Uint8Array[] = [];
      for await (const part of response.body ?? []) {
        parts.push(part);
        timers[0].refresh();
      }
      const { status } = response;
      return new Answer({
        operation,
        url,
        status,
        headers: response.headers,
        bytes: new Uint8Array(Buffer.concat(parts)),
        redact,
      });
    } catch (error) {
      for (const each of signals) each.throwIfAborted();
      if (late !== undefined) throw new ConnectionError(late, false);
      throw new ConnectionError(
        redact(reasonOf(error)),
        codesOf(error).some((code) => UNSEEN.has(code)),
      );
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  });
}

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
