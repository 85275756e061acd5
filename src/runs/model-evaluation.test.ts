/** Evaluations of chat models: killed ones that go on, replays, budgets, and what must never be written. */
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chatModel } from "../models/adapter.ts";
import { replayed } from "../models/cassette.ts";
import { type ChatModel, ModelError } from "../models/chat-model.ts";
import { openModel } from "../models/providers.ts";
import { type Answer, type ChatServer, chatServer, completion } from "../models/testing/server.ts";
import { rosterOf } from "../opponents/index.ts";
import { type ModelEvaluationOptions, evaluateModel, readModelEpisodes, readModelReport } from "./model-evaluation.ts";
import { measureModel } from "./measure-model.ts";
import { evaluationFile } from "./recording.ts";

const KEY = "sk-test-0123456789abcdefghij";
// Two rounds: an evaluation is a few dozen calls.
const rosters = [rosterOf("ipd", { options: { rounds: 2 } })];
const options: ModelEvaluationOptions = {
  name: "openai-compatible:m",
  seed: 0,
  episodes: 2,
  positions: 1,
  samples: 2,
  concurrency: 4,
  command: (episodes) => `evaluate ${episodes}`,
};

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sepo-models-"));
});
const servers: ChatServer[] = [];
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  for (const server of servers.splice(0)) await server.close();
});

/** A server that answers each question in its own way, some unreadably, whatever the order of the questions. */
function reply(messages: readonly { readonly role: string; readonly content: string }[]): Answer {
  const question = messages.map(({ content }) => content).join("\n");
  const again = messages.length > 2;
  if (question.includes("you COOPERATE, they COOPERATE"))
    return again ? completion("DEFECT") : completion("I would rather not say.");
  if (question.includes("they DEFECT.") && !again) return completion("COOPERATE or", {}, "length");
  return again ? completion("Still nothing.") : completion("A reason.\nCOOPERATE");
}

async function serve(answer: (index: number) => Answer | undefined = () => undefined): Promise<ChatServer> {
  const server = await chatServer((body, index) => answer(index) ?? reply(body.messages));
  servers.push(server);
  return server;
}

const open = ({ baseUrl }: ChatServer): Promise<ChatModel> =>
  openModel({ provider: "openai-compatible", model: "m" }, { baseUrl, apiKey: KEY });

/** Every file below a folder, by its path, without the one that knows a clock. */
async function contents(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name !== "finished.json")
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file.slice(path.length + 1), await readFile(file, "utf8")] as const)),
  );
}

/** The calls of a cassette in an order of their own, which concurrency does not change. */
const sorted = (text: string): string => text.split("\n").toSorted().join("\n");

describe("an evaluation that is stopped goes on", () => {
  test("with the same bytes, and asks nothing twice", async () => {
    const whole = join(folder, "whole");
    const healthy = await serve();
    await evaluateModel(whole, await open(healthy), rosters, options);
    const expected = await contents(whole);
    expect(Object.keys(expected).toSorted()).toEqual([
      "calls.jsonl",
      "evaluation.json",
      "evaluation/model.json",
      "evaluation/model.jsonl",
    ]);

    const stopped = join(folder, "stopped");
    // The key is withdrawn twice on the way; the second time the last line is torn, as a kill in the middle of writing leaves it.
    const faulty = await serve((index) => (index === 20 || index === 41 ? { status: 401, body: {} } : undefined));
    const model = await open(faulty);
    await expect(evaluateModel(stopped, model, rosters, options)).rejects.toThrow(ModelError);
    const kept = (await readFile(evaluationFile.calls(stopped), "utf8")).split("\n").length - 1;
    expect(kept).toBeGreaterThanOrEqual(20);
    await expect(evaluateModel(stopped, model, rosters, options)).rejects.toThrow(/check the provider's key/);
    const text = await readFile(evaluationFile.calls(stopped), "utf8");
    await truncate(evaluationFile.calls(stopped), Buffer.byteLength(text) - 30);
    await evaluateModel(stopped, model, rosters, options);

    const found = await contents(stopped);
    for (const file of Object.keys(expected).filter((name) => name !== "calls.jsonl")) expect(found[file]).toBe(expected[file]);
    expect(sorted(found["calls.jsonl"])).toBe(sorted(expected["calls.jsonl"]));
    // Two refusals and the torn call besides.
    expect(faulty.received).toHaveLength(healthy.received.length + 3);

    // Again, when it has ended: nothing is asked.
    await evaluateModel(stopped, model, rosters, options);
    expect(faulty.received).toHaveLength(healthy.received.length + 3);
    expect(await contents(stopped)).toEqual(found);
  });

  test("with one call at a time the cassette has the same bytes too, whatever the concurrency of the replay", async () => {
    const server = await serve();
    const model = await open(server);
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    await evaluateModel(one, model, rosters, { ...options, concurrency: 1 });
    await evaluateModel(two, model, rosters, { ...options, concurrency: 1 });
    expect(await contents(one)).toEqual(await contents(two));
    const { found, transcripts } = await measureModel(await replayed(evaluationFile.calls(one)), rosters, {
      ...options,
      concurrency: 3,
    });
    const stored = await readModelReport(one);
    expect(JSON.parse(JSON.stringify(found))).toEqual(
      JSON.parse(JSON.stringify({ report: stored.report, replies: stored.replies, consumption: stored.consumption })),
    );
    expect(transcripts.join("")).toBe(await readFile(evaluationFile.episodes(one), "utf8"));
  });
});

describe("a replay", () => {
  test("says what it lacks, and refuses a cassette of several models", async () => {
    await evaluateModel(folder, await open(await serve()), rosters, options);
    const path = evaluationFile.calls(folder);
    const model = await replayed(path);
    await expect(measureModel(model, rosters, { ...options, seed: 1 })).rejects.toThrow(
      /holds no answer for turn 1 of ipd\/train/,
    );
    await writeFile(
      path,
      `${await readFile(path, "utf8")}${(await readFile(path, "utf8")).replaceAll('"model":"m"', '"model":"n"')}`,
    );
    await expect(replayed(path)).rejects.toThrow(/openai-compatible:m and of openai-compatible:n/);
  });
});

test("what is repeated is asked again: samples, turns and episodes have answers of their own", async () => {
  let calls = 0;
  const model = chatModel(() => (calls++ % 2 === 0 ? "COOPERATE" : "DEFECT"));
  await evaluateModel(folder, model, rosters, { ...options, samples: 5 });
  const lines = (await readFile(evaluationFile.calls(folder), "utf8")).trim().split("\n");
  expect(lines).toHaveLength(calls);
  expect(lines.filter((line) => line.includes('"sample":4'))).not.toHaveLength(0);
});

describe("what is written", () => {
  test("counts unreadable replies by cause, and J without rescue", async () => {
    const found = await evaluateModel(folder, await open(await serve()), rosters, {
      ...options,
      price: { input: 1, output: 10 },
    });
    const [replies] = found.replies;
    const { unreadable, clarified, uniform, decisions } = replies;
    const failed = Object.values(unreadable).reduce((a, b) => a + b, 0);
    expect(unreadable.missing + unreadable.refused).toBeGreaterThan(0);
    expect(unreadable.cut).toBeGreaterThan(0);
    expect(clarified + uniform).toBe(failed);
    const [{ unreadableRate }] = found.report.games;
    expect(unreadableRate.value).toBeCloseTo(failed / decisions, 12);
    const { all, clarifying } = found.consumption;
    // Of the table's calls some are clarifying turns too.
    expect(clarifying.calls).toBeGreaterThanOrEqual(failed);
    // Every call of the server is 100 tokens in and 10 out: 100 * $1 + 10 * $10 = $200 per million calls.
    expect(found.cost?.all).toBeCloseTo((all.calls * 200) / 1e6, 12);
    expect(found.cost?.clarifying).toBeCloseTo((clarifying.calls * 200) / 1e6, 12);
    const episodes = await readModelEpisodes(folder);
    const told = episodes.flatMap((episode) => episode.decisions).filter(({ status }) => status !== "ok");
    expect(told).toHaveLength(failed);
    expect(told.every(({ reason, resolved, clarified: second }) => reason && resolved && second !== undefined)).toBe(true);
    expect(await readModelReport(folder)).toMatchObject({ replies: found.replies, consumption: found.consumption });
  });

  test("never holds the key, whatever the server says", async () => {
    const messages: string[] = [];
    const server = await serve((index) => {
      if (index === 3) return { status: 500, body: { error: { message: `failed for ${KEY}` } } };
      return index === 30 ? { status: 401, body: { error: { message: `Incorrect API key provided: ${KEY}` } } } : undefined;
    });
    const { redactor } = await import("../models/redact.ts");
    const given = { ...options, redact: redactor([KEY]), onMessage: (text: string) => messages.push(text) };
    const error = await evaluateModel(folder, await open(server), rosters, given).catch((caught: unknown) => String(caught));
    expect(error).toContain("Incorrect API key provided: [key]");
    expect(messages.join()).toContain("500 failed for [key]");
    await evaluateModel(folder, await open(server), rosters, given);
    for (const text of [error, messages.join(), ...Object.values(await contents(folder))]) expect(text).not.toContain(KEY);
    expect(server.received.every(({ headers }) => headers.authorization === `Bearer ${KEY}`)).toBe(true);
  });

  test("is not mixed with another model's, and nothing is left of what was refused", async () => {
    const server = await serve();
    await evaluateModel(folder, await open(server), rosters, options);
    const other = await openModel(
      { provider: "openai-compatible", model: "m" },
      { baseUrl: server.baseUrl, settings: { temperature: 0.5 } },
    );
    await expect(evaluateModel(folder, other, rosters, options)).rejects.toThrow(/choose another --out/);
    const refusing = await serve(() => ({ status: 401, body: {} }));
    await expect(evaluateModel(join(folder, "new"), await open(refusing), rosters, options)).rejects.toThrow(ModelError);
    expect(await readdir(folder)).not.toContain("new");
  });
});

test("a budget stops before the call that could exceed it, and counts what was paid before", async () => {
  const server = await serve();
  const model = await open(server);
  const limits = { ...options, concurrency: 1, price: { input: 0, output: 10 } };
  // At worst a call is 2048 tokens or $0.02048; really it is 10, or $0.0001.
  await expect(evaluateModel(folder, model, rosters, { ...limits, maxCost: 0.021 })).rejects.toThrow(
    /larger --max-cost goes on/,
  );
  // 0.021 - 0.02048 = 0.00052: six calls begin, as after the fifth $0.0005 are spent.
  expect(server.received).toHaveLength(6);
  await expect(evaluateModel(folder, model, rosters, { ...limits, maxCost: 0.0211 })).rejects.toThrow(ModelError);
  expect(server.received).toHaveLength(7);
});
