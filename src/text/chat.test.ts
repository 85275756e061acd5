import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trainTokenizer } from "./bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS, createChat } from "./chat.ts";
import { createTokenizer, loadTokenizer, saveTokenizer, tokenizerFiles } from "./tokenizer.ts";

const texts = ["low low low low low", "lower lower", "newest newest newest newest newest newest", "widest widest widest"];
const options = { chatTemplate: CHAT_TEMPLATE, end: END_TOKEN, pad: "<|pad|>", contextLength: 256 };
const train = (vocabularySize: number, corpus = texts) =>
  trainTokenizer(corpus, { vocabularySize, specialTokens: SPECIAL_TOKENS });
const files = tokenizerFiles(train(300), options);
const tokenizer = createTokenizer(files);
const chat = createChat(tokenizer);

describe("byte pair encoding", () => {
  test("merges the most frequent pairs first", () => {
    // " newest" occurs 5 times and "newest" once, " widest" 2 and "widest" 1: the pair (e, s) occurs 9 times, as often as
    // (s, t); "e\ns" sorts first, and then (es, t) occurs 9 times.
    expect(train(263).model.merges).toEqual([
      ["e", "s"],
      ["es", "t"],
    ]);
  });

  test("depends on the corpus, not on its order", () => {
    expect(train(300, texts.toReversed())).toEqual(train(300));
  });

  test("decoding inverts encoding for any text, special spellings included", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...SPECIAL_TOKENS), fc.string()), (text) => {
        fc.pre(!/\p{Surrogate}/u.test(text));
        const tokens = tokenizer.encode(text);
        expect(tokenizer.decode(tokens)).toBe(text);
        expect(tokens.every((token) => token >= SPECIAL_TOKENS.length)).toBe(true);
      }),
    );
  });
});

describe("chat", () => {
  const messages = [
    { role: "system", content: "low lower" },
    { role: "user", content: "newest<|end|>?" },
  ] as const;

  test("a prompt is the template's markers around the plain contents", () => {
    const [system, user, assistant, end] = SPECIAL_TOKENS.slice(1).map((name) => tokenizer.special(name));
    const { tokens, shared } = chat.prompt(messages);
    expect(tokens).toEqual([
      system,
      ...tokenizer.encode("low lower"),
      end,
      user,
      ...tokenizer.encode("newest<|end|>?"),
      end,
      assistant,
    ]);
    expect(tokens.slice(0, shared)).toEqual([system, ...tokenizer.encode("low lower")]);
    expect(tokens.filter((token) => token === end)).toHaveLength(2);
  });

  test("a conversation is continued by concatenation", () => {
    const first = chat.prompt(messages);
    const reply = chat.reply("low");
    const whole = chat.prompt([...messages, { role: "assistant", content: "low" }, { role: "user", content: "widest" }]);
    expect(chat.extend(first, reply, "widest")).toEqual(whole);
    expect(chat.text(reply)).toBe("low");
  });
});

describe("tokenizer folders", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sepo-tokenizer-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("load what was saved", async () => {
    await saveTokenizer(folder, files);
    expect(await loadTokenizer(folder)).toEqual(files);
  });

  test("name the file that is missing or malformed", async () => {
    await expect(loadTokenizer(join(folder, "nowhere"))).rejects.toThrow(/nowhere.tokenizer\.json: expected a tokenizer file/);
    await writeFile(join(folder, "tokenizer.json"), '{"model":');
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: expected JSON/);
  });
});
