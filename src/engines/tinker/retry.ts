/** When a request goes out again, and how long before: what a server asks for can lengthen a wait and never shorten it. */
import type { Answer } from "./http.ts";

/** Whether a status asks for patience; 501 and 505 will not change. */
export const isTransient = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505);

/** Whether a server that answers so has not begun with the request: too many, or too early. */
export const isUnseen = (status: number): boolean => status === 429 || status === 425;

/** Seconds before the next attempt after `failures` in a row: doubled from half a second to ten. */
export const backoff = (failures: number): number => Math.min(10, 0.5 * 2 ** (failures - 1));

const NUMBER = /^\d+(?:\.\d+)?$/;

/**
 * Seconds that a server asks to wait, by `retry-after-ms` or `retry-after`: a number, or a date, which is compared with the
 * server's own. `undefined` for none and for what cannot be understood.
 */
export function retryAfter(headers: Headers): number | undefined {
  const milliseconds = headers.get("retry-after-ms");
  if (milliseconds !== null && NUMBER.test(milliseconds)) return Number(milliseconds) / 1000;
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (NUMBER.test(text)) return Number(text);
  // Every form of an HTTP date names its day first (RFC 9110, section 5.6.7); parsing alone takes "-5" for a date, too.
  const until = /^[A-Z][a-z]+,? /.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(until)) return undefined;
  const sent = Date.parse(headers.get("date") ?? "");
  return Math.max(0, until - (Number.isNaN(sent) ? Date.now() : sent)) / 1000;
}

/**
 * Seconds to wait: as long as `least`, or as the server asks, but no longer than the `left` of the caller's patience; `undefined`
 * when that is over.
 */
export function waitBefore(least: number, answer: Pick<Answer, "headers"> | undefined, left: number): number | undefined {
  if (least > left) return undefined;
  const asked = answer === undefined ? undefined : retryAfter(answer.headers);
  return Math.min(left, Math.max(least, asked ?? 0));
}
