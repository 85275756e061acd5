/** Folders of adapters as PEFT (Hugging Face's library of adapters) writes and loads them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { sharedCopy } from "../../tensor/shared.ts";
import { readJson } from "../../json.ts";
import { EngineError } from "../engine.ts";
import { loraConfig, TARGETS, trainedParameters, type GraphConfig, type LoraConfig } from "./lora.ts";
import type { ModelConfig } from "./model.ts";
import { readTensors, writeTensors } from "./tensor-file.ts";

export const ADAPTER_CONFIG = "adapter_config.json";
const ADAPTER_WEIGHTS = "adapter_model.safetensors";

/** Fields that change the mathematics and for which this engine has one value; a field that is missing has it. */
const FIXED: Readonly<Record<string, unknown>> = {
  bias: "none",
  fan_in_fan_out: false,
  modules_to_save: null,
  layers_to_transform: null,
  rank_pattern: {},
  alpha_pattern: {},
};
/** More of them, which not every version of PEFT knows: they are read and never written. */
const LATER: Readonly<Record<string, unknown>> = {
  use_rslora: false,
  use_dora: false,
  use_qalora: false,
  use_bdlora: null,
  lora_bias: false,
  layer_replication: null,
  exclude_modules: null,
  target_parameters: null,
  trainable_token_indices: null,
  alora_invocation_tokens: null,
  kasa_config: null,
};

/** Fields that PEFT's loader wants besides. */
const OTHERS = { peft_type: "LORA", task_type: "CAUSAL_LM", inference_mode: true, init_lora_weights: true, lora_dropout: 0 };

const peftName = (name: string): string => `base_model.model.${name}`;
const placesOf = (config: GraphConfig) => trainedParameters(config).map((each) => ({ ...each, name: peftName(each.name) }));

/** `baseFolder` is where PEFT looks for the model. */
export async function writeAdapters(
  folder: string,
  config: GraphConfig & { readonly lora: LoraConfig },
  adapters: Float32Array,
  baseFolder: string,
): Promise<void> {
  const { rank, alpha, targets } = config.lora;
  const json = {
    ...OTHERS,
    base_model_name_or_path: baseFolder,
    r: rank,
    lora_alpha: alpha,
    target_modules: targets,
    ...FIXED,
  };
  await writeFile(join(folder, ADAPTER_CONFIG), `${JSON.stringify(json, null, 2)}\n`);
  await writeTensors(join(folder, ADAPTER_WEIGHTS), placesOf(config), [adapters], { format: "pt" });
}

const Schema = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.number(),
  lora_alpha: z.number(),
  target_modules: z.array(z.enum(TARGETS)),
});

/**
 * The adapters of a folder for a model. Throws `EngineError` naming the file and what in it is missing, wrong, or not had by this
 * engine, such as DoRA.
 */
export async function readAdapters(
  folder: string,
  model: ModelConfig,
): Promise<{ readonly lora: LoraConfig; readonly adapters: Float32Array }> {
  const path = join(folder, ADAPTER_CONFIG);
  const json = await readJson(path, Schema, "a LoRA adapter's configuration", (...error) => new EngineError(...error));
  for (const [name, expected] of Object.entries({ ...FIXED, ...LATER })) {
    const value = json[name] ?? expected;
    if (JSON.stringify(value) !== JSON.stringify(expected)) {
      throw new EngineError(`${path}: ${name} must be ${JSON.stringify(expected)}, got ${JSON.stringify(value)}`);
    }
  }
  const lora = loraConfig({ rank: json.r, alpha: json.lora_alpha, targets: json.target_modules });
  const { data } = await readTensors(join(folder, ADAPTER_WEIGHTS), placesOf({ ...model, lora }));
  return { lora, adapters: sharedCopy(data) };
}
