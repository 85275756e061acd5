/** A worker as a Web Worker. */
import type { Message } from "./messages.ts";
import { createWorker } from "./worker.ts";

/** The part of a worker's global scope that is used here. */
declare const self: {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  addEventListener(kind: "message", listener: (event: { readonly data: Message }) => void): void;
};

const take = createWorker("cpu", (answer, buffers) => self.postMessage(answer, buffers));
self.addEventListener("message", ({ data }) => take(data));
