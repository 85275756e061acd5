/** The engine that runs inside the Node process, with the folders it is kept in. */
import { resolve } from "node:path";
import type { Key } from "../../random.ts";
import { DEVICES, type Device } from "../../tensor/device.ts";
import { EngineError, type Engine } from "../engine.ts";
import { freshMoments } from "./adam.ts";
import { importAdapters, importModel, readCheckpoint, writeCheckpoint, writeModel } from "./checkpoint.ts";
import type { TokenIds } from "./config-json.ts";
import { EmbeddedLearner, freshCheckpoint, mergedWeights, type MachineOptions, type UseOptions } from "./learner.ts";
import { initializeAdapters, loraConfig, type LoraOptions } from "./lora.ts";
import type { ModelConfig } from "./model.ts";

export { DEVICES, type Device };

export interface EmbeddedEngineOptions extends MachineOptions {
  readonly model: ModelConfig;
  /** Of the initial weights. */
  readonly key: Key;
  /** Written to `config.json` for readers of the folder. */
  readonly ids?: TokenIds;
}

export interface ImportOptions extends UseOptions {
  /** Freezes the model and trains fresh adapters beside it. */
  readonly lora?: LoraOptions;
  /** Freezes the model and trains the adapters of a folder that PEFT, or `save`, wrote. */
  readonly adapter?: string;
}

export interface LoadOptions extends UseOptions {
  /** Where the model beneath saved adapters is now; where it was unless given. */
  readonly base?: string;
  /** Whether the optimizer's state is read; without it the file may be missing. True unless given. */
  readonly optimizer?: boolean;
}

/** An engine with fresh weights. Throws `EngineError` for a model that cannot be built. */
export function createEmbeddedEngine({ model, key, ids = {}, ...machine }: EmbeddedEngineOptions): EmbeddedEngine {
  return new EmbeddedEngine(freshCheckpoint(model, key, ids), machine);
}

/**
 * The engine saved in a folder. Adapters need the model beneath them, unchanged, in its folder. Throws `EngineError` naming a file
 * that is missing or wrong.
 */
export async function loadEmbeddedEngine(
  folder: string,
  { base, optimizer = true, ...options }: LoadOptions = {},
): Promise<EmbeddedEngine> {
  return new EmbeddedEngine(await readCheckpoint(folder, { optimizer, ...(base === undefined ? {} : { base }) }), options);
}

/**
 * The engine of a Llama or Qwen3 model that another program saved, such as transformers: in float32, float16 or bfloat16, in one file
 * or several, with tied embeddings or not. The optimizer has taken no step. Throws `EngineError` naming a file that is missing or what
 * in it this engine does not have, such as scaled rotary positions.
 */
export async function importEmbeddedEngine(
  folder: string,
  { lora, adapter, ...options }: ImportOptions = {},
): Promise<EmbeddedEngine> {
  if (lora && adapter !== undefined)
    throw new EngineError("lora makes fresh adapters and adapter reads some; expected one of them");
  const model = await importModel(folder);
  if (adapter !== undefined) return new EmbeddedEngine(await importAdapters(adapter, model, folder), options);
  if (!lora) return new EmbeddedEngine({ ...model, moments: freshMoments(model.weights.length) }, options);
  const adapted = { ...model.config, lora: loraConfig(lora) };
  const flat = initializeAdapters(adapted, lora.key);
  const adapters = { lora: adapted.lora, flat, folder: resolve(folder) };
  return new EmbeddedEngine({ ...model, adapters, moments: freshMoments(flat.length) }, options);
}

export class EmbeddedEngine extends EmbeddedLearner implements Engine {
  save(folder: string): Promise<void> {
    return this.keep((checkpoint) => writeCheckpoint(folder, checkpoint));
  }

  /** Writes the model with its adapters merged into it, for transformers and `importEmbeddedEngine`; no optimizer. */
  saveMerged(folder: string): Promise<void> {
    return this.keep((checkpoint) => writeModel(folder, { ...checkpoint, weights: mergedWeights(checkpoint) }));
  }

  /** Also forgets the accumulated gradient. Nothing changes when it throws. */
  load(folder: string): Promise<void> {
    return this.replace(folder, (current) => readCheckpoint(folder, this.lora ? { known: current } : {}));
  }
}
