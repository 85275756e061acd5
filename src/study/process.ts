/** A process that does one job: its parent sends the job, and is told how far it is and how it ended. */
import type { Connection } from "../engines/driver.ts";
import { runJob } from "./job.ts";
import type { Job } from "./jobs.ts";

export interface Assignment {
  readonly job: Job;
  readonly connection: Pick<Connection, "apiKey" | "baseUrl">;
}
export type Message =
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "warning"; readonly text: string }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly name: string; readonly message: string };

const controller = new AbortController();
process.on("SIGTERM", () => controller.abort());
// Ctrl-C reaches every process of a terminal; the parent decides.
process.on("SIGINT", () => undefined);
// Without its parent nobody would know of this process. What it did is on disk.
process.on("disconnect", () => process.exit());

const send = (message: Message): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });

process.once("message", ({ job, connection }: Assignment) => {
  void work(job, connection);
});

async function work(job: Job, connection: Assignment["connection"]): Promise<void> {
  try {
    await runJob(job, {
      connection,
      signal: controller.signal,
      onProgress: (done) => void send({ kind: "progress", done }),
      onWarning: (text) => void send({ kind: "warning", text }),
    });
    await send({ kind: "done" });
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    await send({ kind: "failed", name, message: name === "Error" ? (stack ?? message) : message });
  }
  process.exit();
}
