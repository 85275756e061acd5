/** Tokenizers as Hugging Face folders: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import type { TokenizerJson } from "./bpe.ts";

/** A tokenizer file that is missing, malformed or lacks something; the message names the file. */
export class TokenizerError extends Error {
  override readonly name = "TokenizerError";
}

const addedToken = z.looseObject({ id: z.number().int(), content: z.string() });
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedToken),
  model: z.looseObject({ vocab: z.record(z.string(), z.number()) }),
});
const configSchema = z.looseObject({ chat_template: z.string().optional(), eos_token: z.string().optional() });

export interface TokenizerFiles {
  readonly tokenizer: z.infer<typeof tokenizerSchema>;
  readonly config: z.infer<typeof configSchema>;
  readonly chatTemplate: string;
}

/** Text to token ids and back. Text never becomes a special token; those have ids of their own through `special`. */
export interface Tokenizer {
  readonly files: TokenizerFiles;
  readonly vocabularySize: number;
  encode(text: string): readonly number[];
  decode(tokens: readonly number[]): string;
  /** Id of a special token; throws `TokenizerError` when there is none of that name. */
  special(content: string): number;
  /** Splits text at special tokens and encodes the rest. Only for text that a template wrote. */
  encodeTemplate(text: string): readonly number[];
}

/** Texts kept encoded: prompts repeat, and encoding costs far more than a look-up. */
const CACHE_SIZE = 50_000;

export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const specials = new Map(files.tokenizer.added_tokens.map(({ content, id }) => [content, id]));
  // Without added tokens the library treats their spelling as plain text.
  const plain = new HuggingFaceTokenizer({ ...files.tokenizer, added_tokens: [] }, {});
  const full = new HuggingFaceTokenizer(files.tokenizer, files.config);
  const cache = new Map<string, readonly number[]>();
  return {
    files,
    vocabularySize: Math.max(...Object.values(files.tokenizer.model.vocab), ...specials.values()) + 1,
    encode(text) {
      const known = cache.get(text);
      if (known !== undefined) return known;
      const tokens = plain.encode(text, { add_special_tokens: false }).ids;
      if (cache.size >= CACHE_SIZE) cache.clear();
      cache.set(text, tokens);
      return tokens;
    },
    decode: (tokens) =>
      tokens.length === 0 ? "" : full.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    special(content) {
      const id = specials.get(content);
      if (id === undefined)
        throw new TokenizerError(`no special token "${content}"; expected one of ${[...specials.keys()].join(", ")}`);
      return id;
    },
    encodeTemplate: (text) => (text === "" ? [] : full.encode(text, { add_special_tokens: false }).ids),
  };
}

/** The files of a tokenizer trained by `trainTokenizer`. */
export const tokenizerFiles = (
  trained: TokenizerJson,
  { chatTemplate, end, pad, contextLength }: { chatTemplate: string; end: string; pad: string; contextLength: number },
): TokenizerFiles => ({
  tokenizer: tokenizerSchema.parse(trained),
  config: configSchema.parse({
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: end,
    pad_token: pad,
    model_max_length: contextLength,
    clean_up_tokenization_spaces: false,
  }),
  chatTemplate,
});

export async function saveTokenizer(folder: string, { tokenizer, config, chatTemplate }: TokenizerFiles): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  await writeFileAtomic(join(folder, "tokenizer.json"), json(tokenizer));
  await writeFileAtomic(join(folder, "tokenizer_config.json"), json(config));
  await writeFileAtomic(join(folder, "chat_template.jinja"), chatTemplate);
}

/** Reads a tokenizer folder; a file that is missing or not what it should be is a `TokenizerError` naming it. */
export async function loadTokenizer(folder: string): Promise<TokenizerFiles> {
  const tokenizer = await readJson(join(folder, "tokenizer.json"), tokenizerSchema);
  const config = await readJson(join(folder, "tokenizer_config.json"), configSchema);
  const separate = await readFile(join(folder, "chat_template.jinja"), "utf8").catch(() => undefined);
  const chatTemplate = separate ?? config.chat_template;
  if (chatTemplate === undefined)
    throw new TokenizerError(`${folder}: expected a chat template in chat_template.jinja or in tokenizer_config.json`);
  return { tokenizer, config, chatTemplate };
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new TokenizerError(`${path}: expected a tokenizer file, but it cannot be read`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TokenizerError(`${path}: expected JSON; the file is malformed or truncated`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new TokenizerError(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
