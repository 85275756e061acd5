/** The engine that runs inside the Node process, on ONNX Runtime. */
import { resolve } from "node:path";
import type { Key } from "../../random.ts";
import { resident } from "../../tensor/thread.ts";
import { DEVICES, type Device } from "../../tensor/session.ts";
import {
  type Alternative,
  EngineError,
  type AdamSettings,
  type Completion,
  type Engine,
  type EngineFacts,
  type Loss,
  type LossResult,
  type Sampler,
  type SampleRequest,
  type SamplerSettings,
  type ScoreRequest,
} from "../engine.ts";
import { adamStep, freshMoments, norm, type Moments } from "./adam.ts";
import { importAdapters, importModel, readCheckpoint, writeCheckpoint, writeModel, type Checkpoint } from "./checkpoint.ts";
import type { TokenIds } from "./config-json.ts";
import { Graphs } from "./graphs.ts";
import { blockViews, liveWeights, type LiveWeights } from "./inputs.ts";
import {
  initializeAdapters,
  loraConfig,
  mergeAdapters,
  trainedCount,
  trainedParameters,
  type LoraConfig,
  type LoraOptions,
} from "./lora.ts";
import { checkModel, differingField, type ModelConfig } from "./model.ts";
import { initialize } from "./parameters.ts";
import { WeightsSampler } from "./sampler.ts";
import { Trainer } from "./trainer.ts";

export { DEVICES, type Device };

/** How an engine uses the machine. */
export interface MachineOptions {
  /** Worker threads at most; all available cores unless given. Results do not depend on it. */
  readonly threads?: number;
  /** "cpu" unless given. A device that is missing is an `EngineError` when the first graph runs. */
  readonly device?: Device;
}

export interface EmbeddedEngineOptions extends MachineOptions {
  readonly model: ModelConfig;
  /** Of the initial weights. */
  readonly key: Key;
  /** Written to `config.json` for readers of the folder. */
  readonly ids?: TokenIds;
}

/** How a folder's model is used. */
export interface FolderOptions extends MachineOptions {
  /** The longest prompt plus completion, in tokens; the model's own unless given, and never more than that. */
  readonly contextLength?: number;
}

export interface ImportOptions extends FolderOptions {
  /** Freezes the model and trains fresh adapters beside it. */
  readonly lora?: LoraOptions;
  /** Freezes the model and trains the adapters of a folder that PEFT, or `save`, wrote. */
  readonly adapter?: string;
}

export interface LoadOptions extends FolderOptions {
  /** Where the model beneath saved adapters is now; where it was unless given. */
  readonly base?: string;
  /** Whether the optimizer's state is read; without it the file may be missing. True unless given. */
  readonly optimizer?: boolean;
}

/** An engine with fresh weights. Throws `EngineError` for a model that cannot be built. */
export function createEmbeddedEngine({ model, key, ids = {}, ...machine }: EmbeddedEngineOptions): EmbeddedEngine {
  checkModel(model);
  const weights = initialize(model, key);
  return new EmbeddedEngine({ config: model, ids, weights, moments: freshMoments(weights.length) }, machine);
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

export class EmbeddedEngine implements Engine {
  readonly facts: EngineFacts;
  readonly model: ModelConfig;
  /** Of adapters, where they are what is trained. */
  readonly lora: LoraConfig | undefined;
  readonly #graphs: Graphs;
  readonly #sampler: WeightsSampler;
  readonly #trainer: Trainer;
  readonly #weights: LiveWeights;
  readonly #gradient: Float32Array;
  /** What `save` writes, but for the moments. */
  #saved: Omit<Checkpoint, "moments">;
  #moments: Moments;

  /** Takes the checkpoint's arrays as its own. */
  constructor({ moments, ...checkpoint }: Checkpoint, { contextLength, ...machine }: FolderOptions = {}) {
    const { config, weights, adapters } = checkpoint;
    this.model = config;
    this.lora = adapters?.lora;
    const graphed = { ...config, ...(this.lora && { lora: this.lora }), contextLength: limitOf(config, contextLength) };
    this.facts = {
      name: "embedded",
      vocabularySize: config.vocabularySize,
      contextLength: graphed.contextLength,
      losses: ["cross_entropy", "ppo"],
      readsGradient: true,
      frozenSnapshots: true,
    };
    this.#graphs = new Graphs(graphed, machine);
    this.#weights = adapters
      ? liveWeights(graphed, adapters.flat, resident(blockViews(config, weights)))
      : liveWeights(graphed, weights);
    this.#gradient = new Float32Array(trainedCount(graphed));
    this.#saved = checkpoint;
    this.#moments = moments;
    this.#sampler = new WeightsSampler(this.#graphs, this.#weights);
    this.#trainer = new Trainer(this.#graphs, this.#weights);
  }

  sample(requests: readonly SampleRequest[], settings: SamplerSettings): Promise<readonly Completion[]> {
    return this.#sampler.sample(requests, settings);
  }

  score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]> {
    return this.#sampler.score(requests, temperature);
  }

  alternatives(
    requests: readonly ScoreRequest[],
    temperature: number,
    count: number,
  ): Promise<readonly (readonly (readonly Alternative[])[])[]> {
    return this.#sampler.alternatives(requests, temperature, count);
  }

  accumulate(loss: Loss): Promise<LossResult> {
    return this.#exclusive(() => this.#trainer.accumulate(loss, this.#gradient));
  }

  gradient(): Promise<Float32Array> {
    return this.#exclusive(() => this.#gradient.slice());
  }

  clearGradient(): Promise<void> {
    return this.#exclusive(() => {
      this.#gradient.fill(0);
    });
  }

  step(settings: AdamSettings): Promise<{ readonly gradientNorm: number }> {
    return this.#exclusive(() => {
      const gradientNorm = norm(this.#gradient);
      if (!Number.isFinite(gradientNorm)) throw new EngineError(`the gradient's norm is ${gradientNorm}; no step was taken`);
      adamStep(
        trainedParameters(this.#graphs.config),
        this.#weights.flat,
        this.#gradient,
        this.#moments,
        settings,
        gradientNorm,
      );
      this.#weights.version++;
      this.#gradient.fill(0);
      return { gradientNorm };
    });
  }

  resetOptimizer(): Promise<void> {
    return this.#exclusive(() => {
      this.#moments = freshMoments(this.#weights.flat.length);
    });
  }

  snapshot(): Promise<Sampler> {
    return this.#exclusive(() => this.#sampler.copy());
  }

  /** What training changes, flat: the adapters where there are any, otherwise the model's weights. A copy. */
  weights(): Promise<Float32Array> {
    return this.#exclusive(() => this.#weights.flat.slice());
  }

  /** The weights of a model without adapters that computes the same, flat; a copy. */
  merged(): Promise<Float32Array> {
    return this.#exclusive(() => this.#merged());
  }

  #merged(): Float32Array {
    const { lora, model } = this;
    return lora ? mergeAdapters({ ...model, lora }, this.#saved.weights, this.#weights.flat) : this.#weights.flat.slice();
  }

  save(folder: string): Promise<void> {
    return this.#exclusive(() => writeCheckpoint(folder, { ...this.#saved, moments: this.#moments }));
  }

  /** Writes the model with its adapters merged into it, for transformers and `importEmbeddedEngine`; no optimizer. */
  saveMerged(folder: string): Promise<void> {
    return this.#exclusive(() => writeModel(folder, { ...this.#saved, weights: this.#merged() }));
  }

  /** Also forgets the accumulated gradient. Nothing changes when it throws. */
  load(folder: string): Promise<void> {
    return this.#exclusive(async () => {
      const { moments, ...checkpoint } = await readCheckpoint(folder, this.lora ? { known: this.#saved } : {});
      const field = differingField(checkpoint.config, this.model);
      if (field) {
        throw new EngineError(`${folder}: ${field} is ${checkpoint.config[field]}, the engine has ${this.model[field]}`);
      }
      checkAdapters(folder, checkpoint.adapters?.lora, this.lora);
      this.#weights.flat.set(checkpoint.adapters?.flat ?? checkpoint.weights);
      this.#weights.version++;
      this.#moments = moments;
      this.#saved = { ...this.#saved, ids: checkpoint.ids };
      this.#gradient.fill(0);
    });
  }

  release(): Promise<void> {
    return this.#sampler.release();
  }

  async #exclusive<T>(work: () => T | Promise<T>): Promise<T> {
    this.#sampler.checkHeld();
    return this.#graphs.exclusive(async () => {
      this.#sampler.checkHeld();
      return work();
    });
  }
}

/** Throws `EngineError` for a limit that is not a positive integer, or is beyond the model's. */
function limitOf({ contextLength }: ModelConfig, limit = contextLength): number {
  if (Number.isSafeInteger(limit) && limit > 0 && limit <= contextLength) return limit;
  throw new EngineError(`contextLength must be a positive integer up to the model's ${contextLength}, got ${limit}`);
}

function checkAdapters(folder: string, found: LoraConfig | undefined, expected: LoraConfig | undefined): void {
  const [has, wants] = [found, expected].map((lora) => (lora ? `adapters ${JSON.stringify(lora)}` : "a whole model"));
  if (has !== wants) throw new EngineError(`${folder}: it holds ${has}, the engine trains ${wants}`);
}
