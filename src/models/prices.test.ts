import { expect, test } from "vitest";
import { listedPrice } from "./prices.ts";
import { importPackage } from "./providers.ts";

test("the list knows hosted models, by provider and name", async () => {
  // In dollars per million tokens, as the list of version 0.1.8 has them.
  expect(await listedPrice({ provider: "openai", model: "gpt-5-mini" })).toEqual({
    input: 0.25,
    output: 2,
    source: "price list of @pydantic/genai-prices, openai gpt-5-mini",
  });
  expect(await listedPrice({ provider: "anthropic", model: "claude-sonnet-4-20250514" })).toMatchObject({
    input: 3,
    output: 15,
  });
  expect(await listedPrice({ provider: "google", model: "gemini-2.5-flash" })).toMatchObject({ input: 0.3, output: 2.5 });
  const hosted = await listedPrice({ provider: "openai-compatible", model: "deepseek-chat" }, "https://api.deepseek.com/v1");
  expect(hosted?.source).toContain("deepseek");
});

test("nothing is known of models that it does not name, nor of servers of one's own", async () => {
  expect(await listedPrice({ provider: "openai", model: "nothing-7" })).toBeUndefined();
  expect(await listedPrice({ provider: "ollama", model: "gpt-5-mini" })).toBeUndefined();
  expect(await listedPrice({ provider: "openai-compatible", model: "gpt-5-mini" }, "http://127.0.0.1:8000/v1")).toBeUndefined();
});

test("a package that is not installed is an error that says how to get it", async () => {
  await expect(importPackage("@ai-sdk/not-there", "vendor")).rejects.toThrow(
    "vendor: needs a package that is not installed: npm install @ai-sdk/not-there",
  );
});
