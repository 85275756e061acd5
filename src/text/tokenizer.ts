/** Tokenizers as Hugging Face folders: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { readJson } from "../json.ts";
import type { TokenizerJson } from "./bpe.ts";
import { boundedCache } from "./cache.ts";
import { isControl, spellingPattern } from "./specials.ts";
import { PRE_TOKENIZER, splitWords } from "./words.ts";

/** A tokenizer file that is missing, malformed or lacks something; the message names the file. */
export class TokenizerError extends Error {
  override readonly name = "TokenizerError";
}

const addedToken = z.looseObject({
  id: z.number().int(),
  content: z.string().min(1),
  special: z.boolean().optional(),
  /** Whether the token takes the space before or after it in a template's text with it. */
  lstrip: z.boolean().optional(),
  rstrip: z.boolean().optional(),
});
/** A part of the pipeline; it may be null but not absent. */
const stage = z.looseObject({ type: z.string() }).nullable();
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedToken),
  normalizer: stage,
  pre_tokenizer: stage,
  post_processor: stage,
  decoder: stage,
  model: z.looseObject({ type: z.literal("BPE"), vocab: z.record(z.string(), z.number()), merges: z.array(z.unknown()) }),
});
/** A token by its text, or as the object older folders have. */
const namedToken = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const configSchema = z.looseObject({
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]).nullish(),
  bos_token: namedToken,
  eos_token: namedToken,
  pad_token: namedToken,
  unk_token: namedToken,
});
type Config = z.infer<typeof configSchema>;
const id = z.number().int().min(0);
/** Of `generation_config.json`: the tokens that end a reply, where they are more than the configuration's one. */
const generationSchema = z.looseObject({ eos_token_id: z.union([id, z.array(id)]).nullish() });

export interface TokenizerFiles {
  readonly tokenizer: z.infer<typeof tokenizerSchema>;
  readonly config: Config;
  readonly generation?: z.infer<typeof generationSchema>;
  readonly chatTemplate: string;
}

/** Text to token ids and back. Text never becomes a special token; those have ids of their own through `special`. */
export interface Tokenizer {
  readonly files: TokenizerFiles;
  /** One more than the largest id. */
  readonly vocabularySize: number;
  /** Ids of the special tokens by their text: those of `"special": true` in the file, and Qwen's around thinking and tool calls. */
  readonly specials: ReadonlyMap<string, number>;
  /** The ids of a text; the spelling of a special token is text like any other. The result is shared: do not change it. */
  encode(text: string): readonly number[];
  /** The text of ids. Of the special tokens those of `spelled` appear as they are spelled, the others not at all. */
  decode(tokens: readonly number[], options?: { readonly spelled?: ReadonlySet<number> }): string;
  /** Id of an added token; throws `TokenizerError` when there is none of that name. */
  special(content: string): number;
  /** Splits text at special tokens and encodes the rest, each part first through `plain`. Only for what a template wrote. */
  encodeTemplate(text: string, plain?: (part: string) => string): readonly number[];
}

/** Bounds on the characters kept encoded; prompts repeat whole texts and, above all, words. */
const CACHED_TEXT = 4_000_000;
const CACHED_WORDS = 1_000_000;
const NONE: ReadonlySet<number> = new Set();

/** Throws `TokenizerError` for a tokenizer whose texts cannot be encoded message by message. */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  refuseFirstWordSpace(files.tokenizer);
  const { added_tokens: added, model, pre_tokenizer: preTokenizer } = files.tokenizer;
  const ids = new Map(added.map(({ content, id }) => [content, id]));
  const specials = new Map(added.filter(isControl).map(({ content, id }) => [content, id]));
  const specialIds = new Set(specials.values());
  const names = new Map([...specials].map(([content, id]) => [id, content]));
  const pattern = spellingPattern([...specials.keys()]);
  const before = new Set(added.filter(({ lstrip }) => lstrip).map(({ content }) => content));
  const after = new Set(added.filter(({ rstrip }) => rstrip).map(({ content }) => content));
  // Without special tokens the library treats their spelling as plain text.
  const library = new HuggingFaceTokenizer(
    { ...files.tokenizer, added_tokens: added.filter(({ id }) => !specialIds.has(id)) },
    files.config,
  );
  const encodePlain = (text: string): readonly number[] => library.encode(text, { add_special_tokens: false }).ids;
  const decodePlain = (tokens: readonly number[]): string =>
    tokens.length === 0 ? "" : library.decode([...tokens], { clean_up_tokenization_spaces: false });

  const words = boundedCache<readonly number[]>(CACHED_WORDS);
  // Words of our own split are encoded one by one, so that a text is mostly look-ups: 0.02 ms per 100 tokens of game text instead
  // of 0.12, as the library reorders its own cache at every look-up.
  const byWord =
    isDeepStrictEqual(preTokenizer, PRE_TOKENIZER) && files.tokenizer.normalizer === null && added.length === specials.size;
  const encodeWords = (text: string): readonly number[] => splitWords(text).flatMap((word) => words(word, encodePlain));
  const texts = boundedCache<readonly number[]>(CACHED_TEXT);
  const encode = (text: string): readonly number[] => texts(text, byWord ? encodeWords : encodePlain);

  return {
    files,
    vocabularySize: Object.values(model.vocab).reduce((most, id) => Math.max(most, id), Math.max(-1, ...ids.values())) + 1,
    specials,
    encode,
    decode(tokens, { spelled = NONE } = {}) {
      const kept = tokens.filter((token) => spelled.has(token) || !specialIds.has(token));
      let text = "";
      let from = 0;
      for (const [at, token] of kept.entries()) {
        if (!specialIds.has(token)) continue;
        text += decodePlain(kept.slice(from, at)) + names.get(token);
        from = at + 1;
      }
      return text + decodePlain(kept.slice(from));
    },
    special(content) {
      const id = ids.get(content);
      if (id === undefined) throw new TokenizerError(`no token "${content}"; expected one of ${[...ids.keys()].join(", ")}`);
      return id;
    },
    encodeTemplate(text, plain = (part) => part) {
      // Split at a captured group: plain parts at even indices, special tokens at odd ones.
      const parts = pattern === null ? [text] : text.split(pattern);
      return parts.flatMap((part, i) => {
        if (i % 2 === 1) return [specials.get(part)!];
        const left = after.has(parts[i - 1]) ? part.trimStart() : part;
        return encode(plain(before.has(parts[i + 1]) ? left.trimEnd() : left));
      });
    },
  };
}

/**
 * Messages are encoded apart from each other, which is right only where a text's tokens do not depend on whether it comes
 * first. Old SentencePiece tokenizers put a space before the first word of a text alone.
 */
function refuseFirstWordSpace({ pre_tokenizer: stage }: TokenizerFiles["tokenizer"]): void {
  const stages: unknown = stage?.type === "Sequence" ? stage["pretokenizers"] : [stage];
  for (const part of z.array(z.looseObject({ prepend_scheme: z.string().optional() }).nullable()).parse(stages))
    if (part?.prepend_scheme === "first")
      throw new TokenizerError('tokenizer.json: prepend_scheme "first" is not supported; expected "never" or "always"');
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

/** Texts of the tokens that the config gives a role. */
export function namedTokens(config: Config): Readonly<Record<string, string>> {
  const roles = ["bos_token", "eos_token", "unk_token", "pad_token"] as const;
  return Object.fromEntries(
    roles.flatMap((role) => {
      const token = config[role];
      return token == null ? [] : [[role, typeof token === "string" ? token : token.content]];
    }),
  );
}

/** Writes the files that `loadTokenizer` and Hugging Face's `AutoTokenizer` read into a folder that exists. */
export async function saveTokenizer(
  folder: string,
  { tokenizer, config, generation, chatTemplate }: TokenizerFiles,
): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  const named = namedTokens(config);
  const others = tokenizer.added_tokens.flatMap(({ content, special }) =>
    special === true && !Object.values(named).includes(content) ? [content] : [],
  );
  await writeFileAtomic(join(folder, "tokenizer.json"), json(tokenizer));
  await writeFileAtomic(join(folder, "tokenizer_config.json"), json(config));
  await writeFileAtomic(join(folder, "special_tokens_map.json"), json({ ...named, additional_special_tokens: others }));
  if (generation !== undefined) await writeFileAtomic(join(folder, "generation_config.json"), json(generation));
  await writeFileAtomic(join(folder, "chat_template.jinja"), chatTemplate);
}

/** Reads a tokenizer folder; a file that is missing or not what it should be is a `TokenizerError` naming it. */
export async function loadTokenizer(folder: string): Promise<TokenizerFiles> {
  const tokenizer = await readFileOf(join(folder, "tokenizer.json"), tokenizerSchema);
  const config = await readFileOf(join(folder, "tokenizer_config.json"), configSchema);
  const settings = join(folder, "generation_config.json");
  const hasSettings = (await readIfThere(settings, "generation settings")) !== undefined;
  const generation = hasSettings ? await readFileOf(settings, generationSchema) : undefined;
  const separate = await readIfThere(join(folder, "chat_template.jinja"), "a chat template");
  const own = config.chat_template;
  const chatTemplate = separate ?? (Array.isArray(own) ? own.find(({ name }) => name === "default")?.template : own);
  if (chatTemplate == null)
    throw new TokenizerError(`${folder}: expected a chat template in chat_template.jinja or in tokenizer_config.json`);
  return { tokenizer, config, ...(generation === undefined ? {} : { generation }), chatTemplate };
}

async function readIfThere(path: string, what: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new TokenizerError(`${path}: expected ${what}, but it cannot be read`, { cause });
  });
}

const readFileOf = <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
  readJson(path, schema, "a tokenizer file", (message, options) => new TokenizerError(message, options));
