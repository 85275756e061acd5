/** Workers as Web Workers, which a bundler finds by the `new URL` below. */
import type { Answer, Host } from "./messages.ts";

/** The part of a Web Worker that is used here, so that the rest of the package needs no types of a page. */
interface WebWorker {
  postMessage(message: unknown): void;
  addEventListener(kind: string, listener: (event: { readonly data?: unknown; readonly message?: string }) => void): void;
  terminate(): void;
}
declare const Worker: new (url: URL, options: { readonly type: "module"; readonly name: string }) => WebWorker;
declare const navigator: { readonly hardwareConcurrency?: number };

export const host: Host = {
  parallelism: () => navigator.hardwareConcurrency ?? 1,
  problemOf: () => undefined,
  startWorker({ name, entry }, events) {
    const worker =
      entry === undefined
        ? new Worker(new URL("./worker-browser.js", import.meta.url), { type: "module", name })
        : new Worker(entry, { type: "module", name });
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the worker posts nothing else
    worker.addEventListener("message", ({ data }) => events.answer(data as Answer));
    worker.addEventListener("error", ({ message = "it could not be loaded" }) => {
      worker.terminate();
      events.exit(message, undefined);
    });
    return {
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
      post: (message) => worker.postMessage(message),
      setBusy: () => undefined,
      terminate() {
        worker.terminate();
        return Promise.resolve();
      },
    };
  },
};
