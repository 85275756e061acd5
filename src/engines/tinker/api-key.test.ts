/** The API key appears nowhere but in the requests. Every clock stands still but for the waits that a client asks for. */
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { seedKey } from "../../random.ts";
import { createTinkerEngine } from "./engine.ts";
import type { Fault } from "./testing/server.ts";
import { API_KEY, REQUESTS, SETTINGS, Subjects, adamOf, at, errorOf, instantClock } from "./testing/subject.ts";

const subjects = new Subjects();
afterEach(() => subjects.close());
const start = subjects.start.bind(subjects);

describe("the API key", () => {
  test("is in no error, event or message, whatever a server repeats", async () => {
    const echo: Fault = {
      instead(response, request) {
        response.writeHead(500, { "Content-Type": "text/plain" });
        response.end(`you sent ${String(request.headers["x-api-key"])}${"x".repeat(90)} ${API_KEY}`);
      },
    };
    const said: string[] = [];
    for (const [operation, kind] of [
      ["get_server_capabilities", "tinker"],
      ["create_session", "tinker"],
      ["asample", "twinkle"],
      ["retrieve_future", "tinker"],
      ["optim_step", "open-rl"],
    ] as const) {
      const { events, open } = await start(kind, at(operation, echo), { submitSeconds: 10, deadlineSeconds: 10 });
      const work = async () => {
        const engine = await open();
        await engine.sample(REQUESTS, SETTINGS);
        await engine.step(adamOf(kind));
      };
      said.push(await errorOf(work()), JSON.stringify(events));
    }
    const page: Fault = { status: 200, body: `<p>${API_KEY}</p>` };
    said.push(await errorOf((await (await start("tinker", at("create_session", page))).open()).sample(REQUESTS, SETTINGS)));
    const session = { session_id: "1", info_message: `hello ${API_KEY}`, error_message: `no ${API_KEY}` };
    const greeting = await start("tinker", at("create_session", { status: 200, body: JSON.stringify(session) }));
    said.push(await errorOf((await greeting.open()).sample(REQUESTS, SETTINGS)), JSON.stringify(greeting.events));
    expect(said.join("\n")).not.toContain(API_KEY);
    expect(said.join("\n")).not.toContain(API_KEY.slice(4));
    expect(said.filter((text) => text.includes("[API key]")).length).toBeGreaterThan(5);
  });

  test("is in no file of a checkpoint", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sepo-key-"));
    subjects.closes(() => rm(folder, { recursive: true }));
    await (await (await start("tinker", () => undefined)).open()).save(folder);
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
    expect(files.map(({ name }) => name).toSorted()).toEqual([
      "adapter_config.json",
      "adapter_model.safetensors",
      "tinker.json",
    ]);
    for (const { parentPath, name } of files) expect(await readFile(join(parentPath, name), "latin1")).not.toContain(API_KEY);
  });

  test("must be given, and be one that a header can carry, which is checked without showing it", async () => {
    const options = { profile: "tinker", baseUrl: "http://127.0.0.1:1", baseModel: "x", rank: 1 } as const;
    const create = (more: object) =>
      errorOf(
        createTinkerEngine({
          ...options,
          vocabularySize: 9,
          contextLength: 9,
          key: seedKey(1),
          clock: instantClock(),
          ...more,
        }),
      );
    const before = process.env["TINKER_API_KEY"];
    process.env["TINKER_API_KEY"] = API_KEY;
    expect(await create({})).toMatch(/expected an API key/);
    if (before === undefined) delete process.env["TINKER_API_KEY"];
    else process.env["TINKER_API_KEY"] = before;
    expect(await create({ apiKey: " \n" })).toMatch(/expected an API key/);
    for (const apiKey of ["tml-Very\nSecret", "tml-Verysécret", "tml-Very Secret"]) {
      const error = await create({ apiKey });
      expect(error).toMatch(/the API key's character \d+ of \d+ is none that a header can carry/);
      expect(error).not.toContain("Very");
    }
    // White space around a key comes from files and clipboards.
    expect(await create({ apiKey: `${API_KEY}\r\n` })).toMatch(/does not answer \(.*\); a proxy in HTTPS_PROXY/);
  });

  test("may not stand in the address, which must be one", async () => {
    const create = (baseUrl: string) => start("tinker", () => undefined, { baseUrl }).then(({ open }) => errorOf(open()));
    const error = await create("http://me:VerySecret@127.0.0.1:1/");
    expect(error).toMatch(/http:\/\/127\.0\.0\.1:1: expected a base URL without a user and a password/);
    expect(error).not.toContain("VerySecret");
    expect(await create("127.0.0.1:8000")).toMatch(/expected the server's base URL, such as/);
    expect(await create("ftp://127.0.0.1")).toMatch(/expected the server's base URL/);
    expect(await create("http://127.0.0.1:1/?key=a")).toMatch(/without \? and #/);
  });

  test("a token that no header can carry is not shown either", async () => {
    const token = { status: 200, body: JSON.stringify({ jwt: "x.VerySecret\n.y" }) };
    const { open } = await start("tinker", (operation) =>
      operation === "client/config"
        ? { status: 200, body: '{"pjwt_auth_enabled":true}' }
        : operation === "auth/token"
          ? token
          : undefined,
    );
    const error = await errorOf(open());
    expect(error).toMatch(/auth\/token: expected a JSON Web Token/);
    expect(error).not.toContain("VerySecret");
  });
});
