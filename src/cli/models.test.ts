/** The commands that ask chat models, against a server on loopback. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChatServer, chatServer, completion } from "../models/testing/server.ts";
import { agentName } from "./agent-name.ts";

/** A port of loopback that nobody listens on: none of the registered services' use. */
const NOBODY = "http://127.0.0.1:2/v1";
const KEY = "sk-test-0123456789abcdefghij";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the built command line; `npm test` builds it first. */
const run = (folder: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  new Promise((end) => {
    const options = { encoding: "utf8", cwd: folder, env: { ...process.env, ...environment } } as const;
    const child = execFile(process.execPath, [resolve("dist/cli/main.js"), ...args], options, (_error, out, err) =>
      end({ code: child.exitCode ?? -1, out, err }),
    );
  });

describe("sepo evaluate MODEL", () => {
  let folder = "";
  let server: ChatServer;
  let refusing = false;
  const asked: string[] = [];
  const sepo = async (...args: readonly string[]): Promise<Outcome> => {
    const outcome = await run(folder, args, { OPENAI_COMPATIBLE_API_KEY: KEY });
    asked.push(outcome.out, outcome.err);
    return outcome;
  };
  const evaluate = (...more: readonly string[]) =>
    sepo(
      "evaluate",
      "openai-compatible:m",
      "--base-url",
      server.baseUrl,
      "--game",
      "ipd",
      "--episodes",
      "2",
      "--samples",
      "2",
      ...more,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sepo-cli-models-"));
    server = await chatServer(({ messages }, index) => {
      if (refusing && index > 60) return { status: 401, body: { error: { message: `Incorrect API key provided: ${KEY}` } } };
      return completion(messages.length === 2 && index % 10 === 9 ? "Who knows?" : "COOPERATE");
    });
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("says what it would cost before anything is sent", async () => {
    const { code, out } = await evaluate("--dry-run", "--price", "1,10");
    expect(code).toBe(0);
    // 12 opponents, 2 episodes of 8 rounds, and 5 information keys with 4 positions of 2 answers: 192 + 40.
    expect(out).toMatch(/^ipd +232 /m);
    const worded = await evaluate("--dry-run", "--wording", "all");
    expect(worded.out).toMatch(/^ipd wording "everyday" +232 /m);
    expect(worded.out).toMatch(/^all +928 /m);
    const listed = await sepo(
      "evaluate",
      "openai:gpt-5-mini",
      "--game",
      "ipd",
      "--episodes",
      "2",
      "--dry-run",
      "--max-cost",
      "1",
    );
    expect(listed.out).toContain("Price: $0.25 per million input tokens, $2 per million output tokens (price list of");
    expect(server.received).toHaveLength(0);
  });

  test("stops for a key that is refused and goes on when it is not", async () => {
    refusing = true;
    const stopped = await evaluate();
    expect(stopped).toMatchObject({ code: 4 });
    expect(stopped.err).toContain("Incorrect API key provided: [key]; check the provider's key in the environment");
    refusing = false;
    const before = server.received.length;
    expect(before).toBeGreaterThan(60);
    const { code, out } = await evaluate("--temperature", "1");
    expect({ code, out }).toMatchObject({ code: 2 });
    const finished = await evaluate();
    expect(finished.code).toBe(0);
    expect(finished.out).toMatch(/J without rescue/);
    expect(finished.err).toContain("runs/openai-compatible-m");
    const calls = await readFile(join(folder, "runs/openai-compatible-m/calls.jsonl"), "utf8");
    // All that were answered before the stop were kept.
    expect(calls.trim().split("\n")).toHaveLength(server.received.filter(({ status }) => status === 200).length);
  });

  test("its folder is reported, compared, read and exported", async () => {
    const out = "runs/openai-compatible-m";
    const asks = server.received.length;
    expect((await sepo("report", out, "--brief")).out).toMatch(/^ipd +openai-compatible:m +192 /m);
    const compared = await sepo("compare", out, "policy:ipd:always-cooperate", "--episodes", "2", "--json");
    expect(JSON.parse(compared.out)).toMatchObject([{ game: "ipd", second: "policy:ipd:always-cooperate" }]);
    expect((await sepo("compare", out, "ipd:always-cooperate", "--seed", "1")).err).toContain("--seed 0 --episodes 2");
    const read = await sepo("transcripts", out, "--unreadable", "--limit", "2");
    expect(read.out).toMatch(/reply\n {4}Who knows\?\n {2}unreadable \(missing\).*\n {2}second reply\n {4}COOPERATE/);
    expect(await sepo("export", "csv", out, "--out", "episodes.csv")).toMatchObject({ code: 0 });
    const rows = (await readFile(join(folder, "episodes.csv"), "utf8")).trim().split("\r\n");
    expect(rows).toHaveLength(25);
    expect(await sepo("export", "inspect", out, "--out", "log.json")).toMatchObject({ code: 0 });
    const log: unknown = JSON.parse(await readFile(join(folder, "log.json"), "utf8"));
    expect(log).toMatchObject({ version: 2, status: "success", results: { total_samples: 24 } });
    expect(await sepo("export", "parquet", out, "--out", "episodes.parquet")).toMatchObject({ code: 0 });
    expect((await readFile(join(folder, "episodes.parquet"))).subarray(0, 4).toString()).toBe("PAR1");
    expect((await sepo("export", "tensorboard", out, "--out", "events")).err).toContain("an evaluation has no steps");
    const board: unknown = JSON.parse((await sepo("leaderboard", out, "--json")).out);
    const standing = { agent: "openai-compatible:m", rank: [1, 1], tied: [], seed: 0 };
    expect(board).toMatchObject({ games: [{ game: "ipd", standings: [standing], calibration: { reference: "tit-for-tat" } }] });
    expect((await sepo("leaderboard", out)).out).toMatch(/\(J\*, the best of any policy\).*\n.*\(policy grim-trigger\)/);
    expect((await sepo("leaderboard", out, out)).err).toContain("given twice");
    // Asked while it is compared: what the evaluation holds is not asked again, and a third episode each is.
    const live = ["compare", "policy:ipd:always-cooperate", "openai-compatible:m", "--base-url", server.baseUrl];
    const again = await sepo(...live, "--episodes", "2", "--json");
    expect(JSON.parse(again.out)).toMatchObject([
      { game: "ipd", first: "policy:ipd:always-cooperate", second: "openai-compatible:m" },
    ]);
    expect(server.received).toHaveLength(asks);
    expect(await sepo(...live, "--episodes", "3")).toMatchObject({ code: 0 });
    // 12 opponents, 8 rounds, and the clarifying turns.
    const more = server.received.length - asks;
    expect(more).toBeGreaterThanOrEqual(96);
    expect(more).toBeLessThan(96 * 1.3);
    expect((await sepo("report", out, "--brief")).code).toBe(0);
    const asked = server.received.length;
    const replay = await sepo("evaluate", `cassette:${out}/calls.jsonl`, "--game", "ipd", "--episodes", "2", "--samples", "2");
    expect(replay.code).toBe(0);
    expect(server.received).toHaveLength(asked);
  });

  test("the key is in no file and no output", async () => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(4);
    for (const entry of files) expect(await readFile(join(entry.parentPath, entry.name), "utf8")).not.toContain(KEY);
    expect(asked.join("\n")).not.toContain(KEY);
  });

  test.each([
    [["evaluate", "openai:gpt"], /expected a key in OPENAI_API_KEY/, 4],
    [["evaluate", "anthropic:claude"], /expected a key in ANTHROPIC_API_KEY/, 4],
    [["evaluate", "openai-compatible:m"], /expected the server's address/, 4],
    [["evaluate", "openai-compatible:m", "--base-url", "localhost"], /begins with http/, 4],
    [["evaluate", "ollama:"], /expected a model after the colon/, 4],
    [["evaluate", "policy:ipd"], /policy:GAME:NAME/, 2],
    [["evaluate", "ollama:m", "--max-cost", "1"], /the price of ollama:m is not known; give it with --price/, 2],
    [["evaluate", "ollama:m", "--price", "1"], /two numbers/, 2],
    [["evaluate", "opnai:gpt-5"], /nothing is called "opnai"; names are openai:MODEL/, 2],
    [["compare", "opnai:gpt-5", "ipd:tit-for-tat"], /nothing is called "opnai"/, 2],
    [["evaluate", "ollama:m", "--base-url", NOBODY], /ECONNREFUSED.*start the server, or check its address/, 4],
    [["compare", "ollama:m", "ipd:tit-for-tat", "--base-url", NOBODY], /ECONNREFUSED.*start the server/, 4],
    [["evaluate", "policy:ipd:tit-for-tat", "--wording", "brief"], /read no words/, 2],
    [["evaluate", "ollama:m", "--wording", "shouted"], /brief/, 2],
    [["evaluate", "ollama:m", "--system", "nowhere.txt", "--dry-run"], /nowhere.txt/, 3],
  ] as const)("%s says what is missing", async (args, words, code) => {
    const outcome = await run(folder, args, { OPENAI_API_KEY: "", ANTHROPIC_API_KEY: "" });
    expect(outcome.err).toMatch(words);
    expect(outcome.code).toBe(code);
  });
});

test("an evaluation that is killed in the middle ends with the bytes of one that was not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sepo-cli-killed-"));
  // What is answered depends on the question alone.
  const server = await chatServer(async ({ messages }) => {
    await new Promise((later) => setTimeout(later, 2));
    return completion(messages[messages.length - 1].content.length % 3 === 0 ? "Who knows?" : "DEFECT");
  });
  const args = [
    "evaluate",
    "openai-compatible:m",
    "--base-url",
    server.baseUrl,
    "--game",
    "ipd",
    "--episodes",
    "2",
    "--samples",
    "2",
  ];
  const files = ["evaluation.json", "evaluation/model.json", "evaluation/model.jsonl"];
  const contents = () => Promise.all(files.map((file) => readFile(join(folder, "runs/openai-compatible-m", file), "utf8")));
  const calls = async () =>
    (await readFile(join(folder, "runs/openai-compatible-m/calls.jsonl"), "utf8")).split("\n").toSorted();
  try {
    expect(await run(folder, args)).toMatchObject({ code: 0 });
    const whole = { files: await contents(), calls: await calls() };
    const asked = server.received.length;
    await rm(join(folder, "runs"), { recursive: true });

    const child = execFile(process.execPath, [resolve("dist/cli/main.js"), ...args], { cwd: folder });
    const ended = new Promise((end) => child.once("exit", (_code, signal) => end(signal)));
    while (server.received.length < asked + 60) await new Promise((later) => setTimeout(later, 5));
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    const kept = (await readFile(join(folder, "runs/openai-compatible-m/calls.jsonl"), "utf8")).split("\n").length - 1;
    expect(kept).toBeGreaterThan(40);

    const before = server.received.length;
    expect(await run(folder, args)).toMatchObject({ code: 0 });
    expect({ files: await contents(), calls: await calls() }).toEqual(whole);
    expect(server.received.length - before).toBe(asked - kept);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

describe("a server that does not take what it is asked", () => {
  test.each([
    [
      "a model that is not there",
      404,
      'model "m" not found, try pulling it first',
      /try pulling it first; check the model's name/,
    ],
    [
      "a context too small for the prompt",
      400,
      "the request exceeds the available context size (256 tokens)",
      /context size.*give the server a larger context, or ask for shorter answers/,
    ],
    ["a key that is not taken", 401, "Unauthorized", /check the provider's key in the environment/],
  ])("%s ends the command with what to do", async (_, status, message, words) => {
    const folder = await mkdtemp(join(tmpdir(), "sepo-cli-refused-"));
    const server = await chatServer(() => ({ status, body: { error: { message } } }));
    const outcome = await run(folder, ["evaluate", "llamacpp:m", "--base-url", server.baseUrl, "--game", "ipd"]);
    await server.close();
    expect(outcome.err).toMatch(words);
    expect(outcome.code).toBe(4);
    expect(server.received).toHaveLength(1);
    // Nothing was answered, so nothing is left behind.
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true, force: true });
  });
});

test("the first colon splits a name", () => {
  expect(agentName("ollama:qwen3:0.6b")).toEqual({ kind: "model", provider: "ollama", model: "qwen3:0.6b" });
  expect(agentName("policy:kuhn:equilibrium-1/6")).toEqual({ kind: "policy", game: "kuhn", policy: "equilibrium-1/6" });
  expect(agentName("runs/latest")).toEqual({ kind: "path", path: "runs/latest" });
  expect(agentName("checkpoint:runs/a")).toEqual({ kind: "path", path: "runs/a" });
});
