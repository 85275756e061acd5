import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { trainTokenizer } from "./bpe.ts";
import { boundedCache } from "./cache.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS } from "./chat.ts";
import { loadTokenizer, saveTokenizer } from "./tokenizer-files.ts";
import { TokenizerError, createTokenizer, tokenizerFiles } from "./tokenizer.ts";

const trained = trainTokenizer(["It's your turn: PASS or BET?", "You hold K, they hold J.  It's theirs."], {
  vocabularySize: 270,
  specialTokens: SPECIAL_TOKENS,
});
const files = tokenizerFiles(trained, { chatTemplate: CHAT_TEMPLATE, end: END_TOKEN, pad: "<|pad|>", contextLength: 256 });
const tokenizer = createTokenizer(files);
/** Any Unicode text, rich in what the word pattern looks at and in spellings of special tokens. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        ...SPECIAL_TOKENS,
        "It's",
        " hold",
        "  ",
        "\n",
        "\u0085",
        "\uFEFF",
        "\u00A0",
        "12",
        "Ⅻ",
        "٣",
        "😀",
        "e\u0301",
      ),
    ),
  )
  .map((parts) => parts.join(""));

describe("text", () => {
  test("is what its tokens decode to, special spellings included", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const tokens = tokenizer.encode(text);
        expect(tokenizer.decode(tokens)).toBe(text);
        expect(tokens.every((token) => token >= SPECIAL_TOKENS.length)).toBe(true);
      }),
    );
  });

  test("has the tokens that the library alone gives it", () => {
    const library = new HuggingFaceTokenizer({ ...files.tokenizer, added_tokens: [] }, {});
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.encode(text)).toEqual(library.encode(text).ids);
      }),
    );
  });

  test("spells numbers digit by digit, wherever they stand", () => {
    const digits = ["1", "0", "2", "4"].map((digit) => files.tokenizer.model.vocab[digit]);
    expect(tokenizer.encode("1024")).toEqual(digits);
    expect(tokenizer.encode(" 1024,").slice(1, 5)).toEqual(digits);
  });

  test("loses what UTF-8 cannot write", () => {
    expect(tokenizer.decode(tokenizer.encode("a\uD800b"))).toBe("a\uFFFDb");
  });
});

describe("special tokens", () => {
  test("have the first ids and a place in the vocabulary's size", () => {
    expect(SPECIAL_TOKENS.map((name) => tokenizer.special(name))).toEqual([0, 1, 2, 3, 4]);
    // 5 special tokens, 256 bytes and 9 merges.
    expect(tokenizer.vocabularySize).toBe(270);
  });

  test("are left out of decoded text or spelled, as asked", () => {
    const tokens = [2, ...tokenizer.encode("PASS"), 4];
    expect(tokenizer.decode(tokens)).toBe("PASS");
    expect(tokenizer.decode(tokens, { spelled: new Set([2, 4]) })).toBe("<|user|>PASS<|end|>");
    expect(tokenizer.decode(tokens, { spelled: new Set([4]) })).toBe("PASS<|end|>");
  });

  test("are read in text that a template wrote", () => {
    expect(tokenizer.encodeTemplate("<|user|>PASS<|end|>")).toEqual([2, ...tokenizer.encode("PASS"), 4]);
  });

  test("take the space beside them where the file says so", () => {
    const added = files.tokenizer.added_tokens.map((token) => ({ ...token, lstrip: token.id === 4, rstrip: token.id === 2 }));
    const stripping = createTokenizer({ ...files, tokenizer: { ...files.tokenizer, added_tokens: added } });
    expect(stripping.encodeTemplate("<|user|>\n PASS \n<|end|> \n")).toEqual([
      2,
      ...stripping.encode("PASS"),
      4,
      ...stripping.encode(" \n"),
    ]);
  });

  test("that do not exist are refused with those that do", () => {
    expect(() => tokenizer.special("<|tool|>")).toThrow('no token "<|tool|>"; expected one of <|pad|>, <|system|>');
  });

  test("are those the file marks as special; other added tokens are words", () => {
    const added = files.tokenizer.added_tokens.map((token) => ({ ...token, special: token.id !== 2 }));
    const looser = createTokenizer({ ...files, tokenizer: { ...files.tokenizer, added_tokens: added } });
    expect(looser.encode("<|user|>PASS<|end|>")).toEqual([2, ...tokenizer.encode("PASS<|end|>")]);
  });
});

test("a cache forgets everything once full, and never keeps what is longer than itself", () => {
  let made = 0;
  const cache = boundedCache<number>(5);
  const get = (text: string) => cache(text, () => ++made);
  expect([get("ab"), get("cde"), get("ab"), get("toolong"), get("ab")]).toEqual([1, 2, 1, 3, 1]);
  expect([get("f"), get("f"), get("ab"), get("toolong")]).toEqual([4, 4, 5, 6]);
});

describe("tokenizer folders", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sepo-tokenizer-"));
  });
  beforeEach(() => saveTokenizer(folder, files));
  afterAll(() => rm(folder, { recursive: true }));

  test("load what was saved, with the same ids", async () => {
    const loaded = await loadTokenizer(folder);
    expect(loaded).toEqual(files);
    expect(createTokenizer(loaded).encode("You hold K: BET?")).toEqual(tokenizer.encode("You hold K: BET?"));
  });

  test("hold the configuration that transformers reads", async () => {
    const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), "utf8"));
    expect(await read("tokenizer_config.json")).toEqual({
      tokenizer_class: "PreTrainedTokenizerFast",
      eos_token: "<|end|>",
      pad_token: "<|pad|>",
      model_max_length: 256,
      clean_up_tokenization_spaces: false,
    });
    expect(await read("special_tokens_map.json")).toEqual({
      eos_token: "<|end|>",
      pad_token: "<|pad|>",
      additional_special_tokens: ["<|system|>", "<|user|>", "<|assistant|>"],
    });
    expect(await readFile(join(folder, "chat_template.jinja"), "utf8")).toBe(CHAT_TEMPLATE);
  });

  test("may keep the chat template in the configuration", async () => {
    await rm(join(folder, "chat_template.jinja"));
    const withTemplate = (chat_template: unknown) =>
      writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ ...files.config, chat_template }));
    await withTemplate("one");
    expect((await loadTokenizer(folder)).chatTemplate).toBe("one");
    await withTemplate([
      { name: "tools", template: "other" },
      { name: "default", template: "two" },
    ]);
    expect((await loadTokenizer(folder)).chatTemplate).toBe("two");
    await withTemplate(null);
    await expect(loadTokenizer(folder)).rejects.toThrow(
      /expected a chat template in chat_template\.jinja or in tokenizer_config\.json/,
    );
  });

  test("name the file that is missing or malformed", async () => {
    await expect(loadTokenizer(join(folder, "nowhere"))).rejects.toThrow(/nowhere.tokenizer\.json: expected a tokenizer file/);
    await writeFile(join(folder, "tokenizer_config.json"), "{");
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer_config\.json: expected JSON/);
    await writeFile(join(folder, "tokenizer.json"), '{"model":');
    await expect(loadTokenizer(folder)).rejects.toThrow(TokenizerError);
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: expected JSON/);
    await writeFile(join(folder, "tokenizer.json"), JSON.stringify({ ...trained, model: { type: "Unigram", vocab: [] } }));
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: .*expected "BPE"/s);
  });

  test("name a chat template that cannot be read", async () => {
    await rm(join(folder, "chat_template.jinja"));
    await mkdir(join(folder, "chat_template.jinja"));
    await expect(loadTokenizer(folder)).rejects.toThrow(
      /chat_template\.jinja: expected a chat template, but it cannot be read/,
    );
    await rm(join(folder, "chat_template.jinja"), { recursive: true });
  });

  test("of a kind whose texts depend on what is before them are refused", () => {
    const stage = { type: "Sequence", pretokenizers: [{ type: "Metaspace", prepend_scheme: "first" }] };
    expect(() => createTokenizer({ ...files, tokenizer: { ...files.tokenizer, pre_tokenizer: stage } })).toThrow(
      'prepend_scheme "first" is not supported',
    );
  });
});
