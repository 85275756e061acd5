import { setTimeout as wait } from "node:timers/promises";

/** Time as the client sees it; tests put their own in its place. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Milliseconds of a timer, which runs for 24.8 days at most and not at all when it is asked for more. */
export const milliseconds = (seconds: number): number => Math.min(seconds * 1000, 2 ** 31 - 1);

export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(duration, signal) {
    try {
      await wait(Math.min(duration, 2 ** 31 - 1), undefined, { signal });
    } catch {
      signal.throwIfAborted();
    }
  },
};
