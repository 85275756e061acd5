/** What faulty servers do, and what becomes of it: a real provider package against a server on loopback. */
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { foldIn, seedKey } from "../random.ts";
import type { ChatModel, ChatRequest } from "./chat-model.ts";
import { ModelError } from "./chat-model.ts";
import { retryAfter } from "./failures.ts";
import { type LimitOptions, limited } from "./limits.ts";
import { type ProviderOptions, openModel } from "./providers.ts";
import { type Answer, type Body, type ChatServer, chatServer, completion } from "./testing/server.ts";

const KEY = "sk-test-0123456789abcdefghij";

const servers: ChatServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(answer: (body: Body, index: number) => Answer | Promise<Answer>): Promise<ChatServer> {
  const server = await chatServer(answer);
  servers.push(server);
  return server;
}

/** Time that passes only when it is slept. */
function fakeClock() {
  let time = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => time,
    sleep(milliseconds: number) {
      slept.push(milliseconds);
      time += milliseconds;
      return Promise.resolve();
    },
  };
}

const request = (index = 0): ChatRequest => ({
  messages: [
    { role: "system", content: "rules" },
    { role: "user", content: `question ${index}` },
  ],
  place: { episode: "ipd/train/x/0", turn: index, seat: 0 },
  key: foldIn(seedKey(0), index),
});

async function open(server: ChatServer, limits: LimitOptions = {}, options: ProviderOptions = {}): Promise<ChatModel> {
  const name = { provider: "openai-compatible", model: "m" } as const;
  return limited(await openModel(name, { baseUrl: server.baseUrl, apiKey: KEY, ...options }), limits);
}

describe("a server that is busy", () => {
  test.each([
    ["seconds", { "retry-after": "7" }, 7000],
    ["milliseconds", { "retry-after-ms": "1500" }, 1500],
    // Without advice: half a second, half more or less.
    ["nothing", {}, 250],
  ])("is asked again after what it says in %s", async (_, headers, least) => {
    const server = await serve((__, index) =>
      index === 0 ? { status: 429, headers, body: { error: {} } } : completion("DEFECT"),
    );
    const clock = fakeClock();
    const answer = await (await open(server, { clock })).generate(request());
    expect(answer.text).toBe("DEFECT");
    expect(server.received).toHaveLength(2);
    expect(clock.now()).toBeGreaterThanOrEqual(least);
    expect(clock.now()).toBeLessThanOrEqual(least + 500);
  });

  test("may say it as a date", () => {
    const now = Date.parse("Sat, 28 Nov 2026 12:00:00 GMT");
    expect(retryAfter({ "Retry-After": "Sat, 28 Nov 2026 12:00:30 GMT" }, now)).toBe(30);
    expect(retryAfter({ "retry-after": "Sat, 28 Nov 2026 11:00:00 GMT" }, now)).toBe(0);
    expect(retryAfter({ "retry-after": "soon" }, now)).toBeUndefined();
  });

  test("pauses all calls, not one", async () => {
    const server = await serve((_, index) =>
      index === 0 ? { status: 429, headers: { "retry-after": "0.4" }, body: {} } : completion("DEFECT"),
    );
    let pressed = (): void => undefined;
    const told = new Promise<void>((resolve) => (pressed = resolve));
    const model = await open(server, { onMessage: () => pressed() });
    const asked = model.generate(request());
    await told;
    await Promise.all([asked, model.generate(request(1)), model.generate(request(2))]);
    const [first, ...others] = server.received.map(({ time }) => time);
    expect(others).toHaveLength(3);
    // Nothing else began within the 0.4 seconds.
    for (const time of others) expect(time - first).toBeGreaterThan(390);
  });

  test("stops the run when it asks for more than the patience", async () => {
    const server = await serve(() => ({ status: 429, headers: { "retry-after": "3600" }, body: {} }));
    const model = await open(server, { patienceSeconds: 60 });
    await expect(model.generate(request())).rejects.toThrow(
      /asks to wait 3601 s, and the patience is 60 s.*same command goes on/,
    );
    await expect(model.generate(request(1))).rejects.toThrow(ModelError);
    expect(server.received).toHaveLength(1);
  });
});

describe("what no repetition changes stops the run and says what to do", () => {
  test.each([
    ["an unknown key", 401, { error: { message: `Incorrect API key provided: ${KEY}` } }, /check the provider's key/],
    ["a key without permission", 403, { error: { message: "no" } }, /permissions/],
    ["an unknown model", 404, { error: { message: "no such model" } }, /check the model's name/],
    [
      "a spent quota",
      429,
      { error: { message: "x", code: "insufficient_quota", type: "insufficient_quota" } },
      /no quota left/,
    ],
    ["a setting it does not take", 400, { error: { message: "temperature" } }, /400 temperature/],
  ])("%s", async (_, status, body, words) => {
    const server = await serve(() => ({ status, body }));
    const model = await open(server, {
      redact: (text) => text.replaceAll(KEY, "[key]"),
    });
    const error: unknown = await model.generate(request()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ModelError);
    expect(String(error)).toMatch(words);
    expect(String(error)).toContain("the same command goes on from here");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(server.received).toHaveLength(1);
  });
});

describe("what may pass is asked again", () => {
  const cut = JSON.stringify(completion("DEFECT").body).slice(0, 90);
  test.each<readonly [string, Answer]>([
    ["500", { status: 500, body: "oops" }],
    ["503 with a page", { status: 503, headers: { "content-type": "text/html" }, body: "<html>busy</html>" }],
    ["a dropped connection", { drop: "before" }],
    ["a connection dropped in the middle", { ...completion("DEFECT"), drop: "within" }],
    ["200 with JSON that is cut", { body: cut }],
    ["200 with a page", { headers: { "content-type": "text/html" }, body: "<html>hello</html>" }],
    ["200 with an error", { body: { error: { message: "overloaded" } } }],
  ])("%s", async (_, fault) => {
    const server = await serve((__, index) => (index < 2 ? fault : completion("DEFECT")));
    const clock = fakeClock();
    const answer = await (await open(server, { clock })).generate(request());
    expect(answer).toMatchObject({ text: "DEFECT", finish: "stop" });
    expect(server.received).toHaveLength(3);
    // 0.5 and 1 seconds, half more or less; the same every time, as they are keyed.
    expect(clock.now()).toBeGreaterThanOrEqual(750);
    expect(clock.now()).toBeLessThanOrEqual(2250);
  });

  test("until the patience ends", async () => {
    const server = await serve(() => ({ status: 500, body: "oops" }));
    const clock = fakeClock();
    const model = await open(server, { clock, patienceSeconds: 100 });
    await expect(model.generate(request())).rejects.toThrow(/500.*since \d+ s/);
    expect(clock.now()).toBeLessThanOrEqual(100_000);
    expect(clock.now()).toBeGreaterThan(10_000);
  });

  test("an answer that takes too long", async () => {
    const server = await serve(async (_, index) => {
      if (index === 0) await new Promise((resolve) => setTimeout(resolve, 600));
      return completion("DEFECT");
    });
    const model = await open(server, { clock: fakeClock() }, { timeoutSeconds: 0.2 });
    expect((await model.generate(request())).text).toBe("DEFECT");
    expect(server.received).toHaveLength(2);
  });
});

describe("an answer without content", () => {
  test.each<readonly [string, Answer]>([
    ["no choices", { body: { choices: [] } }],
    ["no field of choices", { body: {} }],
    ["null", completion(null)],
    ["nothing", completion("")],
  ])("%s is asked for once more, then taken", async (_, empty) => {
    const server = await serve(() => empty);
    const answer = await (await open(server, { clock: fakeClock() })).generate(request());
    expect(answer.text ?? "").toBe("");
    expect(server.received).toHaveLength(2);
  });

  test("counts the tokens of both", async () => {
    const server = await serve((_, index) => completion(index === 0 ? "" : "DEFECT"));
    const answer = await (await open(server)).generate(request());
    expect(answer).toMatchObject({ text: "DEFECT", usage: { input: 200, output: 20 } });
  });
});

describe("what an answer is", () => {
  const ask = async (answer: Answer) => (await open(await serve(() => answer))).generate(request());

  test("reasoning is kept apart, whatever the server calls it", async () => {
    for (const field of ["reasoning_content", "reasoning"])
      expect(await ask(completion("DEFECT", { [field]: "COOPERATE?" }))).toMatchObject({
        text: "DEFECT",
        reasoning: "COOPERATE?",
      });
    expect(await ask(completion("<think>COOPERATE?</think>\nDEFECT"))).toMatchObject({
      text: "DEFECT",
      reasoning: "COOPERATE?",
    });
  });

  test("reasoning without an end has no answer", async () => {
    const cut = await ask(completion("<think>I could DEFECT", {}, "length"));
    expect(cut).toMatchObject({ finish: "length", reasoning: "I could DEFECT" });
    expect(cut.text).toBeUndefined();
    const apart = await ask(completion("", { reasoning_content: "I could DEFECT" }, "length"));
    expect(apart.text).toBeUndefined();
  });

  test("a refusal is one", async () => {
    expect(await ask(completion(null, { refusal: "I will not DEFECT" }))).toMatchObject({ finish: "refused" });
    expect(await ask(completion("no", {}, "content_filter"))).toMatchObject({ finish: "refused" });
  });

  test("log-probabilities and ignored settings arrive", async () => {
    const { body } = completion("DEFECT");
    const logprobs = { content: [{ token: "DEF", logprob: -0.5, top_logprobs: [{ token: "COO", logprob: -1 }] }] };
    const choices = [{ index: 0, message: { role: "assistant", content: "DEFECT" }, finish_reason: "stop", logprobs }];
    const server = await serve(() => ({ body: { ...body, choices } }));
    const model = await open(server, {}, { topLogprobs: 5, settings: { topK: 3, temperature: 0.5 } });
    const answer = await model.generate(request());
    expect(answer.logprobs).toEqual([{ token: "DEF", logprob: -0.5, top: [{ token: "COO", logprob: -1 }] }]);
    expect(answer.warnings).toEqual(["topK is not supported"]);
    expect(server.received[0].body).toMatchObject({ logprobs: true, top_logprobs: 5, temperature: 0.5, max_tokens: 2048 });
    expect(server.received[0].headers.authorization).toBe(`Bearer ${KEY}`);
  });
});

test("requests and tokens per minute are kept", async () => {
  const server = await serve(() => completion("DEFECT"));
  const clock = fakeClock();
  const model = await open(server, { clock, requestsPerMinute: 30, concurrency: 1 });
  for (let i = 0; i < 4; i++) await model.generate(request(i));
  // One every two seconds: the fourth begins at 6 s.
  expect(clock.now()).toBeCloseTo(6000, 6);

  const slow = fakeClock();
  const counted = await open(server, { clock: slow, tokensPerMinute: 60, concurrency: 1 }, { settings: { maxTokens: 10 } });
  for (let i = 0; i < 3; i++) await counted.generate(request(i));
  // 110 tokens a call, as the server counts, at one a second.
  expect(slow.now()).toBeCloseTo(220_000, 6);
});
