import { expect, test } from "vitest";
import { runEventLines } from "./run-events.ts";

test("a step says how long its stage still takes, once there is a pace", () => {
  const lines: string[] = [];
  const push = (text: string) => void lines.push(text);
  let now = 0;
  const show = runEventLines({ show: push, note: push, done: () => undefined }, 0, () => now);
  const step = (n: number) =>
    ({ kind: "step", stage: "sepo", step: n, steps: 31, metrics: { "kuhn/safety_index": 0.1 } }) as const;
  now = 10_000;
  show(step(1)); // begun by a process that cannot know how long a step takes
  now = 14_000;
  show(step(3)); // two steps in 4 s, so 28 more take 56 s
  show({ kind: "playing", stage: "sepo", step: 4, finished: 16, episodes: 32 });
  show(step(31));
  expect(lines[0]).toBe("10 s sepo 1/31 kuhn/safety_index 0.100");
  expect(lines[1]).toBe("14 s sepo 3/31 kuhn/safety_index 0.100  56 s left of sepo");
  expect(lines[2]).toBe(`${lines[1]}  playing 4: 16/32 episodes`);
  expect(lines[3]).not.toContain("left");
});
