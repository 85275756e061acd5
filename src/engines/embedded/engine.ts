/** The engine that runs inside the Node process, on ONNX Runtime. */
import type { Key } from "../../random.ts";
import { DEVICES, type Device } from "../../tensor/session.ts";
import {
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
import { importCheckpoint, readCheckpoint, writeCheckpoint, type Checkpoint } from "./checkpoint.ts";
import type { TokenIds } from "./config-json.ts";
import { Graphs } from "./graphs.ts";
import { checkModel, differingField, type ModelConfig } from "./model.ts";
import { initialize, liveWeights, parametersOf, type LiveWeights } from "./parameters.ts";
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

/** An engine with fresh weights. Throws `EngineError` for a model that cannot be built. */
export function createEmbeddedEngine({ model, key, ids = {}, ...machine }: EmbeddedEngineOptions): EmbeddedEngine {
  checkModel(model);
  const weights = initialize(model, key);
  return new EmbeddedEngine({ config: model, ids, weights, moments: freshMoments(weights.length) }, machine);
}

/** The engine saved in a folder. Throws `EngineError` naming a file that is missing or wrong. */
export async function loadEmbeddedEngine(folder: string, machine: MachineOptions = {}): Promise<EmbeddedEngine> {
  return new EmbeddedEngine(await readCheckpoint(folder), machine);
}

/**
 * The engine of a Llama or Qwen3 model that another program saved, such as transformers: in float32, float16 or bfloat16, in one file
 * or several, with tied embeddings or not. The optimizer has taken no step. Throws `EngineError` naming a file that is missing or what
 * in it this engine does not have, such as scaled rotary positions.
 */
export async function importEmbeddedEngine(folder: string, machine: MachineOptions = {}): Promise<EmbeddedEngine> {
  return new EmbeddedEngine(await importCheckpoint(folder), machine);
}

export class EmbeddedEngine implements Engine {
  readonly facts: EngineFacts;
  readonly model: ModelConfig;
  readonly #graphs: Graphs;
  readonly #sampler: WeightsSampler;
  readonly #trainer: Trainer;
  readonly #weights: LiveWeights;
  readonly #gradient: Float32Array;
  #moments: Moments;
  #ids: TokenIds;

  /** Takes the checkpoint's arrays as its own. */
  constructor({ config, ids, weights, moments }: Checkpoint, machine: MachineOptions = {}) {
    this.model = config;
    this.facts = {
      name: "embedded",
      vocabularySize: config.vocabularySize,
      contextLength: config.contextLength,
      losses: ["cross_entropy", "ppo"],
      readsGradient: true,
      frozenSnapshots: true,
    };
    this.#graphs = new Graphs(config, machine);
    this.#weights = liveWeights(config, weights);
    this.#gradient = new Float32Array(weights.length);
    this.#moments = moments;
    this.#ids = ids;
    this.#sampler = new WeightsSampler(this.#graphs, this.#weights);
    this.#trainer = new Trainer(this.#graphs, this.#weights);
  }

  sample(requests: readonly SampleRequest[], settings: SamplerSettings): Promise<readonly Completion[]> {
    return this.#sampler.sample(requests, settings);
  }

  score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]> {
    return this.#sampler.score(requests, temperature);
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
      adamStep(parametersOf(this.model), this.#weights.flat, this.#gradient, this.#moments, settings, gradientNorm);
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

  /** The weights, flat; a copy. */
  weights(): Promise<Float32Array> {
    return this.#exclusive(() => this.#weights.flat.slice());
  }

  save(folder: string): Promise<void> {
    return this.#exclusive(() =>
      writeCheckpoint(folder, { config: this.model, ids: this.#ids, weights: this.#weights.flat, moments: this.#moments }),
    );
  }

  /** Also forgets the accumulated gradient. Nothing changes when it throws. */
  load(folder: string): Promise<void> {
    return this.#exclusive(async () => {
      const { config, ids, weights, moments } = await readCheckpoint(folder);
      const field = differingField(config, this.model);
      if (field) throw new EngineError(`${folder}: ${field} is ${config[field]}, the engine has ${this.model[field]}`);
      this.#weights.flat.set(weights);
      this.#weights.version++;
      this.#moments = moments;
      this.#ids = ids;
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
