/** A worker as a thread of Node. */
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerData } from "./host-node.ts";
import { createWorker } from "./worker.ts";

const port = parentPort!;
const { flag, device }: WorkerData = workerData;

port.on(
  "message",
  createWorker(device, (answer, buffers) => {
    Atomics.store(flag, 0, 0);
    Atomics.notify(flag, 0);
    port.postMessage(answer, buffers);
  }),
);
