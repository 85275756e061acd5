/** Answers as servers, proxies and broken networks give them. Every clock stands still but for the waits that a client asks for. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { ProfileName } from "./profiles.ts";
import { type Fault, TinkerServer } from "./testing/server.ts";
import { API_KEY, PROMPT, REQUESTS, SETTINGS, Subjects, adamOf, at, errorOf, first } from "./testing/subject.ts";

const subjects = new Subjects();
afterEach(() => subjects.close());
const start = subjects.start.bind(subjects);

const example = { prompt: PROMPT, completion: [2, 3], weights: [1, 1] };
const loss = { kind: "cross_entropy", examples: [example] } as const;

const page = (status: number, headers: Record<string, string> = {}): Fault => ({
  instead(response) {
    response.writeHead(status, { "Content-Type": "text/html", ...headers });
    response.end("<html>Sign in to continue</html>");
  },
});
describe("whatever a server asks for, requests are few", () => {
  const headers: readonly Record<string, string>[] = [
    { "retry-after": "0" },
    { "retry-after": "-1" },
    { "retry-after-ms": "0" },
    { "retry-after": "Fri, 31 Dec 1999 23:59:00 GMT" },
    { "retry-after": "now" },
    { "retry-after": "0", "x-should-retry": "true" },
    {},
  ];
  for (const status of [408, 409, 425, 429, 500, 503, 529])
    test.each(headers)(`${status} with %j`, async (sent) => {
      const { server, clock, open } = await start("tinker", at("create_session", { status, headers: sent }));
      const engine = await open();
      expect(await errorOf(engine.sample(REQUESTS, SETTINGS))).toMatch(/create_session: .*took no request for 300 s/);
      // 0.5, 1, 2, 4 and 8 seconds, and then as many times ten as 284.5 seconds hold.
      expect(server.count("create_session")).toBe(1 + 5 + 28);
      expect(clock.now()).toBeLessThanOrEqual(300_000);
    });

  test.each([408, 429, 500, 503])("a result that is refused with %i and no wait", async (status) => {
    const refused = at("retrieve_future", { status, headers: { "retry-after": "0" } });
    const { server, clock, open } = await start("tinker", refused);
    const engine = await open();
    expect(await errorOf(engine.sample(REQUESTS, SETTINGS))).toMatch(/create_model/);
    const seconds = clock.now() / 1000;
    expect(seconds).toBeGreaterThan(299);
    expect(seconds).toBeLessThanOrEqual(1800.1);
    expect(server.count("retrieve_future")).toBeLessThan(1 + 20 * Math.log2(seconds) + seconds / 2);
  });

  test("a result that is not there, asked for without end", async () => {
    const { server, open } = await start("tinker", at("retrieve_future", "queued"));
    const engine = await open();
    expect(await errorOf(engine.sample(REQUESTS, SETTINGS))).toMatch(
      /not finished by .* within 1800 s \(queue paused_capacity/,
    );
    // Every 0.1 s for 2 s, then every twentieth of the time so far up to 40 s, ln(20) / ln(21/20) times, then every 2 s.
    expect(server.count("retrieve_future")).toBeLessThan(20 + 62 + 880 + 10);
  });

  test("a wait longer than the client's patience ends with it", async () => {
    const { server, clock, open } = await start(
      "tinker",
      at("create_session", { status: 503, headers: { "retry-after": "86400" } }),
      { submitSeconds: 60 },
    );
    const engine = await open();
    expect(await errorOf(engine.sample(REQUESTS, SETTINGS))).toMatch(/took no request for 60 s; the last answer was: 503/);
    expect([server.count("create_session"), clock.slept]).toEqual([2, [60_000]]);
  });
});

describe("an answer that is no answer of the protocol", () => {
  const foreign: readonly (readonly [string, Fault, RegExp])[] = [
    ["a page", page(200), /expected JSON, got "<html>Sign in to continue<\/html>" \(32 bytes of text\/html\)/],
    ["nothing", { status: 200, body: "" }, /expected JSON, got an empty answer \(200, no content type\)/],
    ["nothing, with 204", { status: 204, body: "" }, /expected JSON, got an empty answer \(204/],
    ["broken JSON", { status: 200, body: '{"a":}' }, /expected JSON, got "{"a":}"/],
  ];
  for (const [name, fault, message] of foreign)
    test.each(["create_session", "asample", "retrieve_future"])(`${name} for %s is named soon`, async (operation) => {
      const { server, open } = await start("tinker", at(operation, fault));
      const engine = await open();
      const error = await errorOf(engine.sample(REQUESTS, SETTINGS));
      expect(error).toMatch(message);
      expect(error).toContain(server.baseUrl);
      expect(server.count(operation)).toBe(5);
    });

  test.each(["create_session", "asample", "retrieve_future"])(
    "a page that gives way for %s changes nothing",
    async (operation) => {
      const { open } = await start("tinker", first(operation, 4, page(200)));
      const plain = await start("tinker", () => undefined);
      expect(await (await open()).sample(REQUESTS, SETTINGS)).toEqual(await (await plain.open()).sample(REQUESTS, SETTINGS));
    },
  );

  test("at the start, as of a server of something else", async () => {
    const capabilities = "get_server_capabilities";
    const refused = async (fault: Fault) => errorOf((await start("skyrl-jax", at(capabilities, fault))).open());
    expect(await refused(page(200))).toMatch(/does not answer \(expected JSON, got "<html>.*is it a Tinker server\?/);
    expect(await refused(page(404))).toMatch(/answers 404 <html>.*is it a Tinker server\?/);
    expect(await refused({ status: 200, body: '{"models":[]}' })).toMatch(
      /capabilities: the server's answer is not of the protocol/,
    );
    expect(await refused({ status: 503, body: "starting" })).toMatch(/answers 503 starting/);
    const late = await start("skyrl-jax", first(capabilities, 2, { status: 503 }));
    await late.open();
    expect(late.clock.slept).toEqual([500, 1000]);
  });
});

describe("a redirection is named and never followed", () => {
  test.each([301, 302, 303, 307, 308])("%i", async (status) => {
    const elsewhere: IncomingMessage[] = [];
    const other = await TinkerServer.start({
      kind: "tinker",
      vocabularySize: 9,
      fault: () => ({
        instead(response, request) {
          elsewhere.push(request);
          response.end("{}");
        },
      }),
    });
    subjects.closes(() => other.stop());
    const location = { location: `${other.baseUrl}/login?key=${API_KEY}` };
    for (const operation of ["get_server_capabilities", "create_session", "asample", "retrieve_future"]) {
      const fault = at(operation, { status, headers: { ...location, "x-should-retry": "true" }, body: "" });
      const { server, open } = await start("tinker", fault);
      const error = await errorOf(open().then((engine) => engine.sample(REQUESTS, SETTINGS)));
      expect(error).toContain(`${status}, a redirection to ${other.baseUrl}/login, which is not followed`);
      expect(server.count(operation)).toBe(1);
    }
    expect(elsewhere).toEqual([]);
  });

  test("whose target is missing, or none", async () => {
    for (const [headers, target] of [
      [{}, "nowhere"],
      [{ location: "http://[" }, "an address that is none"],
    ] as const) {
      const { open } = await start("tinker", at("create_session", { status: 302, headers, body: "" }));
      expect(await errorOf((await open()).sample(REQUESTS, SETTINGS))).toContain(`a redirection to ${target}`);
    }
  });
});

describe("how an answer is sent does not change what it says", () => {
  const everywhere = (sends: (response: ServerResponse, answer: { type: string; bytes: Buffer }) => void) => () => ({ sends });
  const ways: readonly (readonly [string, Fault])[] = [
    [
      "compressed",
      everywhere((response, { type, bytes }) => {
        response.writeHead(200, { "Content-Type": type, "Content-Encoding": "gzip" });
        response.end(gzipSync(bytes));
      })(),
    ],
    [
      "byte by byte",
      everywhere((response, { type, bytes }) => {
        response.writeHead(200, { "Content-Type": type });
        for (const byte of bytes) response.write(Buffer.of(byte));
        response.end();
      })(),
    ],
    ["without a content type", everywhere((response, { bytes }) => void response.end(bytes))()],
    [
      "with another content type",
      everywhere((response, { type, bytes }) => {
        // Training results of this kind of server are protobuf, which no content can tell.
        const other = type === "application/json" ? "application/x-protobuf" : `${type}; charset=binary`;
        response.writeHead(200, { "Content-Type": other });
        response.end(bytes);
      })(),
    ],
    [
      "with a byte order mark",
      everywhere((response, { type, bytes }) => {
        response.writeHead(200, { "Content-Type": type });
        response.end(type === "application/json" ? Buffer.concat([Buffer.from("\uFEFF"), bytes]) : bytes);
      })(),
    ],
    ["with 201", everywhere((response, { bytes }) => void response.writeHead(201).end(bytes))()],
  ];
  const plain = async (fault: (operation: string) => Fault | undefined, kind: ProfileName = "tinker") => {
    const { open } = await start(kind, fault);
    const engine = await open();
    return [await engine.sample(REQUESTS, SETTINGS), kind === "tinker" ? await engine.accumulate(loss) : undefined];
  };
  test.each(ways)("%s", async (name, fault) => {
    const kind = name === "without a content type" || name === "with 201" ? "skyrl-jax" : "tinker";
    expect(
      await plain((operation) => (name === "with 201" && operation === "retrieve_future" ? undefined : fault), kind),
    ).toEqual(await plain(() => undefined, kind));
  });
});

describe("an answer that breaks off", () => {
  const cut = (response: ServerResponse, { type, bytes }: { type: string; bytes: Buffer }) => {
    response.writeHead(200, { "Content-Type": type, "Content-Length": bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  };
  const damaged = (response: ServerResponse, { type, bytes }: { type: string; bytes: Buffer }) => {
    response.writeHead(200, { "Content-Type": type, "Content-Encoding": "gzip" });
    response.end(gzipSync(bytes).subarray(0, 15));
  };
  const silent = (response: ServerResponse, { type, bytes }: { type: string; bytes: Buffer }) => {
    response.writeHead(200, { "Content-Type": type });
    response.write(bytes.subarray(0, 5));
  };
  test.each([
    ["in the middle", cut],
    ["while it is unpacked", damaged],
    ["and goes silent", silent],
  ])("%s is asked for again", async (_, sends) => {
    const plain = await start("tinker", () => undefined);
    const expected = await (await plain.open()).sample(REQUESTS, SETTINGS);
    const broken = (operation: string, count: number) =>
      operation !== "session_heartbeat" && count === 0 ? { sends } : undefined;
    const { open } = await start("tinker", broken, { answerSeconds: 0.2 });
    expect(await (await open()).sample(REQUESTS, SETTINGS)).toEqual(expected);
  });

  test("a part at a time is whole, however long the parts take together", async () => {
    const slow: Fault = {
      sends(response, { type, bytes }) {
        response.writeHead(200, { "Content-Type": type });
        // Eight parts 50 ms apart, under a limit of 200 ms between two.
        const size = Math.ceil(bytes.length / 8);
        const send = (part: number) => {
          if (part === 8) return void response.end();
          response.write(bytes.subarray(part * size, (part + 1) * size));
          setTimeout(send, 50, part + 1);
        };
        send(0);
      },
    };
    const { server, open } = await start("skyrl-jax", at("asample", slow), { answerSeconds: 0.2 });
    expect(await (await open()).sample(REQUESTS, SETTINGS)).toHaveLength(1);
    expect(server.count("asample")).toBe(1);
  });

  test("a trickle ends too", async () => {
    const timers: NodeJS.Timeout[] = [];
    const drip: Fault = {
      instead(response) {
        response.writeHead(200);
        timers.push(setInterval(() => response.write(" "), 5));
      },
    };
    const { open } = await start("tinker", at("create_session", drip), { answerSeconds: 0.3, submitSeconds: 0.4 });
    const error = await errorOf((await open()).sample(REQUESTS, SETTINGS));
    for (const timer of timers) clearInterval(timer);
    expect(error).toMatch(/create_session: .*no whole answer within 6 s/);
  });
});

describe("what is not a number stops with an error", () => {
  /** The answer of the server with a text replaced. */
  const edited = (from: RegExp, to: string): Fault => ({
    sends(response, { type, bytes }) {
      response.writeHead(200, { "Content-Type": type });
      response.end(bytes.toString("utf8").replace(from, to));
    },
  });
  const results = (fault: Fault, work: "sample" | "accumulate" | "score" | "step") =>
    start("skyrl-jax", (operation) => (operation === "retrieve_future" && armed ? fault : undefined)).then(
      async ({ server, open }) => {
        armed = false;
        const engine = await open();
        await engine.sample(REQUESTS, SETTINGS);
        if (work === "step") await engine.accumulate(loss);
        armed = true;
        const before = server.count("retrieve_future");
        const error = await errorOf(
          {
            sample: () => engine.sample(REQUESTS, SETTINGS),
            accumulate: () => engine.accumulate(loss),
            score: () => engine.score([{ prompt: PROMPT, continuation: [2, 3] }], 1),
            step: () => engine.step(adamOf("skyrl-jax")),
          }[work](),
        );
        expect(server.count("retrieve_future") - before).toBe(1);
        armed = false;
        return error;
      },
    );
  let armed = false;

  test.each(["NaN", "Infinity", "-Infinity"])("%s as Python writes it", async (value) => {
    const inLogprobs = edited(/-\d+\.\d+/, value);
    expect(await results(inLogprobs, "sample")).toMatch(`expected finite numbers, the server's answer holds ${value}: `);
    expect(await results(inLogprobs, "accumulate")).toContain(`holds ${value}`);
    expect(await results(inLogprobs, "score")).toContain(`holds ${value}`);
    expect(await results(edited(/"skyrl.ai\/grad_norm":[^}]+/, `"skyrl.ai/grad_norm":${value}`), "step")).toContain(value);
  });

  test("a number missing, too many, or of another type", async () => {
    const inLogprobs = (to: string) => edited(/(?<="(?:logprobs|data)":\[)[^\],]+/, to);
    expect(await results(inLogprobs("null"), "sample")).toMatch(/expected a finite log-probability, got null/);
    expect(await results(inLogprobs("1e999"), "sample")).toMatch(/expected number|finite|not of the protocol/);
    expect(await results(inLogprobs('"-1"'), "accumulate")).toMatch(/not of the protocol/);
    expect(await results(inLogprobs("-1,-1"), "sample")).toMatch(/asample: \d log-probabilities for \d tokens/);
    expect(await results(inLogprobs("-1,-1"), "accumulate")).toMatch(/3 log-probabilities for a datum of 2 tokens/);
    expect(await results(edited(/"logprobs"/, '"logits"'), "sample")).toMatch(/no log-probabilities for/);
    expect(await results(edited(/"logprobs"/, '"logits"'), "accumulate")).toMatch(/0 log-probabilities for a datum/);
    expect(await results(edited(/"loss_fn_outputs":\[.*\](?=,"metrics")/, '"loss_fn_outputs":[]'), "accumulate")).toMatch(
      /0 outputs for 1 datums/,
    );
  });

  test("also in protobuf, where it is four bytes", async () => {
    const nan: Fault = {
      sends(response, { type, bytes }) {
        // The only numbers of the answer with a sign and an exponent of -1 to 1, that is, from -4 to -0.5.
        const at = bytes.findIndex((byte, i) => (byte === 0xbf || byte === 0xc0) && i > 3 && (bytes[i - 1] & 0x80) === 0);
        const edit = Buffer.from(bytes);
        if (type.includes("protobuf")) edit.writeFloatLE(NaN, at - 3);
        response.writeHead(200, { "Content-Type": type });
        response.end(edit);
      },
    };
    const { open } = await start("tinker", at("retrieve_future", nan));
    expect(await errorOf((await open()).accumulate(loss))).toMatch(/forward_backward: the server's answer holds NaN for token/);
  });
});

describe("a server that starts again", () => {
  test("does not know its promises, which is named at once", async () => {
    const late: { server?: TinkerServer } = {};
    const { server, clock, open } = await start("open-rl", (operation, count) => {
      if (operation === "retrieve_future" && count === 3) late.server?.restart();
      return undefined;
    });
    late.server = server;
    const engine = await open();
    await engine.sample(REQUESTS, SETTINGS);
    expect(await errorOf(engine.accumulate(loss))).toMatch(
      /404 promise . is unknown; the server lost the operation and it is not known whether it took effect/,
    );
    expect(server.count("retrieve_future")).toBeLessThan(8);
    expect(clock.now()).toBeLessThan(5000);
  });

  test.each(["tinker", "skyrl-jax", "open-rl", "twinkle"] as const)(
    "%s: the model it had is named as unknown",
    async (kind) => {
      const { server, clock, open } = await start(kind, () => undefined);
      const engine = await open();
      await engine.sample(REQUESTS, SETTINGS);
      server.restart();
      const before = clock.now();
      expect(await errorOf(engine.accumulate(loss))).toMatch(/model .* is unknown|sent again|state is unknown/);
      expect(await errorOf(engine.sample(REQUESTS, SETTINGS))).toMatch(/is unknown/);
      expect(clock.now() - before).toBeLessThan(10_000);
    },
  );

  test("and is then not there ends after the patience for one request, not for one operation", async () => {
    const { clock, open } = await start("tinker", at("retrieve_future", { status: 502, body: "Bad Gateway" }));
    expect(await errorOf((await open()).sample(REQUESTS, SETTINGS))).toMatch(
      /create_model: .* could not be asked for the result for 300 s; the last answer was: 502 Bad Gateway/,
    );
    expect(clock.now()).toBeLessThan(320_000);
  });
});
