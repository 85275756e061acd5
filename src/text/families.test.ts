/**
 * Qwen 3.5 and Gemma 4 against Python: every id of `golden/golden.json` is what `transformers` and `tokenizers` (versions in the file)
 * give for the tokenizer folders beside it. `reference/golden-tokens.py` made all of it.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Chat, createChat } from "./chat.ts";
import { loadChat } from "./model-folder.ts";
import { createTemplate } from "./template.ts";
import { createTokenizer } from "./tokenizer.ts";

const ids = z.array(z.number());
const message = z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() });
const cases = z.object({
  prompts: z.array(
    z.object({
      thinking: z.boolean(),
      messages: z.array(message),
      variables: z.record(z.string(), z.unknown()).optional(),
      /** The template's text; absent where contents quote control tokens. */
      text: z.string().optional(),
      ids,
    }),
  ),
  continuations: z.array(z.object({ thinking: z.boolean(), question: message, sampled: ids, next: z.string(), after: ids })),
  finished: z.array(z.object({ thinking: z.boolean(), messages: z.array(message), ids })),
});
const family = cases.extend({ stop: ids, texts: z.array(z.object({ text: z.string(), ids, decoded: z.string() })) });
const golden = z
  .object({ "qwen3.5": family, gemma4: family, "gemma4-large": cases.extend({ tail: z.string() }) })
  .parse(JSON.parse(await readFile(new URL("golden/golden.json", import.meta.url), "utf8")));

const folderOf = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
const [qwen, qwenThinking, gemma, gemmaThinking] = await Promise.all(
  ["qwen3.5", "gemma4"].flatMap((name) => [false, true].map((thinking) => loadChat(folderOf(name), { thinking }))),
);
const { files } = gemma.tokenizer;
const largeTokenizer = createTokenizer({ ...files, chatTemplate: files.chatTemplate + golden["gemma4-large"].tail });
const [large, largeThinking] = [false, true].map((thinking) =>
  createChat(largeTokenizer, { variables: { enable_thinking: thinking } }),
);

for (const [name, { prompts, continuations, finished }, off, on] of [
  ["qwen3.5", golden["qwen3.5"], qwen, qwenThinking],
  ["gemma4", golden.gemma4, gemma, gemmaThinking],
  ["gemma4-large", golden["gemma4-large"], large, largeThinking],
] as const) {
  const chatOf = (thinking: boolean): Chat => (thinking ? on : off);
  describe(name, () => {
    for (const [i, { thinking, messages, variables, text, ids: expected }] of prompts.entries()) {
      test(`prompt ${i}: ${thinking ? "thinking, " : ""}${JSON.stringify(messages[messages.length - 1].content)}`, () => {
        const { tokenizer } = off;
        const all = { ...variables, enable_thinking: thinking };
        if (text !== undefined) expect(createTemplate(tokenizer, all).render(messages, true)).toBe(text);
        const chat = variables === undefined ? chatOf(thinking) : createChat(tokenizer, { variables: all });
        expect(chat.prompt(messages).tokens).toEqual(expected);
      });
    }

    test.each(continuations)("a conversation goes on, thinking $thinking", ({ thinking, question, sampled, next, after }) => {
      const chat = chatOf(thinking);
      const prompt = chat.prompt([question]);
      const ended = [...sampled, chat.stop[0]];
      expect(after[0]).toBe(chat.stop[0]);
      expect(chat.extend(prompt, sampled, next).tokens).toEqual([...prompt.tokens, ...sampled, ...after]);
      expect(chat.extend(prompt, ended, next).tokens).toEqual([...prompt.tokens, ...sampled, ...after]);
    });
  });

  // Where a prompt asks for an answer as the template writes one, prompt and reply are the template's whole conversation. The larger Gemma
  // models are asked with an empty thought that the template leaves out of finished conversations, so they have none here.
  test.each(finished)(`${name}: prompt and reply are the conversation, thinking $thinking`, ({ thinking, messages, ids }) => {
    const chat = chatOf(thinking);
    const reply = chat.reply(messages[2].content);
    const whole = [...chat.prompt(messages.slice(0, 2)).tokens, ...reply];
    // The line break after the end is the template's; Qwen's opened thinking splits the two line breaks of an empty thought.
    const rest = ids.slice(0, ids.lastIndexOf(chat.stop[0]) + 1);
    expect(chat.tokenizer.decode(whole, { spelled: new Set(whole) })).toBe(
      chat.tokenizer.decode(rest, { spelled: new Set(rest) }),
    );
    if (name !== "qwen3.5" || !thinking) expect(whole).toEqual(rest);
  });
}

for (const [name, { texts, stop }, chat] of [
  ["qwen3.5", golden["qwen3.5"], qwen],
  ["gemma4", golden.gemma4, gemma],
] as const)
  describe(`${name}: text`, () => {
    test.each(texts)("$text", ({ text, ids: expected, decoded }) => {
      expect(chat.tokenizer.encode(text)).toEqual(expected);
      expect(chat.tokenizer.decode(expected)).toBe(decoded);
    });

    test("ends where the model's files say", () => {
      expect(chat.stop.toSorted((a, b) => a - b)).toEqual(stop);
    });

    test("never holds a control token", () => {
      for (const content of chat.tokenizer.specials.keys()) {
        const tokens = chat.reply(`a${content}b`);
        expect(tokens.filter((token) => [...chat.tokenizer.specials.values()].includes(token))).toEqual([chat.stop[0]]);
      }
    });
  });

describe("thinking", () => {
  const thought = "I could FOLD.\nFOLD";
  const qwenReply = (...parts: string[]) => tokensOf(qwenThinking, ...parts);
  const gemmaReply = (...parts: string[]) => tokensOf(gemmaThinking, ...parts);

  test("stands at the end of Qwen's prompt and begins Gemma's reply", () => {
    const around = (chat: Chat) => {
      const { tokens } = chat.prompt([{ role: "user", content: "CALL or FOLD?" }]);
      return chat.tokenizer.decode(tokens, { spelled: new Set(tokens) }).split("CALL or FOLD?");
    };
    const endOf = (chat: Chat) => around(chat)[1];
    expect(endOf(qwenThinking)).toBe("<|im_end|>\n<|im_start|>assistant\n<think>\n");
    expect(endOf(qwen)).toBe("<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n");
    expect(endOf(gemmaThinking)).toBe("<turn|>\n<|turn>model\n");
    expect(endOf(gemma)).toBe("<turn|>\n<|turn>model\n");
    expect(endOf(large)).toBe("<turn|>\n<|turn>model\n<|channel>thought\n<channel|>");
    expect([gemma, gemmaThinking].map((chat) => around(chat)[0])).toEqual([
      "<bos><|turn>user\n",
      "<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\n",
    ]);
  });

  test("is no part of the answer", () => {
    expect(qwenThinking.answer(qwenReply(thought, "</think>", "\n\nI CALL.\nCALL", "<|im_end|>"))).toBe("\n\nI CALL.\nCALL");
    expect(gemmaThinking.answer(gemmaReply("<|channel>", `thought\n${thought}`, "<channel|>", "CALL", "<turn|>"))).toBe("CALL");
    // A model may think unasked, think again, or end a thought that began in the prompt.
    expect(gemma.answer(gemmaReply("I ", "<|channel>", "FOLD", "<channel|>", "CALL"))).toBe("I CALL");
    expect(qwen.answer(qwenReply("<think>", thought, "</think>", "CALL"))).toBe("CALL");
    expect(qwen.answer(qwenReply(thought, "</think>", "CALL"))).toBe("CALL");
    expect(qwen.answer(qwenReply("FOLD ", "<think>", thought, "</think>", "so", "</think>", "CALL"))).toBe("CALL");
  });

  test("that never ends leaves no answer", () => {
    expect(qwenThinking.answer(qwenReply(thought))).toBeUndefined();
    expect(qwenThinking.answer(qwenReply(thought, "<|im_end|>"))).toBeUndefined();
    expect(gemmaThinking.answer(gemmaReply("<|channel>", `thought\n${thought}`))).toBeUndefined();
    expect(gemmaThinking.answer(gemmaReply("CALL", "<|channel>", thought))).toBeUndefined();
    expect(qwenThinking.answer([])).toBeUndefined();
    expect(gemmaThinking.answer([])).toBe("");
  });

  test("is in the text of a reply between its markers", () => {
    expect(qwenThinking.text(qwenReply(thought, "</think>", "CALL", "<|im_end|>", "more"))).toBe(`${thought}</think>CALL`);
    expect(gemmaThinking.text(gemmaReply("<|channel>", "thought", "<channel|>", "<|think|>", "CALL", "<turn|>"))).toBe(
      "<|channel>thought<channel|>CALL",
    );
  });

  test("is kept as it was sampled, and closed, when an action is put at the end", () => {
    const open = qwenReply(thought);
    expect(qwenThinking.conclude(open, "CALL")).toEqual([...open, ...qwenReply("\n", "</think>", "\n\nCALL", "<|im_end|>")]);
    expect(qwenThinking.revise(open, "CALL")).toEqual(qwenThinking.conclude(open, "CALL"));
    const done = qwenReply(thought, "</think>", "\n\nI hold K.");
    expect(qwenThinking.conclude([...done, qwen.stop[0]], "CALL")).toEqual([...done, ...qwenReply("\nCALL", "<|im_end|>")]);
    const answered = qwenReply(thought, "</think>", "\n\nI hold K.\nFOLD", "<|im_end|>");
    expect(qwenThinking.revise(answered, "CALL")).toEqual(qwenReply(thought, "</think>", "\n\nI hold K.\nCALL", "<|im_end|>"));
    const channel = gemmaReply("<|channel>", "thought\nFOLD", "<channel|>");
    expect(gemmaThinking.revise([...channel, ...gemmaReply("PASS", "<turn|>")], "CALL")).toEqual([
      ...channel,
      ...gemmaReply("CALL", "<turn|>"),
    ]);
    expect(gemmaThinking.conclude(channel.slice(0, -1), "CALL")).toEqual([
      ...channel.slice(0, -1),
      ...gemmaReply("\n", "<channel|>", "CALL", "<turn|>"),
    ]);
  });
});

/** Tokens of parts, each a control token or a text. */
function tokensOf({ tokenizer }: Chat, ...parts: readonly string[]): readonly number[] {
  return parts.flatMap((part) => (tokenizer.specials.has(part) ? [tokenizer.special(part)] : tokenizer.encode(part)));
}
