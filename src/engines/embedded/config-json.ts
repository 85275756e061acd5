/** `config.json` of a Hugging Face folder: from and to the models this engine has. */
import { z } from "zod";
import { EngineError } from "../engine.ts";
import { checkModel, type ModelConfig } from "./model.ts";

/** Fields of `config.json` that concern the tokenizer, passed through. */
export interface TokenIds {
  readonly begin?: number;
  readonly end?: number | readonly number[];
}

/** Field names of `config.json` for the sizes of a model. */
const FIELDS = {
  vocabularySize: "vocab_size",
  width: "hidden_size",
  layers: "num_hidden_layers",
  heads: "num_attention_heads",
  keyValueHeads: "num_key_value_heads",
  headWidth: "head_dim",
  feedForward: "intermediate_size",
  contextLength: "max_position_embeddings",
  ropeTheta: "rope_theta",
  normEpsilon: "rms_norm_eps",
} as const satisfies Record<Exclude<keyof ModelConfig, "queryKeyNorms" | "tiedEmbeddings">, string>;

/** The architectures, by `model_type`. */
const FAMILIES = {
  qwen3: { architecture: "Qwen3ForCausalLM", queryKeyNorms: true },
  llama: { architecture: "LlamaForCausalLM", queryKeyNorms: false },
} as const;
type Family = keyof typeof FAMILIES;
const familyOf = ({ queryKeyNorms = true }: ModelConfig): Family => (queryKeyNorms ? "qwen3" : "llama");

/** Both the names of transformers 5 (dtype, rope_parameters) and of transformers 4 (torch_dtype, rope_theta). */
export function configJson(config: ModelConfig, { begin, end }: TokenIds): string {
  const values = new Map(Object.entries(config));
  const sizes = Object.entries(FIELDS).map(([field, name]) => [name, values.get(field)]);
  const family = familyOf(config);
  const json = {
    architectures: [FAMILIES[family].architecture],
    model_type: family,
    ...Object.fromEntries(sizes),
    rope_parameters: { rope_type: "default", rope_theta: config.ropeTheta },
    rope_scaling: null,
    dtype: "float32",
    torch_dtype: "float32",
    tie_word_embeddings: config.tiedEmbeddings ?? true,
    hidden_act: "silu",
    attention_bias: false,
    attention_dropout: 0,
    initializer_range: 0.02,
    ...(family === "qwen3"
      ? { use_sliding_window: false, sliding_window: null, max_window_layers: config.layers }
      : { mlp_bias: false }),
    use_cache: true,
    ...(begin !== undefined && { bos_token_id: begin }),
    ...(end !== undefined && { eos_token_id: end }),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** Fields that change the mathematics and for which this engine has one value; a field that is missing has it. */
const FIXED = {
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  use_sliding_window: false,
  rope_scaling: null,
  partial_rotary_factor: 1,
  quantization_config: null,
} as const;

/** The content of a `config.json`, whose errors name the file and the field. */
class Fields {
  readonly #path: string;
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(path: string, values: Readonly<Record<string, unknown>>) {
    this.#path = path;
    this.#values = new Map(Object.entries(values));
  }

  /** Nothing for a field that is missing or null. */
  get(name: string): unknown {
    return this.#values.get(name) ?? undefined;
  }

  /** The number in a field; `otherwise`, where it is given, for a field that is missing or null. */
  number(name: string, otherwise?: number): number {
    const value = this.get(name) ?? otherwise;
    if (typeof value === "number") return value;
    throw this.error(`${name} must be a number, got ${JSON.stringify(value)}`);
  }

  checkFixed(): void {
    for (const [name, expected] of Object.entries(FIXED)) {
      const value = this.#values.get(name);
      if (value !== undefined && value !== expected) {
        throw this.error(`${name} must be ${JSON.stringify(expected)}, got ${JSON.stringify(value)}`);
      }
    }
    const layerTypes = this.get("layer_types") ?? [];
    const other = Array.isArray(layerTypes) ? layerTypes.find((type) => type !== "full_attention") : layerTypes;
    if (other !== undefined) throw this.error(`layer_types must all be "full_attention", got ${JSON.stringify(other)}`);
  }

  family(): Family {
    const type = this.get("model_type");
    if (type === "qwen3" || type === "llama") return type;
    const known = Object.keys(FAMILIES).map((name) => JSON.stringify(name));
    throw this.error(`model_type must be ${known.join(" or ")}, got ${JSON.stringify(type)}`);
  }

  /** False where it is missing, as in transformers' Llama and Qwen3. */
  tied(): boolean {
    const value = this.get("tie_word_embeddings") ?? false;
    if (typeof value === "boolean") return value;
    throw this.error(`tie_word_embeddings must be true or false, got ${JSON.stringify(value)}`);
  }

  /** The base of rotary positions: of its own in transformers 4, in `rope_parameters` in 5, which may also ask for scaling. */
  ropeTheta(): number {
    const schema = z.strictObject({ rope_theta: z.number().optional(), rope_type: z.literal("default").optional() });
    const parameters = schema.safeParse(this.get("rope_parameters") ?? {});
    const theta = this.get(FIELDS.ropeTheta) ?? parameters.data?.rope_theta;
    if (parameters.success && typeof theta === "number") return theta;
    const found = JSON.stringify({ rope_theta: this.get(FIELDS.ropeTheta), rope_parameters: this.get("rope_parameters") });
    throw this.error(`expected rope_theta, a number, and no scaling; got ${found}`);
  }

  ids(): TokenIds {
    const begin = this.get("bos_token_id") === undefined ? undefined : this.number("bos_token_id");
    const list = z.array(z.number()).safeParse(this.get("eos_token_id"));
    const end = this.get("eos_token_id") === undefined ? undefined : (list.data ?? this.number("eos_token_id"));
    return { ...(begin !== undefined && { begin }), ...(end !== undefined && { end }) };
  }

  error(message: string): EngineError {
    return new EngineError(`${this.#path}: ${message}`);
  }
}

export const CONFIG_SCHEMA = z.record(z.string(), z.unknown());

/**
 * The model of a `config.json`; `path` names it in errors. Throws `EngineError` naming the field that is missing, wrong or asks for what
 * this engine does not have.
 */
export function parseConfig(
  content: z.infer<typeof CONFIG_SCHEMA>,
  path: string,
): { readonly config: ModelConfig; readonly ids: TokenIds } {
  const fields = new Fields(path, content);
  const family = fields.family();
  fields.checkFixed();
  const width = fields.number(FIELDS.width);
  const heads = fields.number(FIELDS.heads);
  const config: ModelConfig = {
    vocabularySize: fields.number(FIELDS.vocabularySize),
    width,
    layers: fields.number(FIELDS.layers),
    heads,
    keyValueHeads: fields.number(FIELDS.keyValueHeads, family === "llama" ? heads : undefined),
    headWidth: fields.number(FIELDS.headWidth, family === "llama" ? width / heads : undefined),
    feedForward: fields.number(FIELDS.feedForward),
    contextLength: fields.number(FIELDS.contextLength),
    ropeTheta: fields.ropeTheta(),
    normEpsilon: fields.number(FIELDS.normEpsilon),
    ...(!FAMILIES[family].queryKeyNorms && { queryKeyNorms: false }),
    ...(!fields.tied() && { tiedEmbeddings: false }),
  };
  checkModel(config);
  return { config, ids: fields.ids() };
}
