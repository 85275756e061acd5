/** What a failed call means: wait and ask again, or stop the run so that it can go on later. Errors are read by their structure. */
import { isRecord, numberAt, textAt, valueAt } from "./structure.ts";

export type Failure =
  /** The provider wants fewer calls: all of them wait, for as long as it says where it does. */
  | { readonly kind: "pressed"; readonly reason: string; readonly seconds?: number }
  /** Something that may pass; `unreachable` where nobody listens at the address, which is a mistake if nobody ever did. */
  | { readonly kind: "passing"; readonly reason: string; readonly unreachable?: boolean }
  /** An answer in which there is nothing: asked for once more, then taken as it is. */
  | { readonly kind: "empty"; readonly reason: string }
  /** Nothing that asking again could change. */
  | { readonly kind: "final"; readonly reason: string; readonly advice: string };

const ADVICE: Readonly<Record<number, string>> = {
  400: "the provider does not take this request; check the model's name and the settings",
  401: "check the provider's key in the environment",
  402: "the account must be topped up",
  403: "the key may not use this model; check it, and the account's permissions",
  404: "check the model's name and the server's address",
  413: "the request is too long for this model",
  422: "the provider does not take this request; check the settings",
};

/** Codes of an account that has nothing left, which no waiting changes. */
const SPENT = new Set(["insufficient_quota", "billing_hard_limit_reached", "credit_balance_too_low"]);

/** Statuses besides those from 500 on that may pass. */
const PASSING = new Set([408, 409, 425]);

/** Reads an error. `now` is the time in milliseconds since 1970, by which a date in `retry-after` is understood. */
export function failureOf(error: unknown, now: number): Failure {
  const status = numberAt(error, "statusCode");
  const body = textAt(error, "responseBody") ?? "";
  const said = reasonOf(error, body);
  if (status === undefined) return withoutStatus(error, said);
  const reason = `${status} ${said}`;
  if (status >= 200 && status < 300) {
    // The body is JSON in which nobody put an answer, or else it was cut on its way or is somebody else's page.
    const answer = jsonOf(body);
    return isRecord(answer) && valueAt(answer, "error") === undefined ? { kind: "empty", reason } : { kind: "passing", reason };
  }
  if (status === 429) {
    const code = textAt(jsonOf(body), "error", "code") ?? textAt(jsonOf(body), "error", "type") ?? "";
    const type = textAt(jsonOf(body), "error", "type") ?? "";
    if (SPENT.has(code) || SPENT.has(type))
      return { kind: "final", reason, advice: "the account has no quota left; top it up" };
    const seconds = retryAfter(valueAt(error, "responseHeaders"), now);
    return { kind: "pressed", reason, ...(seconds === undefined ? {} : { seconds }) };
  }
  if (status >= 500 || PASSING.has(status)) return { kind: "passing", reason };
  if (CONTEXT.test(said)) return { kind: "final", reason, advice: TOO_SMALL };
  return { kind: "final", reason, advice: ADVICE[status] ?? "the provider refuses the request" };
}

/** How servers say that prompt and answer do not fit. */
const CONTEXT = /context (?:size|length|window)|more than the model's|too many tokens|prompt is too long/i;
const TOO_SMALL = "the prompt and --max-tokens do not fit: give the server a larger context, or ask for shorter answers";

/** Names of errors that come of a lost or slow connection. */
const LOST = new Set(["AbortError", "TimeoutError", "AI_RetryError"]);

function withoutStatus(error: unknown, reason: string): Failure {
  const name = textAt(error, "name") ?? "";
  if (name === "AI_InvalidResponseDataError" || name === "AI_NoContentGeneratedError") return { kind: "empty", reason };
  if (isUnreachable(error)) return { kind: "passing", reason, unreachable: true };
  if (LOST.has(name) || valueAt(error, "isRetryable") === true) return { kind: "passing", reason };
  // Node's fetch says no more than this of a connection that broke.
  if (name === "TypeError" && /^(?:fetch failed|terminated|network error)/i.test(reason)) return { kind: "passing", reason };
  // `choices: []` in providers that do not check it.
  if (name === "TypeError" && /undefined|null/.test(reason)) return { kind: "empty", reason };
  return { kind: "final", reason, advice: "the model's own code failed" };
}

const NOBODY = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** Whether an error, or one that it was caused by, says that nobody listens. */
function isUnreachable(error: unknown): boolean {
  for (let at: unknown = error; isRecord(at); at = valueAt(at, "cause")) if (NOBODY.has(textAt(at, "code") ?? "")) return true;
  return false;
}

const LONGEST = 300;

/** The server's words where it says any, otherwise the error's. */
function reasonOf(error: unknown, body: string): string {
  const parsed = jsonOf(body);
  const words =
    textAt(parsed, "error", "message") ?? textAt(parsed, "error") ?? textAt(parsed, "detail") ?? textAt(parsed, "message");
  const own = textAt(error, "message") ?? String(error);
  const said = (words ?? own).replaceAll(/\s+/g, " ").trim();
  return said.length > LONGEST ? `${said.slice(0, LONGEST)}...` : said;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds that the headers ask to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfter(headers: unknown, now: number): number | undefined {
  if (!isRecord(headers)) return undefined;
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
  const [milliseconds, seconds] = [numberOf(lower.get("retry-after-ms")), numberOf(lower.get("retry-after"))];
  if (milliseconds !== undefined) return Math.max(0, milliseconds / 1000);
  if (seconds !== undefined) return Math.max(0, seconds);
  const date = Date.parse(lower.get("retry-after") ?? "");
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
