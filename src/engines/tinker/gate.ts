/** Work in the order it was asked for: shared work runs side by side, exclusive work alone. */
export class Gate {
  /** Ends when everything asked for so far has ended. */
  #all: Promise<unknown> = Promise.resolve();
  /** Ends when the exclusive work asked for so far has ended. */
  #exclusive: Promise<unknown> = Promise.resolve();

  shared<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#exclusive.then(work);
    // Their values are nobody's concern here, and would be kept for as long as no exclusive work comes.
    this.#all = Promise.allSettled([this.#all, result]).then(() => undefined);
    return result;
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#all.then(work);
    this.#exclusive = result.then(
      () => undefined,
      () => undefined,
    );
    this.#all = this.#exclusive;
    return result;
  }
}
