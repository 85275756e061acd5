/** Trains on a thread of its own, whose engine has workers for the graphs. */
import type { PackedModel } from "../../play/packed-model.ts";
import { lesson } from "../../training/lesson.ts";
import type { News, Order } from "./messages.ts";

// eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
const tell = (news: News): void => self.postMessage(news);

/** What the page wants, and what wakes a lesson that waits for it. */
const wish = { paused: false, stopped: false, wake: (): void => undefined };

async function train({ settings, threads }: Extract<Order, { kind: "start" }>): Promise<void> {
  let model: PackedModel | undefined;
  for await (const { model: read, ...progress } of lesson(settings, { threads })) {
    tell({ kind: "progress", progress });
    const last = progress.stage === "sepo" && progress.step === progress.steps;
    if (wish.paused || wish.stopped || last) model = await read();
    if (wish.paused && !wish.stopped && model !== undefined) {
      tell({ kind: "paused", model });
      await new Promise<void>((resolve) => (wish.wake = resolve));
    }
    if (wish.stopped) break;
  }
  tell({ kind: "ended", model });
}

self.addEventListener("message", ({ data }: MessageEvent<Order>) => {
  switch (data.kind) {
    case "start":
      train(data).catch((error: unknown) =>
        tell({ kind: "failed", problem: error instanceof Error ? error.message : String(error) }),
      );
      break;
    case "pause":
      wish.paused = true;
      break;
    case "continue":
      wish.paused = false;
      wish.wake();
      break;
    case "stop":
      wish.stopped = true;
      wish.wake();
      break;
  }
});
