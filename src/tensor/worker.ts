/** A worker thread of `Pool`: keeps sessions and resident arrays, and runs one job after another. */
import { parentPort } from "node:worker_threads";
import type { Answer, Job, Message } from "./thread.ts";
import { openSession, type Arrays, type Session } from "./session.ts";

const port = parentPort!;
const sessions = new Map<number, Session>();
const residents = new Map<number, Arrays>();

async function run({ program, model, resident, held, arrays }: Job): Promise<Arrays> {
  if (held) residents.set(resident!, held);
  if (model && !sessions.has(program)) sessions.set(program, await openSession(model));
  const kept = resident === undefined ? {} : residents.get(resident);
  return sessions.get(program)!.run({ ...kept, ...arrays });
}

async function handle(message: Message): Promise<void> {
  if (message.kind === "unload") {
    await sessions.get(message.program)?.release();
    sessions.delete(message.program);
  } else if (message.kind === "forget") {
    residents.delete(message.resident);
  } else {
    try {
      answer({ results: await run(message) });
    } catch (error) {
      answer({ error });
    }
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
