/** Archives that a server hands out, perhaps from another address. */
import { EngineError } from "../engine.ts";
import { type Answer, ConnectionError, request } from "./http.ts";
import { isTransient, waitBefore } from "./retry.ts";
import type { Transport } from "./transport.ts";

const ATTEMPTS = 6;
/** A server that is still packing an archive answers 503. */
const PAUSE_SECONDS = 30;
const REDIRECTIONS = 5;

/** The bytes at a path of the service. The API key goes to the service alone, never to where it points. */
export async function download(transport: Transport, path: string): Promise<Uint8Array> {
  const { onEvent, submitSeconds } = transport.options;
  for (let attempt = 1; ; attempt++) {
    let reason: string;
    let answer: Answer | undefined;
    try {
      answer = await follow(transport, await transport.attempt("GET", path), transport.url(path));
      if (answer.status === 200) return answer.bytes;
      reason = answer.reason;
      if (!isTransient(answer.status)) throw new EngineError(`tinker: ${path}: ${reason}`);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      reason = error.message;
    }
    if (attempt === ATTEMPTS)
      throw new EngineError(`tinker: ${path}: no archive after ${ATTEMPTS} attempts; the last: ${reason}`);
    const delay = waitBefore(PAUSE_SECONDS, answer, Math.max(submitSeconds, PAUSE_SECONDS)) ?? PAUSE_SECONDS;
    onEvent({ kind: "retry", operation: path, attempt, reason, delay });
    await transport.sleep(delay);
  }
}

/** The answer at the end of redirections, asked for without the service's headers. */
async function follow(transport: Transport, first: Answer, url: string): Promise<Answer> {
  const { signal, answerSeconds, credentials } = transport.options;
  let [answer, from] = [first, url];
  for (let count = 0; count < REDIRECTIONS; count++) {
    const location = answer.headers.get("location");
    if (answer.status < 300 || answer.status >= 400 || location === null) return answer;
    if (!URL.canParse(location, from)) return answer;
    from = new URL(location, from).href;
    const redact = (text: string) => credentials.redact(text);
    answer = await request("download", from, { method: "GET", headers: {}, signals: [signal], answerSeconds, redact });
  }
  return answer;
}
