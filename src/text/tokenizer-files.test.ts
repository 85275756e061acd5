/** Folders as other programs leave them: transformers, old and new, editors on Windows, interrupted downloads. */
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { trainTokenizer } from "./bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS } from "./chat.ts";
import { findModelFolder, loadChat } from "./model-folder.ts";
import { loadTokenizer, saveTokenizer } from "./tokenizer-files.ts";
import { TokenizerError, createTokenizer, tokenizerFiles } from "./tokenizer.ts";

const trained = trainTokenizer(["It's your turn: PASS or BET?", "You hold K, they hold J."], {
  vocabularySize: 270,
  specialTokens: SPECIAL_TOKENS,
});
const files = tokenizerFiles(trained, { chatTemplate: CHAT_TEMPLATE, end: END_TOKEN, pad: "<|pad|>", contextLength: 256 });
const ids = createTokenizer(files).encode("You hold K: BET?");
const NAMES = ["tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"] as const;

let home = "";
let folder = "";
let count = 0;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "sepo-folders-"));
});
beforeEach(async () => {
  folder = join(home, String(count++));
  await mkdir(folder);
  await saveTokenizer(folder, { ...files, generation: { eos_token_id: 4 } });
});
afterAll(() => rm(home, { recursive: true }));

const pathOf = (name: string): string => join(folder, name);
const write = (name: string, value: unknown) => writeFile(pathOf(name), JSON.stringify(value));
async function edit(name: string, change: (text: string) => string | Uint8Array): Promise<void> {
  await writeFile(pathOf(name), change(await readFile(pathOf(name), "utf8")));
}

describe("a folder is read", () => {
  test("whose files have byte order marks and the line ends of Windows", async () => {
    const before = await loadTokenizer(folder);
    for (const name of NAMES) await edit(name, (text) => `\uFEFF${text.replaceAll("\n", "\r\n")}`);
    expect(await loadTokenizer(folder)).toEqual(before);
    const chat = await loadChat(folder);
    expect(chat.prompt([{ role: "user", content: "You hold K: BET?" }]).tokens).toEqual([2, ...ids, 4, 3]);
  });

  test("whose settings hold the numbers that Python writes", async () => {
    await edit("tokenizer_config.json", (text) => text.replace("256", "Infinity"));
    await edit("generation_config.json", (text) => text.replace("{", '{ "temperature": NaN,'));
    const { config, generation } = await loadTokenizer(folder);
    expect([config["model_max_length"], generation]).toEqual([Infinity, { temperature: NaN, eos_token_id: 4 }]);
  });

  test("whose merges are texts, as before tokenizers 0.20", async () => {
    const merges = trained.model.merges.map((pair) => pair.join(" "));
    await write("tokenizer.json", { ...trained, model: { ...trained.model, merges } });
    expect(createTokenizer(await loadTokenizer(folder)).encode("You hold K: BET?")).toEqual(ids);
  });

  test("whose tokens have the form of transformers 4", async () => {
    const named = { __type: "AddedToken", content: "<|end|>", lstrip: false, normalized: false, rstrip: false };
    await write("tokenizer_config.json", { ...files.config, eos_token: named, bos_token: null });
    expect((await loadChat(folder)).stop).toEqual([4]);
  });

  test("whose chat template is in chat_template.json, one or several", async () => {
    await rm(pathOf("chat_template.jinja"));
    await write("chat_template.json", { chat_template: "one" });
    expect((await loadTokenizer(folder)).chatTemplate).toBe("one");
    await write("chat_template.json", { chat_template: [{ name: "default", template: "two" }] });
    expect((await loadTokenizer(folder)).chatTemplate).toBe("two");
    await write("tokenizer_config.json", { ...files.config, chat_template: "three" });
    expect((await loadTokenizer(folder)).chatTemplate).toBe("three");
    await writeFile(pathOf("chat_template.jinja"), "four");
    expect((await loadTokenizer(folder)).chatTemplate).toBe("four");
  });

  test("whose configuration adds tokens, and marks some as special", async () => {
    await edit("tokenizer.json", (text) => {
      const json = JSON.parse(text);
      // The configuration alone says that 2 is special, and alone has 270.
      json.added_tokens[2].special = false;
      return JSON.stringify(json);
    });
    const added_tokens_decoder = {
      "2": { content: "<|user|>", special: true },
      "270": { content: "<|tool|>", special: true, lstrip: false, rstrip: false, normalized: false, single_word: false },
    };
    await write("tokenizer_config.json", { ...files.config, added_tokens_decoder });
    const tokenizer = createTokenizer(await loadTokenizer(folder));
    expect(tokenizer.encodeTemplate("<|user|>PASS<|tool|>")).toEqual([2, ...tokenizer.encode("PASS"), 270]);
    expect(tokenizer.encode("<|tool|><|user|>")).not.toContain(270);
    expect(tokenizer.vocabularySize).toBe(271);
  });
});

describe("a folder is refused, by its file and what is in it,", () => {
  const refusal = async (): Promise<string> => {
    const error: unknown = await loadChat(folder).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TokenizerError);
    return error instanceof Error ? error.message : "";
  };

  test.each(NAMES)("with an empty %s", async (name) => {
    await writeFile(pathOf(name), "");
    expect(await refusal()).toMatch(new RegExp(`${name.replace(".", String.raw`\.`)}: expected .*; it is empty`));
  });

  test.each(NAMES.slice(0, 3))("with a cut %s", async (name) => {
    const { length } = await readFile(pathOf(name));
    await truncate(pathOf(name), length >> 1);
    expect(await refusal()).toContain(`${pathOf(name)}: expected JSON; it is truncated: it ends at line`);
  });

  test.each(NAMES)("with %s in UTF-16", async (name) => {
    await edit(name, (text) => Buffer.from(`\uFEFF${text}`, "utf16le"));
    expect(await refusal()).toMatch(/expected .* in UTF-8, but the file is UTF-16 \(little-endian\)/);
  });

  test("with a pointer in place of a large file", async () => {
    await writeFile(pathOf("tokenizer.json"), "version https://git-lfs.github.com/spec/v1\noid sha256:12\n");
    expect(await refusal()).toContain('it is malformed at line 1, column 1 (byte 0): got "version https://git-');
  });

  test("with chat templates of other names", async () => {
    await rm(pathOf("chat_template.jinja"));
    const chat_template = ["tool_use", "rag"].map((name) => ({ name, template: "x" }));
    await write("tokenizer_config.json", { ...files.config, chat_template });
    expect(await refusal()).toContain(
      `${pathOf("tokenizer_config.json")}: chat_template: expected one named "default", got "tool_use", "rag"`,
    );
    await write("tokenizer_config.json", { ...files.config, chat_template: 3 });
    expect(await refusal()).toMatch(/tokenizer_config\.json: chat_template: Invalid input, got 3/);
  });

  test("with tokens that contradict each other", async () => {
    const decoder = (id: string, content: string) =>
      write("tokenizer_config.json", { ...files.config, added_tokens_decoder: { [id]: { content, special: true } } });
    const where = `${pathOf("tokenizer.json")}: expected`;
    const says = "as added_tokens_decoder of tokenizer_config.json says; got";
    await decoder("2", "<|tool|>");
    expect(await refusal()).toBe(`${where} "<|tool|>" with id 2, ${says} "<|user|>"`);
    await decoder("300", "<|user|>");
    expect(await refusal()).toBe(`${where} "<|user|>" with id 300, ${says} id 2`);
    await decoder("two", "<|user|>");
    expect(await refusal()).toMatch(/tokenizer_config\.json: added_tokens_decoder\.two: Invalid/);
  });

  test("with parts that are not supported", async () => {
    const withPart = (part: object) => write("tokenizer.json", { ...trained, ...part });
    await withPart({ model: { type: "WordPiece", vocab: {} } });
    expect(await refusal()).toMatch(/tokenizer\.json: model\.type: Invalid input: expected "BPE", got "WordPiece"/);
    await withPart({ model: { ...trained.model, merges: [["a", "b"], "c d"] } });
    expect(await refusal()).toMatch(/tokenizer\.json: model\.merges: Invalid input, got \[\["a","b"\],"c d"\]/);
    await withPart({ pre_tokenizer: { type: "Morphemes" } });
    expect(await refusal()).toBe("tokenizer.json: not supported: Unknown PreTokenizer type: Morphemes");
  });

  test.each(["tokenizer.model", "vocab.json"])("with %s alone", async (name) => {
    await rm(pathOf("tokenizer.json"));
    await writeFile(pathOf(name), "{}");
    expect(await refusal()).toMatch(`${folder}: expected tokenizer.json, got ${name}; AutoTokenizer`);
    await expect(findModelFolder(folder)).rejects.toThrow(`expected tokenizer.json, got ${name}`);
  });
});
