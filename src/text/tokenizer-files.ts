/** Tokenizers as Hugging Face folders: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`. */
import { access } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";
import { readText, writeWhole } from "../files.ts";
import { readJson } from "../json.ts";
import {
  TokenizerError,
  type Config,
  type TokenizerFiles,
  chatTemplateSchema,
  configSchema,
  generationSchema,
  namedTokens,
  tokenizerSchema,
} from "./tokenizer-schema.ts";

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
