import { expect, test } from "vitest";
import { chatModel } from "./adapter.ts";
import { probe } from "./probe.ts";

test("the first call tells which of the settings that were asked for are ignored", async () => {
  // As @ai-sdk/openai warns for a model that reasons.
  const warnings = ["topK", "seed", "temperature"].map((feature) => ({ type: "unsupported", feature }));
  const source = { doGenerate: () => Promise.resolve({ content: [{ type: "text", text: "OK" }], warnings }) };
  expect(await probe(chatModel(source, { settings: { temperature: 0.5, seed: 1 } }))).toEqual({
    warnings: ["topK is not supported", "seed is not supported", "temperature is not supported"],
    dropped: ["seed", "temperature"],
    logprobs: false,
  });
  expect((await probe(chatModel(source))).dropped).toEqual([]);
});
