/**
 * Ids and chats as Python's `tokenizers` 0.23.3 and `transformers` 5.24.0 give them. `reference/compare-tokenizer.py` made the
 * pinned numbers and says how to run it; the same command compares all the texts that are generated here.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { trainTokenizer } from "./bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, type Message, SPECIAL_TOKENS } from "./chat.ts";
import { createTemplate } from "./template.ts";
import { saveTokenizer } from "./tokenizer-files.ts";
import { createTokenizer, tokenizerFiles } from "./tokenizer.ts";

const corpus = [
  "You play 6 hands of Kuhn poker against one opponent. The deck is J, Q, K; K is highest, J lowest.",
  "You hold K. It's your turn: the other player bets 1 chip. CALL or FOLD?\nCALL\n",
  "You hold J. It's your turn: the other player passed. PASS or BET?\nPASS\n",
];
const files = tokenizerFiles(trainTokenizer(corpus, { vocabularySize: 300, specialTokens: SPECIAL_TOKENS }), {
  chatTemplate: CHAT_TEMPLATE,
  end: END_TOKEN,
  pad: "<|pad|>",
  contextLength: 256,
});
const tokenizer = createTokenizer(files);
const template = createTemplate(tokenizer);

/** [text, Python's ids] */
const TEXTS: readonly (readonly [string, readonly number[]])[] = [
  ["You hold K.", [270, 109, 116, 113, 105, 268, 51]],
  ["It's 1024 chips, x=3.50!", [78, 121, 276, 54, 53, 55, 57, 37, 104, 109, 110, 117, 120, 292, 125, 66, 56, 51, 58, 53, 38]],
  ["a  b \n\n c\t", [102, 37, 37, 103, 37, 15, 15, 37, 104, 14]],
  ["café 文 😀 e\u0301", [104, 102, 107, 200, 174, 37, 235, 155, 140, 37, 245, 164, 157, 133, 37, 106, 209, 134]],
  ["\u0085\uFEFF\u00A0½Ⅻ٣", [199, 138, 244, 192, 196, 199, 165, 199, 194, 231, 138, 176, 222, 168]],
  ["<|user|>CALL<|end|>", [65, 129, 122, 120, 106, 119, 129, 67, 72, 298, 65, 129, 106, 115, 105, 129, 67]],
];
const CONVERSATION: readonly Message[] = [
  { role: "system", content: "You hold K." },
  { role: "user", content: "CALL or FOLD?" },
  { role: "assistant", content: "CALL" },
  { role: "user", content: " 12 chips\n" },
];

test.each(TEXTS)("%j has the ids that Python gives it", (text, ids) => {
  expect(tokenizer.encode(text)).toEqual(ids);
});

test("a chat has the text and ids that Python gives it", () => {
  expect(template.render(CONVERSATION, true)).toBe(
    "<|system|>You hold K.<|end|><|user|>CALL or FOLD?<|end|><|assistant|>CALL<|end|><|user|> 12 chips\n<|end|><|assistant|>",
  );
  expect(template.encode(CONVERSATION, true)).toEqual([
    1, 270, 109, 116, 113, 105, 268, 51, 4, 2, 72, 298, 262, 261, 75, 84, 81, 73, 68, 4, 3, 72, 298, 4, 2, 37, 54, 55, 37, 104,
    109, 110, 117, 120, 15, 4, 3,
  ]);
});

/** Runs only to make the folder that the Python script reads. */
test.runIf(process.env["SEPO_EXPORT"] !== undefined)("exports a folder to compare", async () => {
  const folder = process.env["SEPO_EXPORT"]!;
  await mkdir(folder, { recursive: true });
  await saveTokenizer(folder, files);
  const pieces = [
    "It's",
    " hold",
    " K.",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u0085",
    "\uFEFF",
    "\u00A0",
    "\u2028",
    "12",
    "½",
    "Ⅻ",
    "٣",
    "文",
    "😀",
    "e\u0301",
  ];
  const word = fc.oneof(fc.constantFrom(...pieces, ...SPECIAL_TOKENS), fc.string({ unit: "binary", maxLength: 8 }));
  const generated = fc.sample(
    fc.array(word, { maxLength: 12 }).map((words) => words.join("")),
    { numRuns: 5000, seed: 1 },
  );
  const texts = [...TEXTS.map(([text]) => text), ...corpus, ...generated];
  const comparison = {
    pinned: TEXTS.length,
    texts: texts.map((text) => ({ text, ids: tokenizer.encode(text) })),
    conversations: [true, false].map((answer) => ({
      messages: CONVERSATION,
      answer,
      text: template.render(CONVERSATION, answer),
      ids: template.encode(CONVERSATION, answer),
    })),
    end: tokenizer.special(END_TOKEN),
    pad: tokenizer.special("<|pad|>"),
    vocabularySize: tokenizer.vocabularySize,
  };
  await writeFile(join(folder, "comparison.json"), JSON.stringify(comparison));
});
