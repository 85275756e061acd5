import { describe, expect, test, vi } from "vitest";
import type { Sampler } from "../engines/engine.ts";
import { TabularEngine } from "../engines/tabular/engine.ts";
import { rosterOf } from "../opponents/index.ts";
import type { PlayedGroup } from "./rollout.ts";
import { GroupStream, type StreamSettings } from "./stream.ts";

const roster = rosterOf("ipd");
/** Groups 0 and 1 of a step are of the pool train, the others of the pool exploiter. */
const poolOf = (i: number): PlayedGroup["pool"] => (i < 2 ? "train" : "exploiter");
const groupNamed = (opponent: string, i: number): PlayedGroup => ({
  roster,
  pool: poolOf(i),
  policy: roster.pools.train[0],
  found: false,
  opponent,
  played: [],
  episodes: [],
});

/** An engine that counts the snapshots it has handed out and those still held. */
class Counting extends TabularEngine {
  taken = 0;
  held = 0;
  override async snapshot(): Promise<Sampler> {
    const inner = await super.snapshot();
    this.taken++;
    this.held++;
    const release = async () => {
      this.held--;
      await inner.release();
    };
    return { sample: inner.sample.bind(inner), score: inner.score.bind(inner), release };
  }
}

interface Hand {
  readonly sampler: Sampler;
  readonly signal: AbortSignal;
  finish(): void;
  fail(error: Error): void;
}

/** A stream over groups that the test finishes by hand; `count` groups a step, those of `done` at once. */
function setUp(
  settings: Partial<StreamSettings>,
  count = 4,
  done: (name: string) => boolean = () => true,
  signal?: AbortSignal,
) {
  const engine = new Counting({ rows: [], vocabularySize: 4 });
  const hands = new Map<string, Hand>();
  const begin = (step: number, sampler: Sampler, ending: AbortSignal) =>
    Array.from({ length: count }, (_, i) => {
      const name = `${step}.${i}`;
      const result = new Promise<PlayedGroup>((resolve, reject) => {
        const finish = () => resolve(groupNamed(name, i));
        hands.set(name, { sampler, signal: ending, finish, fail: reject });
        if (done(name)) finish();
      });
      return { game: "ipd", pool: poolOf(i), result };
    });
  const stream = new GroupStream(engine, begin, { maxStepsOffPolicy: 0, stragglerSeconds: 0, ...settings }, signal);
  return { engine, hands, stream };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const seen = (groups: readonly { readonly opponent: string; readonly staleness: number }[]) =>
  groups.map(({ opponent, staleness }) => `${opponent}@${staleness}`);

describe("a stream of groups", () => {
  test("on-policy: the engine itself plays, one step at a time, and all groups are waited for", async () => {
    const { engine, hands, stream } = setUp({}, 2);
    expect(seen((await stream.batch(0, 9)).groups)).toEqual(["0.0@0", "0.1@0"]);
    expect([...hands.keys()]).toEqual(["0.0", "0.1"]);
    expect(hands.get("0.0")!.sampler).toBe(engine);
    expect(engine.taken).toBe(0);
  });

  test("off-policy: begins steps ahead up to the bound and the end, and releases weights nobody plays with", async () => {
    const { engine, hands, stream } = setUp({ maxStepsOffPolicy: 2 }, 1);
    const batches: string[][] = [];
    const begun: number[] = [];
    for (let step = 0; step < 5; step++) {
      batches.push(seen((await stream.batch(step, 5)).groups));
      begun.push(hands.size);
    }
    expect(batches).toEqual([["0.0@0"], ["1.0@1"], ["2.0@2"], ["3.0@2"], ["4.0@2"]]);
    expect(begun).toEqual([3, 4, 5, 5, 5]);
    expect(engine.taken).toBe(3);
    await settled();
    expect(engine.held).toBe(1);
    await stream.close();
    expect(engine.held).toBe(0);
  });

  test("late groups join the next step also in the long run, and are dropped when they are too old", async () => {
    // In every step group 3 is late; it ends before the next step learns, but for that of step 2.
    const settings = { maxStepsOffPolicy: 2, stragglerSeconds: 0.01 };
    const { engine, hands, stream } = setUp(settings, 4, (name) => !name.endsWith(".3"));
    const batches: string[] = [];
    for (let step = 0; step < 6; step++) {
      const { groups, planned, late, dropped } = await stream.batch(step, 6);
      expect(planned).toBe(4);
      const joined = groups.filter(({ opponent }) => !opponent.startsWith(`${step}.`));
      batches.push(`${seen(joined).join()} ${Math.max(...groups.map(({ staleness }) => staleness))} ${late} ${dropped}`);
      if (step !== 2) hands.get(`${step}.3`)!.finish();
      await settled();
    }
    expect(batches).toEqual([" 0 1 0", "0.3@1 1 1 0", "1.3@2 2 1 0", " 1 1 1", "3.3@2 2 1 0", "4.3@2 2 1 0"]);
    expect(hands.get("2.3")!.signal.aborted).toBe(true);
    hands.get("2.3")!.fail(new Error("aborted"));
    await stream.close();
    expect(engine.held).toBe(0);
  });

  test("without off-policy steps, late groups are dropped at once; half of each pool is waited for however long it takes", async () => {
    const { hands, stream } = setUp({ stragglerSeconds: 0.01 }, 4, () => false);
    let taken = false;
    const batch = stream.batch(0, 9).finally(() => (taken = true));
    await settled();
    hands.get("0.0")!.finish();
    hands.get("0.1")!.finish();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(taken).toBe(false); // none of the pool exploiter
    hands.get("0.2")!.finish();
    const { groups, late, dropped } = await batch;
    expect([seen(groups), late, dropped]).toEqual([["0.0@0", "0.1@0", "0.2@0"], 0, 1]);
    await stream.close();
  });

  test("time that passed before the step was asked for counts", async () => {
    const settings = { maxStepsOffPolicy: 2, stragglerSeconds: 1e6 };
    const { stream } = setUp(settings, 4, (name) => name !== "1.3");
    await stream.batch(0, 9);
    const now = performance.now();
    const clock = vi.spyOn(performance, "now").mockReturnValue(now + 2e9);
    expect(await stream.batch(1, 9)).toMatchObject({ late: 1, dropped: 0 });
    clock.mockRestore();
    await stream.close();
  });

  test("a failure reaches the step that learns, whether its group was due or late, and closing ends the others", async () => {
    const due = setUp({}, 2, () => false);
    const batch = due.stream.batch(0, 9);
    await settled();
    due.hands.get("0.1")!.fail(new Error("server gone"));
    await expect(batch).rejects.toThrow("server gone");
    await due.stream.close();
    expect(due.hands.get("0.0")!.signal.aborted).toBe(true);
    const late = setUp({ maxStepsOffPolicy: 3, stragglerSeconds: 0.01 }, 4, (name) => name !== "0.1");
    await late.stream.batch(0, 9);
    late.hands.get("0.1")!.fail(new Error("server gone later"));
    await settled();
    await expect(late.stream.batch(1, 9)).rejects.toThrow("server gone later");
    await late.stream.close();
  });

  test("the caller's signal ends what is under way, and nothing of a step that is over", async () => {
    const caller = new AbortController();
    const { hands, stream } = setUp({ maxStepsOffPolicy: 1 }, 1, (name) => name === "0.0", caller.signal);
    await stream.batch(0, 9);
    await settled();
    caller.abort("interrupted");
    expect(hands.get("0.0")!.signal.aborted).toBe(false);
    expect(hands.get("1.0")!.signal.reason).toBe("interrupted");
    await stream.close();
  });

  test("closing ends what is under way", async () => {
    const { engine, hands, stream } = setUp({ maxStepsOffPolicy: 2 }, 1, (name) => name === "0.0");
    await stream.batch(0, 9);
    await stream.close();
    expect(hands.get("1.0")!.signal.aborted).toBe(true);
    expect(engine.held).toBe(0);
  });
});
