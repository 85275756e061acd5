/** A limit on work under way, shared by everyone who holds it; what waits begins in the order it was asked for. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((begin) => this.#waiting.push(begin));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  /** `work` of every item, in a slot each; after the first error no other begins. */
  async map<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
    let failed = false;
    const own = async (item: T, index: number): Promise<R> => {
      if (failed) throw new Error("not begun, because other work failed");
      try {
        return await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    };
    return Promise.all(items.map((item, index) => this.run(() => own(item, index))));
  }
}

export interface Following {
  readonly controller: AbortController;
  /** Follows no longer. */
  readonly release: () => void;
}

/** What ends with a signal. One signal ends hundreds of requests; a listener for each is what Node warns of as a leak. */
const endings = new WeakMap<AbortSignal, Set<() => void>>();

function endingsOf(signal: AbortSignal): Set<() => void> {
  const known = endings.get(signal);
  if (known !== undefined) return known;
  const all = new Set<() => void>();
  endings.set(signal, all);
  signal.addEventListener("abort", () => all.forEach((end) => end()), { once: true });
  return all;
}

/**
 * A controller that is aborted with the first of `signals`, with its reason, until it is released. Nothing of it stays on them afterwards,
 * unlike with `AbortSignal.any`, whose results an abiding signal may keep until it is aborted itself.
 */
export function following(signals: readonly AbortSignal[]): Following {
  const controller = new AbortController();
  const ends = signals.map((signal) => ({ signal, end: () => controller.abort(signal.reason) }));
  for (const { signal, end } of ends)
    if (signal.aborted) end();
    else endingsOf(signal).add(end);
  const release = () => {
    for (const { signal, end } of ends) endings.get(signal)?.delete(end);
  };
  return { controller, release };
}

/** Does work under a controller that follows signals; none of them may be aborted before. */
export async function underSignals<T>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal, controller: AbortController) => Promise<T>,
): Promise<T> {
  for (const signal of signals) signal.throwIfAborted();
  const { controller, release } = following(signals);
  return work(controller.signal, controller).finally(release);
}

/** Work of many parts with a signal that ends them all: when `signal` does, and when one of them fails. */
export async function endTogether<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { controller, release } = following(signal === undefined ? [] : [signal]);
  try {
    return await work(controller.signal);
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    release();
  }
}

/** Joins what is asked for while earlier work is under way, so that many small calls become few large ones. */
export class Batcher<T, R> {
  readonly #work: (items: readonly T[]) => Promise<readonly R[]>;
  #items: T[] = [];
  /** The work that will take what waits. */
  #next: Promise<readonly R[]> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `work` answers each item, in order. */
  constructor(work: (items: readonly T[]) => Promise<readonly R[]>) {
    this.#work = work;
  }

  async run(items: readonly T[]): Promise<readonly R[]> {
    const from = this.#items.length;
    this.#items.push(...items);
    this.#next ??= this.#begin();
    return (await this.#next).slice(from, from + items.length);
  }

  #begin(): Promise<readonly R[]> {
    const result = this.#last.then(() => {
      const taken = this.#items;
      this.#items = [];
      this.#next = undefined;
      return this.#work(taken);
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}
