import { setTimeout as wait } from "node:timers/promises";

/** Time as limits see it; tests put their own in its place. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Node takes longer times for 1 millisecond. */
const LONGEST = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await wait(Math.min(milliseconds, LONGEST), undefined, signal === undefined ? {} : { signal });
    } catch {
      signal?.throwIfAborted();
    }
  },
};
