/** What a worker of `Pool` does on any host: keeps sessions and resident arrays, and runs one job after another. */
import type { Answer, Job, Message } from "./messages.ts";
import { type Device, DeviceError } from "./device.ts";
import { openSession, type Arrays, type Session } from "./session.ts";
import { unshared } from "./shared.ts";

/** Takes messages in the order in which they come; `answer` is called once for each run, with buffers that may be moved. */
export function createWorker(
  device: Device,
  answer: (answer: Answer, buffers: readonly ArrayBuffer[]) => void,
): (message: Message) => void {
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
      // Outputs are buffers of their own, so they move to the other thread instead of being copied.
      const buffers = "results" in content ? Object.values(content.results).map(({ buffer }) => buffer) : [];
      answer(
        content,
        buffers.filter((buffer) => buffer instanceof ArrayBuffer),
      );
    }
  }

  let last = Promise.resolve();
  return (message) => {
    last = last.then(() => handle(message));
  };
}
