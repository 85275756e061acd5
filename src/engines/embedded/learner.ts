/**
 * The engine that runs on ONNX Runtime, wherever that runs: all of it but the folders it is kept in, which `engine.ts` adds in Node.
 */
import type { Key } from "../../random.ts";
import { resident } from "../../tensor/thread.ts";
import type { Device } from "../../tensor/device.ts";
import {
  type Alternative,
  EngineError,
  type AdamSettings,
  type Completion,
  type EngineFacts,
  type Learner,
  type Loss,
  type LossResult,
  type Sampler,
  type SampleRequest,
  type SamplerSettings,
  type ScoreRequest,
} from "../engine.ts";
import { adamStep, freshMoments, norm, type Moments } from "./adam.ts";
import type { TokenIds } from "./config-json.ts";
import { Graphs } from "./graphs.ts";
import { blockViews, liveWeights, type LiveWeights } from "./inputs.ts";
import { mergeAdapters, trainedCount, trainedParameters, type LoraConfig } from "./lora.ts";
import { checkModel, differingField, type ModelConfig } from "./model.ts";
import { initialize } from "./parameters.ts";
import { WeightsSampler } from "./sampler.ts";
import { Trainer } from "./trainer.ts";

/** A model: its shape, its tokenizer's ids, and all its weights in one vector. */
export interface Model {
  readonly config: ModelConfig;
  readonly ids: TokenIds;
  readonly weights: Float32Array;
}

/** Adapters beside a frozen model that was read from `folder`. */
export interface Adapters {
  readonly lora: LoraConfig;
  readonly flat: Float32Array;
  readonly folder: string;
}

export interface Checkpoint extends Model {
  /** Where there are any, they are what is trained, and the weights are frozen. */
  readonly adapters?: Adapters;
  /** Of what is trained. */
  readonly moments: Moments;
}

/** How an engine uses the machine. */
export interface MachineOptions {
  /** Worker threads at most; all available cores unless given. Results do not depend on it. */
  readonly threads?: number;
  /** "cpu" unless given. A device that is missing is an `EngineError` when the first graph runs. */
  readonly device?: Device;
}

/** How a model is used. */
export interface UseOptions extends MachineOptions {
  /** The longest prompt plus completion, in tokens; the model's own unless given, and never more than that. */
  readonly contextLength?: number;
}

/** A model of random weights that has taken no step. Throws `EngineError` for one that cannot be built. */
export function freshCheckpoint(config: ModelConfig, key: Key, ids: TokenIds = {}): Checkpoint {
  checkModel(config);
  const weights = initialize(config, key);
  return { config, ids, weights, moments: freshMoments(weights.length) };
}

/** See `Learner`; weights are kept in memory alone. */
export class EmbeddedLearner implements Learner {
  readonly facts: EngineFacts;
  readonly model: ModelConfig;
  /** Of adapters, where they are what is trained. */
  readonly lora: LoraConfig | undefined;
  readonly #graphs: Graphs;
  readonly #sampler: WeightsSampler;
  readonly #trainer: Trainer;
  readonly #weights: LiveWeights;
  readonly #gradient: Float32Array;
  /** What `keep` shows, but for the moments. */
  #saved: Omit<Checkpoint, "moments">;
  #moments: Moments;

  /** Takes the checkpoint's arrays as its own. */
  constructor({ moments, ...checkpoint }: Checkpoint, { contextLength, ...machine }: UseOptions = {}) {
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
    return this.keep(mergedWeights);
  }

  /** Calls `use` with all there is to keep, which does not change until `use` has ended. The arrays are the engine's own. */
  keep<T>(use: (checkpoint: Checkpoint) => T | Promise<T>): Promise<T> {
    return this.#exclusive(() => use({ ...this.#saved, moments: this.#moments }));
  }

  /**
   * Goes on from what `read` gives, named in errors; it is called with what is there. Also forgets the accumulated gradient. Nothing
   * changes when it throws.
   */
  replace(name: string, read: (current: Model) => Checkpoint | Promise<Checkpoint>): Promise<void> {
    return this.#exclusive(async () => {
      const { moments, ...checkpoint } = await read(this.#saved);
      const field = differingField(checkpoint.config, this.model);
      if (field) throw new EngineError(`${name}: ${field} is ${checkpoint.config[field]}, the engine has ${this.model[field]}`);
      checkAdapters(name, checkpoint.adapters?.lora, this.lora);
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

/** The weights of a model without adapters that computes the same, flat; a copy. */
export const mergedWeights = ({ config, weights, adapters }: Checkpoint): Float32Array =>
  adapters ? mergeAdapters({ ...config, lora: adapters.lora }, weights, adapters.flat) : weights.slice();

/** Throws `EngineError` for a limit that is not a positive integer, or is beyond the model's. */
function limitOf({ contextLength }: ModelConfig, limit = contextLength): number {
  if (Number.isSafeInteger(limit) && limit > 0 && limit <= contextLength) return limit;
  throw new EngineError(`contextLength must be a positive integer up to the model's ${contextLength}, got ${limit}`);
}

function checkAdapters(name: string, found: LoraConfig | undefined, expected: LoraConfig | undefined): void {
  const [has, wants] = [found, expected].map((lora) => (lora ? `adapters ${JSON.stringify(lora)}` : "a whole model"));
  if (has !== wants) throw new EngineError(`${name}: it holds ${has}, the engine trains ${wants}`);
}
