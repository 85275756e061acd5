/** What goes wrong between client and server must change nothing that is trained, or end in an error that names the thing. */
import { afterEach, describe, expect, test } from "vitest";
import { seedKey } from "../../random.ts";
import type { TinkerEngineOptions } from "./engine.ts";
import type { TinkerEvent } from "./events.ts";
import type { ProfileName } from "./profiles.ts";
import type { Fault, TinkerServer } from "./testing/server.ts";
import {
  type FaultPlan,
  PROMPT,
  SETTINGS,
  THREE_REQUESTS,
  adamOf,
  instantClock,
  startServer,
  trainTwoSteps,
} from "./testing/subject.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(kind: ProfileName, fault?: FaultPlan, options: Partial<TinkerEngineOptions> = {}) {
  const { server, create } = await startServer(kind, fault === undefined ? {} : { fault });
  closing.push(() => server.stop());
  const engine = await create(options);
  closing.unshift(() => engine.release());
  return { server, engine };
}

async function faultless(kind: ProfileName) {
  const { server, engine } = await start(kind);
  return trainTwoSteps(engine, server, kind);
}

/** The fault for every third request of an operation, the first included. */
const everyThird =
  (fault: Fault, only?: string): FaultPlan =>
  (operation, count) =>
    count % 3 === 0 && operation !== "get_server_capabilities" && operation !== "session_heartbeat"
      ? only === undefined || only === operation
        ? fault
        : undefined
      : undefined;

describe("the hosted service, which knows a repeated request: every fault leaves the result as it is", () => {
  const faults: readonly (readonly [string, FaultPlan])[] = [
    ["429 with retry-after", everyThird({ status: 429, headers: { "retry-after": "2" } })],
    ["408", everyThird({ status: 408 })],
    ["409", everyThird({ status: 409 }, "optim_step")],
    ["500", everyThird({ status: 500 })],
    ["503 with an empty body", everyThird({ status: 503, body: "" })],
    ["a connection that ends unanswered", everyThird("unanswered")],
    ["an answer that is lost", everyThird("lost")],
    ["an answer cut in half", everyThird("truncated")],
    ["a request delivered twice", everyThird("twice")],
    ["a paused queue", everyThird("queued", "retrieve_future")],
    ["a promise forgotten", everyThird({ status: 410 }, "retrieve_future")],
  ];
  for (const [name, fault] of faults)
    test(name, async () => {
      const { server, engine } = await start("tinker", fault);
      expect(await trainTwoSteps(engine, server, "tinker")).toEqual(await faultless("tinker"));
    });

  test("an answer later than the client waits", async () => {
    const { server, engine } = await start("tinker", everyThird({ late: 300 }, "forward_backward"), { answerSeconds: 0.1 });
    expect(await trainTwoSteps(engine, server, "tinker")).toEqual(await faultless("tinker"));
  });

  test("a server that loses its promises in the middle", async () => {
    const late: { server?: TinkerServer } = {};
    const { server, engine } = await start("tinker", (operation, count) => {
      if (operation === "retrieve_future" && count === 6) late.server?.forget();
      return undefined;
    });
    late.server = server;
    expect(await trainTwoSteps(engine, server, "tinker")).toEqual(await faultless("tinker"));
  });
});

describe("a server that would do a repeated request twice", () => {
  test("training is not sent again, and the error says what to do", async () => {
    const { server, engine } = await start("open-rl", everyThird("lost", "forward_backward"));
    await expect(trainTwoSteps(engine, server, "open-rl")).rejects.toThrow(
      /forward_backward: .*would apply a repeated request twice.*Continue from the last checkpoint/,
    );
    expect(server.done.filter(({ operation }) => operation === "forward_backward")).toHaveLength(1);
    await expect(engine.step(adamOf("open-rl"))).rejects.toThrow(/the model's state is unknown since .*forward_backward/);
  });

  test("what was refused unseen is sent again, and sampling always", async () => {
    const fault: FaultPlan = (operation, count) =>
      operation === "asample" ? everyThird("lost")(operation, count) : everyThird({ status: 429 })(operation, count);
    const { server, engine } = await start("open-rl", fault);
    expect((await trainTwoSteps(engine, server, "open-rl")).done).toEqual((await faultless("open-rl")).done);
  });

  test("SkyRL knows training by its number and takes it again", async () => {
    const fault: FaultPlan = (operation, count) =>
      ["forward_backward", "optim_step"].includes(operation) ? everyThird("lost")(operation, count) : undefined;
    const { server, engine } = await start("skyrl-jax", fault);
    expect(await trainTwoSteps(engine, server, "skyrl-jax")).toEqual(await faultless("skyrl-jax"));
  });
});

describe("errors and waiting are visible", () => {
  test("the server's words are in the error, whatever form a failure has", async () => {
    const prompt = { tokens: [1], shared: 0 };
    const bad = { kind: "cross_entropy", examples: [{ prompt, completion: [99], weights: [1] }] } as const;
    for (const kind of ["tinker", "open-rl"] as const) {
      const { engine } = await start(kind);
      await expect(engine.accumulate(bad)).rejects.toThrow(/forward_backward|expected a finite log-probability|cross_entropy/);
    }
    const { engine } = await start(
      "tinker",
      everyThird({ status: 422, body: '{"detail":"rank 4 is too large"}' }, "create_model"),
    );
    await expect(engine.sample(THREE_REQUESTS, SETTINGS)).rejects.toThrow(/create_model: 422 rank 4 is too large/);
  });

  test("a queue that never moves ends at the deadline, and was shown", async () => {
    const events: TinkerEvent[] = [];
    const onEvent = (event: TinkerEvent) => events.push(event);
    const queued: FaultPlan = (operation) => (operation === "retrieve_future" ? "queued" : undefined);
    const { engine } = await start("tinker", queued, { deadlineSeconds: 5, onEvent });
    await expect(engine.sample(THREE_REQUESTS, SETTINGS)).rejects.toThrow(
      /create_model was not finished by http.* within 5 s \(queue paused_capacity: full house\)/,
    );
    expect(events).toContainEqual(expect.objectContaining({ kind: "queued", state: "paused_capacity", reason: "full house" }));
  });

  test("a server that is gone ends at the deadline with its address", async () => {
    const clock = instantClock();
    const { server, engine } = await start("tinker", undefined, { submitSeconds: 60, clock });
    await engine.sample(THREE_REQUESTS, SETTINGS);
    const { baseUrl } = server;
    await server.stop();
    const example = { prompt: PROMPT, completion: [1], weights: [1] };
    await expect(engine.accumulate({ kind: "cross_entropy", examples: [example] })).rejects.toThrow(
      new RegExp(`${baseUrl} took no request for 60 s; the last answer was: .*ECONNREFUSED`),
    );
    // Waiting doubles from half a second to ten.
    expect(clock.slept.slice(-9)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
  });

  test("retry-after decides how long the client waits", async () => {
    const clock = instantClock();
    const fault: FaultPlan = (operation, count) =>
      operation === "create_model" && count === 0 ? { status: 429, headers: { "retry-after": "7" } } : undefined;
    const { engine } = await start("tinker", fault, { clock });
    await engine.sample(THREE_REQUESTS, SETTINGS);
    expect(clock.slept).toContain(7000);
  });

  test("tokens in the API key's place are renewed before they end", async () => {
    const { server, create } = await startServer("tinker", { tokenSeconds: 1000 });
    closing.push(() => server.stop());
    const clock = instantClock();
    const engine = await create({ clock });
    closing.unshift(() => engine.release());
    await engine.sample(THREE_REQUESTS, SETTINGS);
    expect(server.count("auth/token")).toBe(1);
    await clock.sleep(690_000, new AbortController().signal);
    await engine.sample(THREE_REQUESTS, SETTINGS);
    expect(server.count("auth/token")).toBe(1);
    await clock.sleep(20_000, new AbortController().signal);
    await Promise.all([engine.sample(THREE_REQUESTS, SETTINGS), engine.sample(THREE_REQUESTS, SETTINGS)]);
    expect(server.count("auth/token")).toBe(2);
    await expect(create({ apiKey: "tml-other" })).rejects.toThrow(/auth\/token: 401 expected the API key/);
  });

  test("a sample that nobody waits for any more gives its slot back", async () => {
    const slow: FaultPlan = (operation, count) => (operation === "asample" && count === 0 ? { late: 5000 } : undefined);
    const { server, engine } = await start("tinker", slow, { concurrency: 1 });
    const controller = new AbortController();
    const open = engine.sample([THREE_REQUESTS[0]], SETTINGS, controller.signal);
    const queued = engine.sample([THREE_REQUESTS[1]], SETTINGS, controller.signal);
    const outcomes = Promise.allSettled([open, queued]);
    while (server.count("asample") === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error("dropped"));
    expect(await outcomes).toMatchObject([{ reason: { message: "dropped" } }, { reason: { message: "dropped" } }]);
    expect(await engine.sample([THREE_REQUESTS[2]], SETTINGS)).toHaveLength(1);
    expect(server.count("asample")).toBe(2); // the queued one was never sent
  });

  test("an abort ends everything under way with its reason", async () => {
    const controller = new AbortController();
    const queued: FaultPlan = (operation, count) => {
      if (operation === "retrieve_future" && count === 3) controller.abort();
      return operation === "retrieve_future" ? "queued" : undefined;
    };
    const { engine } = await start("tinker", queued, { signal: controller.signal });
    await expect(engine.sample(THREE_REQUESTS, SETTINGS)).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  });

  test("a heartbeat is sent while an engine lives", async () => {
    let resolve: () => void = () => {};
    const twice = new Promise<void>((done) => (resolve = done));
    const fault: FaultPlan = (operation, count) => {
      if (operation === "session_heartbeat" && count === 1) resolve();
      return undefined;
    };
    const { engine } = await start("tinker", fault, { heartbeatSeconds: 0.01 });
    await engine.sample(THREE_REQUESTS, SETTINGS);
    await twice;
  });

  test("at most so many samples are under way", async () => {
    let [now, most] = [0, 0];
    const { engine, server } = await start(
      "tinker",
      (operation) => {
        if (operation === "asample") most = Math.max(most, ++now);
        if (operation === "retrieve_future") now = Math.max(0, now - 1);
        return undefined;
      },
      { concurrency: 3 },
    );
    const many = Array.from({ length: 40 }, (_, i) => ({ prompt: PROMPT, key: seedKey(i) }));
    await engine.sample(many, SETTINGS);
    expect(server.count("asample")).toBe(40);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
  });
});
