/** What servers, proxies and networks do to a request, as faults of the tests' server. */
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { Fault, TinkerServer } from "../../src/engines/tinker/testing/server.ts";

export interface Mishap {
  readonly name: string;
  /** What happens to the request. */
  readonly fault?: Fault;
  /** What happens to the server before it. */
  readonly strikes?: (server: TinkerServer) => void;
  /** Whether the server gets the request twice, or after the same was sent again: what the client cannot see. */
  readonly delivery?: "twice" | "late";
}

interface Body {
  readonly type: string;
  readonly bytes: Buffer;
}

const PAGE = "<html>Sign in to continue</html>";
const html = (status: number, headers: Record<string, string> = {}): Fault => ({
  status,
  headers: { "content-type": "text/html", ...headers },
  body: PAGE,
});
const sends = (send: (response: ServerResponse, answer: Body) => void): Fault => ({ sends: send });
const edited = (edit: (text: string) => string): Fault =>
  sends((response, { type, bytes }) => {
    response.writeHead(200, { "Content-Type": type });
    response.end(type === "application/json" ? edit(bytes.toString("utf8")) : bytes);
  });
const inSeconds = (seconds: number): Record<string, string> => ({
  date: new Date(0).toUTCString(),
  "retry-after": new Date(1000 * seconds).toUTCString(),
});

export const MISHAPS: readonly Mishap[] = [
  { name: "429 with seconds", fault: { status: 429, headers: { "retry-after": "2" } } },
  { name: "429 with a date", fault: { status: 429, headers: inSeconds(5) } },
  { name: "429 with a date that is past", fault: { status: 429, headers: { "retry-after": new Date(0).toUTCString() } } },
  { name: "429 with no wait", fault: { status: 429, headers: { "retry-after": "0" } } },
  { name: "429 with half an hour", fault: { status: 429, headers: { "retry-after": "1800" } } },
  { name: "408", fault: { status: 408 } },
  { name: "500", fault: { status: 500 } },
  { name: "502 with a page", fault: html(502) },
  { name: "503 with an empty body", fault: { status: 503, body: "" } },
  { name: "504 with a page", fault: html(504) },
  { name: "404 with a page", fault: html(404) },
  { name: "a proxy's page with 200", fault: html(200) },
  { name: "a proxy's request to sign in (407)", fault: html(407, { "proxy-authenticate": "Basic" }) },
  { name: "a redirection", fault: html(302, { location: "http://127.0.0.1:9/login" }) },
  { name: "an empty body", fault: { status: 200, body: "" } },
  { name: "a body cut in half", fault: "truncated" },
  {
    name: "a connection that ends in the middle of the body",
    fault: sends((response, { type, bytes }) => {
      response.writeHead(200, { "Content-Type": type, "Content-Length": bytes.length });
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    }),
  },
  {
    name: "a damaged compression",
    fault: sends((response, { type, bytes }) => {
      response.writeHead(200, { "Content-Type": type, "Content-Encoding": "gzip" });
      response.end(gzipSync(bytes).subarray(0, 15));
    }),
  },
  { name: "malformed JSON", fault: edited((text) => text.replaceAll('":', '"')) },
  { name: "JSON of another shape", fault: edited(() => "[1]") },
  { name: "NaN for numbers", fault: edited((text) => text.replaceAll(/-?\d+\.\d+(?:e-?\d+)?/g, "NaN")) },
  {
    name: "an answer that comes too late",
    fault: sends((response, { type, bytes }) => {
      response.writeHead(200, { "Content-Type": type });
      setTimeout(() => response.end(bytes), 250);
    }),
  },
  {
    name: "an answer that stalls",
    fault: sends((response, { type, bytes }) => {
      response.writeHead(200, { "Content-Type": type });
      response.write(bytes.subarray(0, 5));
    }),
  },
  { name: "a connection that ends before the request is read", fault: "unanswered" },
  { name: "a connection that ends before the answer", fault: "lost" },
  { name: "a request that arrives twice", fault: "twice", delivery: "twice" },
  { name: "a request that arrives after it was sent again", fault: { late: 250 }, delivery: "late" },
  { name: "a server that started again", strikes: (server) => server.restart() },
  { name: "a server that forgot its promises", strikes: (server) => server.forget() },
];
