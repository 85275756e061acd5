/** A worker thread of `Pool`: keeps sessions and resident arrays, and runs one job after another. */
import { parentPort, workerData } from "node:worker_threads";
import type { Answer, Job, Message, WorkerOptions } from "./thread.ts";
import { DeviceError, openSession, type Arrays, type Session } from "./session.ts";
import { unshared } from "./shared.ts";

const port = parentPort!;
const { flag, device }: WorkerOptions = workerData;
const sessions = new Map<number, Session>();
const residents = new Map<number, Arrays>();

async function run({ program, model, residents: needed, arrays }: Job): Promise<Arrays> {
  for (const { id, arrays: fresh } of needed) if (fresh) residents.set(id, unshared(fresh, residents.get(id)));
  if (model && !sessions.has(program)) sessions.set(program, await openSession(model, device));
  const kept = needed.map(({ id }) => residents.get(id));
  return sessions.get(program)!.run(Object.assign({}, ...kept, arrays));
}

async function handle(message: Message): Promise<void> {
  if (message.kind === "unload") {
    await sessions.get(message.program)?.release();
    sessions.delete(message.program);
  } else if (message.kind === "forget") {
    residents.delete(message.resident);
  } else {
    const content = await run(message).then(
      (results): Answer => ({ results }),
      (error: unknown): Answer => ({ error, device: error instanceof DeviceError }),
    );
    Atomics.store(flag, 0, 0);
    Atomics.notify(flag, 0);
    answer(content);
  }
}

/** Outputs are buffers of their own, so they move to the other thread instead of being copied. */
function answer(content: Answer): void {
  const buffers = "results" in content ? Object.values(content.results).map(({ buffer }) => buffer) : [];
  port.postMessage(
    content,
    buffers.filter((buffer) => buffer instanceof ArrayBuffer),
  );
}

let last = Promise.resolve();
port.on("message", (message: Message) => {
  last = last.then(() => handle(message));
});
