/** What the files of a tokenizer hold. */
import { z } from "zod";
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
export const tokenizerSchema = z.looseObject({
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
export const chatTemplateSchema = z
  .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
  .nullish();
export const configSchema = z.looseObject({
  chat_template: chatTemplateSchema,
  /** Added tokens by id, with those that `tokenizer.json` may lack. */
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), addedToken.omit({ id: true })).nullish(),
  bos_token: namedToken,
  eos_token: namedToken,
  pad_token: namedToken,
  unk_token: namedToken,
});
export type Config = z.infer<typeof configSchema>;
const id = z.number().int().min(0);
/** Of `generation_config.json`: the tokens that end a reply, where they are more than the configuration's one. */
export const generationSchema = z.looseObject({ eos_token_id: z.union([id, z.array(id)]).nullish() });

export const tokenizerFilesSchema = z.strictObject({
  tokenizer: tokenizerSchema,
  config: configSchema,
  generation: generationSchema.exactOptional(),
  chatTemplate: z.string(),
});
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
