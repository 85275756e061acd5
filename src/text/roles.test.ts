/** Templates that treat the roles in their own ways; turns are Qwen's, whose tokenizer is in `golden`. */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Message, createChat } from "./chat.ts";
import { modelChat } from "./model-folder.ts";
import { loadTokenizer } from "./tokenizer-files.ts";
import { TokenizerError, createTokenizer } from "./tokenizer.ts";

const files = await loadTokenizer(fileURLToPath(new URL("golden/qwen3.5", import.meta.url)));
const chatOf = (chatTemplate: string) => modelChat({ ...files, chatTemplate });

const turn = (content: string) => `{{ '<|im_start|>' + m.role + '\\n' + ${content} + '<|im_end|>\\n' }}`;
const open = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const each = (body: string) => `{% for m in messages %}${body}{% endfor %}`;
const RULES = "Rules of the prisoner's dilemma:\n\nYou COOPERATE or DEFECT.";
const question: readonly Message[] = [
  { role: "system", content: RULES },
  { role: "user", content: "Round 1 of 2." },
];
/** What a chat's prompt says, control tokens and all. */
function promptOf(template: string): string {
  const chat = chatOf(template);
  const { tokens } = chat.prompt(question);
  return chat.tokenizer.decode(tokens, { spelled: new Set(tokens) });
}

describe("a system message", () => {
  test("stays where the template writes it", () => {
    const template = each(turn("m.content")) + open;
    expect(chatOf(template).notes).toEqual([]);
    expect(promptOf(template)).toBe(
      `<|im_start|>system\n${RULES}<|im_end|>\n<|im_start|>user\nRound 1 of 2.<|im_end|>\n<|im_start|>assistant\n`,
    );
  });

  const inUserTurn = `<|im_start|>user\n${RULES}\n\nRound 1 of 2.<|im_end|>\n<|im_start|>assistant\n`;

  test("that the template leaves out goes to the head of the user's message, and is shared", () => {
    const template = each(`{% if m.role == 'user' or m.role == 'assistant' %}${turn("m.content")}{% endif %}`) + open;
    const chat = chatOf(template);
    expect(chat.notes).toEqual([
      "the chat template leaves the system message out; what it would say stands at the head of the user's first message",
    ]);
    expect(promptOf(template)).toBe(inUserTurn);
    const { tokens, shared } = chat.prompt(question);
    expect(chat.tokenizer.decode(tokens.slice(0, shared))).toContain(RULES);
    expect(chat.prompt([question[0], { role: "user", content: "Round 2." }]).tokens.slice(0, shared)).toEqual(
      tokens.slice(0, shared),
    );
    // Without a user's message, or a system message, there is nothing to join.
    expect(chat.prompt(question.slice(0, 1)).tokens).toEqual(chat.prompt([{ role: "user", content: RULES }]).tokens);
    expect(chat.prompt(question.slice(1)).shared).toBe(0);
  });

  test("that the template refuses goes there too, as with Gemma 2", () => {
    const template =
      "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" +
      each(turn("m['content'] | trim")) +
      open;
    expect(chatOf(template).notes).toEqual([
      expect.stringMatching(/^the chat template refuses a system message \(.*System role not supported\); what it would say/),
    ]);
    expect(promptOf(template)).toBe(inUserTurn);
  });

  // Mistral's templates put it into the first user message themselves, and ask for an answer whether or not told to.
  const mistral = (end: string) =>
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content + '\\n\\n' %}{% set rest = messages[1:] %}" +
    "{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}" +
    `{% if m.role == 'user' %}{{ '<|im_start|>' + (system if loop.first else '') + m.content + '${end}' }}` +
    "{% else %}{{ ' ' + m.content + '<|im_end|>' }}{% endif %}{% endfor %}";

  test("that the template puts into the user's message stays the template's", () => {
    expect(chatOf(mistral("<|im_start|>")).notes).toEqual([]);
    expect(promptOf(mistral("<|im_start|>"))).toBe(`<|im_start|>${RULES}\n\nRound 1 of 2.<|im_start|>`);
  });
});

describe("a template is refused that", () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ["never opens the assistant's turn", each(turn("m.content")), /ignores add_generation_prompt.*ends in ".*<\|im_end\|>\\n"/],
    [
      "leaves the user's message out",
      each(`{% if m.role != 'user' %}${turn("m.content")}{% endif %}`) + open,
      /content of the user message once and as it is: it leaves it out/,
    ],
    [
      "writes the first user message alone",
      each(`{% if m.role != 'user' or loop.first %}${turn("m.content")}{% endif %}`) + open,
      /content of the second user message .*: it leaves it out/,
    ],
    ["cuts contents", each(turn("m.content[:500]")) + open, /user message .*changes it or writes a part of it/],
    [
      "cuts the system message",
      each(turn("m.content[:500] if m.role == 'system' else m.content")) + open,
      /system message .*changes it or writes a part of it/,
    ],
    ["rewrites contents", each(turn("m.content | upper")) + open, /user message .*changes it/],
    ["joins lines", each(turn("m.content | replace('\\n', ' ')")) + open, /user message .*changes it/],
    ["writes contents twice", each(turn("m.content + m.content")) + open, /user message .*several times/],
    [
      "writes the system message twice",
      each(turn("m.content + (m.content if m.role == 'system' else '')")) + open,
      /system message .*several times/,
    ],
  ];
  test.each(refused)("%s", (_, template, message) => {
    expect(() => chatOf(template)).toThrow(TokenizerError);
    expect(() => chatOf(template)).toThrow(message);
    expect(() => createChat(createTokenizer({ ...files, chatTemplate: template }))).toThrow(message);
  });

  test("refuses every conversation, with its own words", () => {
    expect(() => chatOf("{{ raise_exception('no talking') }}")).toThrow(/rejects the roles user: .*no talking/);
  });
});

test("a template with the line ends of Windows writes what it writes with others", () => {
  const template = `${each(turn("m.content"))}\n\n${open}`;
  expect(promptOf(template.replaceAll("\n", "\r\n"))).toBe(promptOf(template));
});
