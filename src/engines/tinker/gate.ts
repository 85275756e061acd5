/** Work in the order it was asked for: shared work runs side by side, exclusive work alone. */
export class Gate {
  /** Ends when everything asked for so far has ended. */
  #all: Promise<unknown> = Promise.resolve();
  /** Ends when the exclusive work asked for so far has ended. */
  #exclusive: Promise<unknown> = Promise.resolve();

  shared<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#exclusive.then(work);
    this.#all = Promise.allSettled([this.#all, result]);
    return result;
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#all.then(work);
    this.#exclusive = result.catch(() => undefined);
    this.#all = this.#exclusive;
    return result;
  }
}

/** `work` of every item with at most `limit` under way; the first error ends the rest. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const at = next++;
      try {
        results[at] = await work(items[at], at);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
