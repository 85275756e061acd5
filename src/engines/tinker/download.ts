/** Archives that a server hands out, perhaps from another address. */
import { EngineError } from "../engine.ts";
import { type Transport, isConnectionError, wordsOf } from "./transport.ts";

const ATTEMPTS = 6;
/** A server that is still packing an archive answers 503. */
const PAUSE_SECONDS = 30;

/** The bytes at a path of the service. The API key goes to the service alone, never to where it points. */
export async function download(transport: Transport, path: string): Promise<Uint8Array> {
  const { clock, signal, onEvent, answerSeconds } = transport.options;
  for (let attempt = 1; ; attempt++) {
    let reason: string;
    try {
      const answer = await transport.attempt("GET", path);
      if (answer.status === 200) return answer.bytes;
      const location = answer.headers.get("location");
      if (answer.status >= 300 && answer.status < 400 && location !== null) {
        const response = await fetch(new URL(location, transport.url(path)), {
          signal: AbortSignal.any([signal, AbortSignal.timeout(answerSeconds * 1000)]),
        });
        if (response.ok) return new Uint8Array(await response.arrayBuffer());
        reason = `${location.split("?")[0]} answers ${response.status}`;
      } else {
        reason = `${answer.status} ${wordsOf(answer)}`;
        if (answer.status < 500 && answer.status !== 429) throw new EngineError(`tinker: ${path}: ${reason}`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EngineError) throw error;
      if (!isConnectionError(error) && !(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
      reason = error instanceof Error ? error.message : String(error);
    }
    if (attempt === ATTEMPTS)
      throw new EngineError(`tinker: ${path}: no archive after ${ATTEMPTS} attempts; the last: ${reason}`);
    onEvent({ kind: "retry", operation: path, attempt, reason, delay: PAUSE_SECONDS });
    await clock.sleep(PAUSE_SECONDS * 1000, signal);
  }
}
