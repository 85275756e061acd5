/**
 * A small language model in one file, to be played against where there are no folders: a safetensors file of its weights in float16 with
 * everything else in the metadata. It plays with the plain decoder.
 */
import { z } from "zod";
import { CONFIG_SCHEMA, configJson, parseConfig } from "../engines/embedded/config-json.ts";
import type { ModelConfig } from "../engines/embedded/model.ts";
import { parametersOf } from "../engines/embedded/parameters.ts";
import { createPlainSampler } from "../engines/embedded/plain.ts";
import { Tensors, bytesSource, decodeTensors, encodeTensors } from "../engines/embedded/safetensors.ts";
import { EngineError } from "../engines/engine.ts";
import { PROTOCOLS } from "../games/index.ts";
import { parseJson } from "../json-text.ts";
import { createChat } from "../text/chat.ts";
import { type TokenizerFiles, tokenizerFilesSchema } from "../text/tokenizer-schema.ts";
import { createTokenizer } from "../text/tokenizer.ts";
import { chatEncoding } from "./encoding.ts";
import type { LanguageModel } from "./language-model.ts";

const aboutSchema = z.strictObject({
  /** Where it comes from, in words. */
  origin: z.string(),
  /** Settings of the games it was trained on, by name. */
  games: z.record(z.string(), z.record(z.string(), z.unknown())),
  protocol: z.enum(PROTOCOLS),
  sampler: z.strictObject({ temperature: z.number(), maxTokens: z.number() }),
});

export interface PackedModel extends z.infer<typeof aboutSchema> {
  readonly config: ModelConfig;
  /** Flat, as `parametersOf` places them. */
  readonly weights: Float32Array;
  readonly tokenizer: TokenizerFiles;
}

/** The file's bytes, in parts. */
export function packModel({ config, weights, tokenizer, ...about }: PackedModel): readonly Uint8Array[] {
  const metadata = {
    "config.json": configJson(config, {}),
    tokenizer: JSON.stringify(tokenizer),
    "sepo.json": JSON.stringify(about),
  };
  return encodeTensors(parametersOf(config), [weights], metadata, { type: "F16" });
}

/** What `packModel` wrote; `path` names it in errors. Throws `EngineError` for another file. */
export async function unpackModel(bytes: Uint8Array, path: string): Promise<PackedModel> {
  const source = bytesSource(path, bytes);
  const { metadata } = await Tensors.open(source);
  const part = <T>(name: string, schema: z.ZodType<T>): T => {
    const text = metadata[name];
    if (typeof text !== "string")
      throw new EngineError(`${path}: expected a model that "sepo export model" wrote; it has no ${name}`);
    return parseJson(text, `${path}: ${name}`, schema, (...error) => new EngineError(...error));
  };
  const { config } = parseConfig(part("config.json", CONFIG_SCHEMA), path);
  return {
    ...part("sepo.json", aboutSchema),
    config,
    weights: (await decodeTensors(source, parametersOf(config))).data,
    tokenizer: part("tokenizer", tokenizerFilesSchema),
  };
}

/** The model as something that plays. */
export function playable({ config, weights, tokenizer, sampler }: PackedModel): LanguageModel {
  const encoding = chatEncoding(createChat(createTokenizer(tokenizer)));
  return { sampler: createPlainSampler(config, weights), encoding, sampling: { ...sampler, stop: encoding.stop } };
}
