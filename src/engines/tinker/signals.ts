import { setMaxListeners } from "node:events";

/**
 * Does work under a signal that is aborted with the first of others, with its reason. Nothing stays on them afterwards, unlike with
 * `AbortSignal.any`, whose results an abiding signal may keep until it is aborted itself.
 */
export async function underSignals<T>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal, controller: AbortController) => Promise<T>,
): Promise<T> {
  for (const signal of signals) signal.throwIfAborted();
  const controller = new AbortController();
  const ends = signals.map((signal) => ({ signal, end: () => controller.abort(signal.reason) }));
  for (const { signal, end } of ends) {
    // One signal ends hundreds of requests, which is no leak to be warned of.
    setMaxListeners(0, signal);
    signal.addEventListener("abort", end, { once: true });
  }
  try {
    return await work(controller.signal, controller);
  } finally {
    for (const { signal, end } of ends) signal.removeEventListener("abort", end);
  }
}
