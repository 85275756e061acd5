/** Tokenizers as Hugging Face folders: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`. */
import { access } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";
import { readText, writeWhole } from "../files.ts";
import { readJson } from "../json.ts";
import type { TokenizerJson } from "./bpe.ts";

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
/** Pairs, or as older files have them, pairs joined by a space. */
const merges = z.union([z.array(z.string()), z.array(z.tuple([z.string(), z.string()]))]);
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedToken),
  normalizer: stage,
  pre_tokenizer: stage,
  post_processor: stage,
  decoder: stage,
  model: z.looseObject({ type: z.literal("BPE"), vocab: z.record(z.string(), z.number()), merges }),
});
/** A token by its text, or as the object older folders have. */
const namedToken = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
/** One template, or several by name of which the one called "default" is meant. */
const chatTemplateSchema = z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]).nullish();
const configSchema = z.looseObject({
  chat_template: chatTemplateSchema,
  /** Added tokens by id, with those that `tokenizer.json` may lack. */
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), addedToken.omit({ id: true })).nullish(),
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
  await writeWhole(join(folder, "tokenizer.json"), json(tokenizer));
  await writeWhole(join(folder, "tokenizer_config.json"), json(config));
  await writeWhole(join(folder, "special_tokens_map.json"), json({ ...named, additional_special_tokens: others }));
  if (generation !== undefined) await writeWhole(join(folder, "generation_config.json"), json(generation));
  await writeWhole(join(folder, "chat_template.jinja"), chatTemplate);
}

/** Reads a tokenizer folder; a file that is missing or not what it should be is a `TokenizerError` naming it. */
export async function loadTokenizer(folder: string): Promise<TokenizerFiles> {
  const older = await olderTokenizer(folder);
  if (older !== undefined) throw new TokenizerError(`${folder}: ${older}`);
  const path = join(folder, "tokenizer.json");
  const alone = await readFileOf(path, tokenizerSchema);
  const config = await readFileOf(join(folder, "tokenizer_config.json"), configSchema);
  const tokenizer = withTokensOf(alone, config, path);
  const settings = join(folder, "generation_config.json");
  const generation = (await isThere(settings)) ? await readFileOf(settings, generationSchema) : undefined;
  const chatTemplate = await chatTemplateIn(folder, config);
  if (chatTemplate === undefined)
    throw new TokenizerError(
      `${folder}: expected a chat template in chat_template.jinja or in tokenizer_config.json (or in chat_template.json)`,
    );
  return { tokenizer, config, ...(generation === undefined ? {} : { generation }), chatTemplate };
}

const NOT_READ = ["tokenizer.model", "tokenizer.model.v3", "tekken.json", "vocab.json", "vocab.txt", "tiktoken.model"];

/** What is wrong with a folder whose tokenizer has another form than `tokenizer.json`. */
export async function olderTokenizer(folder: string): Promise<string | undefined> {
  if (await isThere(join(folder, "tokenizer.json"))) return undefined;
  for (const name of NOT_READ)
    if (await isThere(join(folder, name)))
      return `expected tokenizer.json, got ${name}; AutoTokenizer.from_pretrained(...).save_pretrained(...) of transformers writes one`;
  return undefined;
}

/** The separate file, the configuration's, or that of a model for more than text; in this order, as transformers looks. */
async function chatTemplateIn(folder: string, config: Config): Promise<string | undefined> {
  const separate = join(folder, "chat_template.jinja");
  if (await isThere(separate)) {
    const text = await readText(separate, "a chat template").catch((cause: Error) => {
      throw fail(cause.message, { cause });
    });
    if (text.trim() === "") throw fail(`${separate}: expected a chat template; it is empty`);
    return text;
  }
  const own = defaultTemplate(config.chat_template, join(folder, "tokenizer_config.json"));
  const path = join(folder, "chat_template.json");
  if (own !== undefined || !(await isThere(path))) return own;
  return defaultTemplate((await readFileOf(path, z.looseObject({ chat_template: chatTemplateSchema }))).chat_template, path);
}

function defaultTemplate(templates: z.infer<typeof chatTemplateSchema>, path: string): string | undefined {
  if (!Array.isArray(templates)) return templates ?? undefined;
  const found = templates.find(({ name }) => name === "default");
  const names = templates.map(({ name }) => JSON.stringify(name)).join(", ");
  if (found === undefined) throw fail(`${path}: chat_template: expected one named "default", got ${names || "none"}`);
  return found.template;
}

/** With the added tokens that only the configuration has, as transformers adds them. */
function withTokensOf(
  tokenizer: TokenizerFiles["tokenizer"],
  { added_tokens_decoder: decoder }: Config,
  path: string,
): TokenizerFiles["tokenizer"] {
  if (decoder == null) return tokenizer;
  const { added_tokens: added, model } = tokenizer;
  const ids = new Map([...Object.entries(model.vocab), ...added.map(({ content, id }) => [content, id] as const)]);
  const contents = new Map([...ids].map(([content, id]) => [id, content]));
  const listed = Object.entries(decoder).map(([id, token]) => ({ ...token, id: Number(id) }));
  for (const { id, content } of listed) {
    const [other, otherId] = [contents.get(id) ?? content, ids.get(content) ?? id];
    if (other !== content || otherId !== id)
      throw fail(
        `${path}: expected ${JSON.stringify(content)} with id ${id}, as added_tokens_decoder of tokenizer_config.json says; ` +
          `got ${other === content ? `id ${otherId}` : JSON.stringify(other)}`,
      );
  }
  const special = new Set(listed.filter((token) => token.special === true).map(({ id }) => id));
  const present = new Set(added.map(({ id }) => id));
  const marked = added.map((token) => (special.has(token.id) ? { ...token, special: true } : token));
  return { ...tokenizer, added_tokens: [...marked, ...listed.filter(({ id }) => !present.has(id))] };
}

/** Whether something of that name is there, readable or not. */
const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    (error: unknown) => !(error instanceof Error && "code" in error && error.code === "ENOENT"),
  );

const fail = (message: string, options?: ErrorOptions): TokenizerError => new TokenizerError(message, options);

const readFileOf = <T>(path: string, schema: z.ZodType<T>): Promise<T> => readJson(path, schema, "a tokenizer file", fail);
