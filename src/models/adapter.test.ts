import { describe, expect, test } from "vitest";
import { seedKey } from "../random.ts";
import { answerOf, chatModel } from "./adapter.ts";
import type { ChatRequest } from "./chat-model.ts";
import { ModelError } from "./chat-model.ts";
import { limited } from "./limits.ts";
import { modelName } from "./providers.ts";
import { separateReasoning } from "./reasoning.ts";
import { redactor } from "./redact.ts";

const request: ChatRequest = {
  messages: [
    { role: "system", content: "rules" },
    { role: "user", content: "question" },
  ],
  place: { episode: "e", turn: 0, seat: 0 },
  key: seedKey(0),
};

describe("models of every major version of the AI SDK, by their structure", () => {
  test.each([
    // Version 1 (AI SDK 4): a text, a list of reasoning, flat counts.
    [
      "v1",
      {
        text: "DEFECT",
        reasoning: [{ type: "text", text: "why" }],
        finishReason: "stop",
        usage: { promptTokens: 5, completionTokens: 3 },
        warnings: [{ type: "unsupported-setting", setting: "topK" }],
      },
    ],
    // Version 2 (AI SDK 5): parts, flat counts.
    [
      "v2",
      {
        content: [
          { type: "reasoning", text: "why" },
          { type: "text", text: "DEFECT" },
        ],
        finishReason: "stop",
        usage: { inputTokens: 5, outputTokens: 3, reasoningTokens: 2 },
        warnings: [{ type: "unsupported-setting", setting: "topK" }],
      },
    ],
    // Versions 3 and 4 (AI SDK 6 and 7): nested counts and finish reason.
    [
      "v3",
      {
        content: [
          { type: "reasoning", text: "why" },
          { type: "text", text: "DEFECT" },
        ],
        finishReason: { unified: "stop", raw: "stop" },
        usage: { inputTokens: { total: 5 }, outputTokens: { total: 3, reasoning: 2 } },
        warnings: [{ type: "unsupported", feature: "topK" }],
      },
    ],
  ])("%s", async (specificationVersion, result) => {
    let given: unknown;
    const model = chatModel(
      {
        specificationVersion,
        provider: "acme.chat",
        modelId: "m",
        doGenerate(options: unknown) {
          given = options;
          return Promise.resolve(result);
        },
      },
      { settings: { temperature: 0.5, providerOptions: { effort: "low" } } },
    );
    expect(model).toMatchObject({ provider: "acme.chat", model: "m", settings: { maxTokens: 2048 } });
    expect(await model.generate(request)).toMatchObject({
      text: "DEFECT",
      reasoning: "why",
      finish: "stop",
      usage: { input: 5, output: 3 },
      warnings: ["topK is not supported"],
    });
    expect(given).toMatchObject({
      prompt: [
        { role: "system", content: "rules" },
        { role: "user", content: [{ type: "text", text: "question" }] },
      ],
      maxOutputTokens: 2048,
      temperature: 0.5,
      providerOptions: { acme: { effort: "low" } },
    });
  });

  test("a function is a model, its reasoning taken out", async () => {
    const model = chatModel(([{ content }]) => `<think>about ${content}</think>DEFECT`);
    expect(await model.generate(request)).toMatchObject({ text: "DEFECT", reasoning: "about rules", finish: "stop" });
  });

  test("what a function throws stops it, as nothing says that it may pass", async () => {
    const model = limited(
      chatModel(() => {
        throw new Error("out of luck");
      }),
    );
    await expect(model.generate(request)).rejects.toThrow(ModelError);
    await expect(model.generate(request)).rejects.toThrow(/out of luck/);
  });

  test("anything else is refused", () => {
    // @ts-expect-error What a program without types may pass.
    expect(() => chatModel({ generate: () => "" })).toThrow(/expected an object with doGenerate/);
  });
});

test("an answer cut in its reasoning is none, and one cut after it keeps its text", () => {
  const cut = { finishReason: { unified: "length" }, usage: {} };
  expect(answerOf({ ...cut, content: [{ type: "reasoning", text: "I might DEFECT" }] }).text).toBeUndefined();
  expect(answerOf({ ...cut, content: [{ type: "text", text: "DEMAND 1" }] })).toMatchObject({
    text: "DEMAND 1",
    finish: "length",
  });
});

test.each([
  ["DEFECT", { text: "DEFECT", reasoning: "" }],
  ["<think>a</think>\n\nDEFECT", { text: "DEFECT", reasoning: "a" }],
  // The beginning may stand in the prompt.
  ["a</think>DEFECT", { text: "DEFECT", reasoning: "a" }],
  ["<think>a</think>x<think>b</think>y", { text: "xy", reasoning: "a\nb" }],
  ["<|channel>a<channel|>DEFECT", { text: "DEFECT", reasoning: "a" }],
  ["<think>a", { reasoning: "a" }],
  ["x<think>a", { reasoning: "a" }],
  ["<think></think>DEFECT", { text: "DEFECT", reasoning: "" }],
])("reasoning in the text %s", (whole, expected) => {
  expect(separateReasoning(whole)).toEqual(expected);
});

test("secrets are taken out whole, and in part where servers quote their ends", () => {
  const redact = redactor(["sk-abcdefghijklmnop", "x"]);
  expect(redact("key sk-abcdefghijklmnop of x")).toBe("key [key] of x");
  expect(redact("key sk-abcde***ijklmnop")).toBe("key [key]***[key]");
});

test("names of models", () => {
  expect(modelName("ollama:qwen3:0.6b")).toEqual({ provider: "ollama", model: "qwen3:0.6b" });
  expect(modelName("ipd:tit-for-tat")).toBeUndefined();
  expect(() => modelName("openai:")).toThrow(/after the colon/);
});
