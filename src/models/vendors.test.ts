/** The vendors' own packages over their wire shapes, which `@copilotkit/aimock` speaks on loopback. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rosterOf } from "../opponents/index.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { seedKey } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { type GenerativeModel, chatModel } from "./adapter.ts";
import { limited } from "./limits.ts";
import { probe } from "./probe.ts";

const KEY = "not-a-key-of-anybody";
/** Each shape has its own names for them. */
const TOKENS = {
  prompt_tokens: 90,
  completion_tokens: 8,
  input_tokens: 90,
  output_tokens: 8,
  promptTokenCount: 90,
  candidatesTokenCount: 8,
};
const mock = new LLMock({ port: 0 });
let url = "";
beforeAll(async () => {
  // What the model says depends on what it is asked, so that an answer that came back proves that the question arrived.
  mock.onMessage(/Your reply could not be used/, { content: "Then COOPERATE.\nCOOPERATE" });
  mock.onMessage(/Round 2 of 8/, { content: "I am not sure." });
  mock.onMessage(/Round 1 of 8/, { content: "They know nothing of me.\n\nDEFECT", usage: TOKENS });
  mock.onMessage(/OK/, { content: "OK" });
  await mock.start();
  ({ url } = mock);
});
afterAll(() => mock.stop());

const VENDORS: readonly (readonly [name: string, open: () => GenerativeModel])[] = [
  ["openai, responses", () => createOpenAI({ apiKey: KEY, baseURL: `${url}/v1` })("gpt-4o")],
  ["openai, chat completions", () => createOpenAI({ apiKey: KEY, baseURL: `${url}/v1` }).chat("gpt-4o")],
  ["anthropic", () => createAnthropic({ apiKey: KEY, baseURL: `${url}/v1` })("claude-sonnet-4-20250514")],
  ["google", () => createGoogleGenerativeAI({ apiKey: KEY, baseURL: `${url}/v1beta` })("gemini-2.5-flash")],
  ["openai-compatible", () => createOpenAICompatible({ name: "vllm", apiKey: KEY, baseURL: `${url}/v1` })("qwen3")],
];

const { game } = rosterOf("ipd");
const views = abstractViews(game, [0]);
const request = (key: string) => ({ game, view: views.get(key), key: seedKey(0) });

describe.each(VENDORS)("%s", (_, open) => {
  test("is probed and decides, with its tokens counted", async () => {
    const model = chatModel(open(), { settings: { maxTokens: 64 } });
    expect(await probe(model)).toMatchObject({ dropped: [], logprobs: false });
    const [decision] = await chatPlayer(limited(model)).decide([request("start")]);
    expect(decision).toMatchObject({ action: "DEFECT", parsed: { status: "ok" } });
    const [{ usage, finish }] = decision.answers ?? [];
    expect(finish).toBe("stop");
    expect(usage).toMatchObject({ input: 90, output: 8 });
  });

  test("is told what was wrong with an unreadable reply", async () => {
    const model = chatModel(open(), { settings: { maxTokens: 64 } });
    const [decision] = await chatPlayer(limited(model)).decide([request("CC")]);
    expect(decision).toMatchObject({
      action: "COOPERATE",
      resolved: "clarified",
      parsed: { status: "parse-failure", cause: "missing" },
    });
  });
});
