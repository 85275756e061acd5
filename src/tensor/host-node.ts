/** Workers as threads of Node. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Answer, Host } from "./messages.ts";
import type { Device } from "./device.ts";

// Node 20 cannot load TypeScript in a worker, so this module too is always the one that `npm run build` made.
const ENTRY = new URL("worker-node.js", import.meta.url);

/** What a worker is started with. */
export interface WorkerData {
  /** 1 while a run is under way. */
  readonly flag: Int32Array;
  readonly device: Device;
}

/**
 * Flags of workers at work: 1 until a run is over. Node ends workers when the process exits, and one that is inside ONNX Runtime
 * would abort the process with a signal instead of its exit code.
 */
const working = new Set<Int32Array<SharedArrayBuffer>>();
const LONGEST_WAIT = 10_000;
process.on("exit", () => {
  for (const flag of working) Atomics.wait(flag, 0, 1, LONGEST_WAIT);
});

export const host: Host = {
  parallelism: availableParallelism,
  problemOf: (entry = ENTRY) => (existsSync(entry) ? undefined : `${fileURLToPath(entry)} is missing; run "npm run build"`),
  startWorker({ name, device, entry = ENTRY }, events) {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const workerData: WorkerData = { flag, device };
    const worker = new Worker(entry, { name, execArgv: [], workerData }); // flags for the main script need not suit a worker
    worker.unref(); // it holds the process open only while it works
    let cause: unknown;
    worker.on("message", (answer: Answer) => events.answer(answer));
    worker.on("error", (error) => (cause = error));
    worker.on("exit", (code) => {
      working.delete(flag);
      events.exit(cause instanceof Error ? cause.message : `exit code ${code}`, cause);
    });
    return {
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
      post: (message) => worker.postMessage(message),
      setBusy(busy) {
        if (busy) {
          worker.ref();
          flag[0] = 1;
          working.add(flag);
        } else {
          worker.unref();
          working.delete(flag);
        }
      },
      async terminate() {
        await worker.terminate();
      },
    };
  },
};
