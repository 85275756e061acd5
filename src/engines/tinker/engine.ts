/** The engine whose model lives on a server of the Tinker protocol. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Batcher, Slots } from "../../concurrency.ts";
import { type Key, foldIn } from "../../random.ts";
import {
  type AdamSettings,
  type Completion,
  type Engine,
  EngineError,
  type EngineFacts,
  type Loss,
  type LossResult,
  type SampleRequest,
  type Sampler,
  type SamplerSettings,
  type ScoreRequest,
} from "../engine.ts";
import { checkLoss, lossValue } from "../loss.ts";
import { checkedKey } from "./address.ts";
import { writeAdapter } from "./archive.ts";
import { type TinkerCheckpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { type ClientOptions, TinkerClient } from "./client.ts";
import { type Limits, type Sequence, type TrainingPlan, scoringPlan, trainingPlan } from "./datums.ts";
import { download } from "./download.ts";
import { Gate } from "./gate.ts";
import {
  PROFILES,
  type ProfileName,
  type Samplers,
  adamRefusals,
  changedSettings,
  refuse,
  temperatureRefusal,
} from "./profiles.ts";
import { RemoteSampler } from "./remote-sampler.ts";
import { adamParameters, gradientNorm, outputsOf, resultOf, schemaOf } from "./results.ts";
import { type Score, TinkerSnapshot, sampleRemote, scoreRemote, seedOf } from "./sampler.ts";
import type { TrainingModel } from "./training-model.ts";
import * as wire from "./wire.ts";

export interface TinkerEngineOptions extends Omit<ClientOptions, "profile" | "baseUrl" | "apiKey"> {
  readonly profile: ProfileName;
  /** Where the server is; the profile's own address by default. */
  readonly baseUrl?: string;
  /** Needed by every server, some of which take any text. Never written or shown; no environment variable is read. */
  readonly apiKey?: string;
  readonly baseModel: string;
  /** Rank of the adapter that is trained. */
  readonly rank: number;
  readonly vocabularySize: number;
  /** Longest prompt plus completion; a server that names a smaller one decides. */
  readonly contextLength: number;
  /** Of the adapter's first weights, where the server takes a seed. */
  readonly key: Key;
  /** Samples under way at the same time. */
  readonly concurrency?: number;
  /** Limits of one training request, where they differ from the profile's. */
  readonly requestLimits?: Partial<Limits>;
}

/** Connects and makes sure that the server offers the base model. Throws `EngineError` where it does not. */
export async function createTinkerEngine(options: TinkerEngineOptions): Promise<TinkerEngine> {
  const profile = PROFILES[options.profile];
  const baseUrl = options.baseUrl ?? profile.baseUrl;
  const client = new TinkerClient({ ...options, profile, baseUrl, apiKey: checkedKey(options.apiKey) });
  try {
    await client.configure();
    const models = await client.models();
    if (!models.has(options.baseModel))
      throw new EngineError(
        `tinker: ${baseUrl} does not offer the base model "${options.baseModel}"; expected one of ${[...models.keys()].join(", ") || "none"}`,
      );
    const contextLength = Math.min(options.contextLength, models.get(options.baseModel) ?? Infinity);
    return new TinkerEngine(client, { ...options, baseUrl, contextLength });
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The engine saved in a folder, on the server that the folder names or on `baseUrl`. */
export async function loadTinkerEngine(
  folder: string,
  options: Pick<TinkerEngineOptions, "baseUrl" | "apiKey" | "signal" | "onEvent" | "vocabularySize" | "key" | "clock">,
): Promise<TinkerEngine> {
  const { profile, baseUrl, baseModel, rank, limits } = await readCheckpoint(folder);
  const { requestLimits, ...others } = limits;
  const requests = requestLimits === undefined ? {} : { requestLimits };
  const engine = await createTinkerEngine({ profile, baseUrl, baseModel, rank, ...others, ...requests, ...options });
  try {
    await engine.load(folder);
    return engine;
  } catch (error) {
    await engine.release();
    throw error;
  }
}

type Settings = Omit<TinkerEngineOptions, "baseUrl"> & { readonly baseUrl: string };

export class TinkerEngine implements Engine {
  readonly facts: EngineFacts;
  readonly independent = true;
  readonly #settings: Settings;
  readonly #client: TinkerClient;
  readonly #gate = new Gate();
  readonly #slots: Slots;
  /** Conversations score a few sequences each; the server takes them one request after the other. */
  readonly #scoring = new Batcher<Sequence, number[]>(async (sequences) => this.#forward(await this.#held(), sequences));
  #model: Promise<TrainingModel> | undefined;
  /** The sampler of today's weights. */
  #sampler: Promise<RemoteSampler> | undefined;
  /** Whether gradients wait for a step. */
  #pending = false;
  /** Whether the last loss was one to learn from. */
  #learns = true;
  #steps = 0;
  #firstStep: AdamSettings | undefined;
  #released = false;
  #snapshots = 0;

  constructor(client: TinkerClient, settings: Settings) {
    this.#client = client;
    this.#settings = settings;
    this.#slots = new Slots(settings.concurrency ?? CONCURRENCY);
    const { name, samplers, promptLogprobs, reduction } = client.profile;
    this.facts = {
      name: `tinker (${name})`,
      vocabularySize: settings.vocabularySize,
      contextLength: settings.contextLength,
      losses: ["cross_entropy", "ppo"],
      readsGradient: false,
      frozenSnapshots: samplers === "frozen" && promptLogprobs,
      reproducible: false,
      addsAccumulations: reduction !== "mean-per-step",
    };
  }

  get #limits() {
    return { contextLength: this.#settings.contextLength, slots: this.#slots };
  }

  get #requestLimits(): Limits {
    return { ...this.#client.profile.limits, ...this.#settings.requestLimits };
  }

  async sample(
    requests: readonly SampleRequest[],
    settings: SamplerSettings,
    signal?: AbortSignal,
  ): Promise<readonly Completion[]> {
    this.#checkHeld();
    refuse(temperatureRefusal(this.#client.profile, settings.temperature));
    if (requests.length === 0) return [];
    return this.#gate.shared(async () => {
      this.#sampler ??= this.#makeSampler();
      return sampleRemote(await this.#sampler, this.#client.profile, requests, settings, this.#limits, signal);
    });
  }

  async score(requests: readonly ScoreRequest[], temperature: number): Promise<readonly (readonly number[])[]> {
    this.#checkHeld();
    refuse(temperatureRefusal(this.#client.profile, temperature));
    if (requests.length === 0) return [];
    const sequences = requests.map(({ prompt, continuation }) => ({ prompt, completion: continuation }));
    return this.#gate.shared(() => this.#scoring.run(sequences));
  }

  async accumulate(loss: Loss): Promise<LossResult> {
    this.#checkHeld();
    const { profile } = this.#client;
    this.#learns = false;
    checkLoss(loss);
    this.#learns = true;
    if (loss.kind === "ppo") refuse(temperatureRefusal(profile, loss.temperature));
    if (loss.examples.length === 0) return { loss: 0, logprobs: [] };
    const { plan, results } = await this.#gate.exclusive(async () => {
      if (this.#pending && !this.facts.addsAccumulations)
        throw new EngineError(
          `tinker: ${profile.name} averages over everything since the last step, so a second accumulate would change the weight of the first; ` +
            "expected all examples in one call",
        );
      const model = await this.#held();
      const measured = loss.kind === "cross_entropy" && profile.crossEntropy === "measured-ratio";
      const now = measured ? await this.#forward(model, loss.examples) : [];
      const plan = trainingPlan(profile, loss, now, this.#requestLimits);
      this.#pending = true;
      return { plan, results: await this.#submit(model, plan, false) };
    });
    const logprobs = await outputsOf(profile, loss.examples, plan, results);
    // What servers report as a loss is scaled by each in its own way.
    return { loss: lossValue(loss, logprobs), logprobs };
  }

  gradient(): Promise<Float32Array> {
    return Promise.reject(new EngineError("tinker: a server does not show its gradient"));
  }

  async clearGradient(): Promise<void> {
    this.#checkHeld();
    this.#learns = true;
    await this.#gate.exclusive(async () => {
      if (this.#pending) await this.#reopen(true);
    });
  }

  async step(settings: AdamSettings): Promise<{ readonly gradientNorm: number }> {
    this.#checkHeld();
    // Decay and momentum would move the weights all the same.
    if (!this.#learns) throw new EngineError("tinker: step: the last loss was refused, so there is nothing to learn from");
    const { profile } = this.#client;
    refuse([...adamRefusals(profile, settings), ...changedSettings(profile, this.#firstStep ?? settings, settings)]);
    const { result } = await this.#gate.exclusive(async () => {
      const model = await this.#held();
      this.#firstStep ??= settings;
      this.#steps++;
      this.#pending = false;
      this.#sampler = undefined;
      return model.operate("optim_step", { adam_params: adamParameters(settings) }, schemaOf(wire.stepped, "optim_step"));
    });
    return { gradientNorm: gradientNorm((await result).metrics ?? {}) };
  }

  async resetOptimizer(): Promise<void> {
    this.#checkHeld();
    await this.#gate.exclusive(async () => {
      if (this.#steps > 0) await this.#reopen(false);
    });
  }

  async snapshot({ frozen = true }: { readonly frozen?: boolean } = {}): Promise<Sampler> {
    this.#checkHeld();
    const { profile } = this.#client;
    if (!this.facts.frozenSnapshots && (frozen || profile.samplers === "until-next-step"))
      throw new EngineError(
        `tinker: a sampler of ${profile.name} ${NOT_FROZEN[profile.samplers]}, so there are no frozen snapshots; ` +
          "save and load into a second engine instead",
      );
    const remote = await this.#gate.exclusive(() => this.#makeSampler());
    this.#snapshots++;
    const onRelease = () => {
      this.#snapshots--;
      this.#closeWhenUnused();
    };
    // The scores of weights that follow those in training are the engine's own, in their turn between its steps.
    const score: Score = this.facts.frozenSnapshots
      ? (requests) => scoreRemote(remote, requests, this.#slots)
      : (requests, temperature) => this.score(requests, temperature);
    return new TinkerSnapshot(remote, profile, this.#limits, score, onRelease);
  }

  /** Writes `tinker.json`, which names the weights on the server, and the adapter into `adapter/` where the server hands it out. */
  async save(folder: string): Promise<void> {
    this.#checkHeld();
    await this.#gate.exclusive(async () => {
      const model = await this.#held();
      const { profile } = this.#client;
      const {
        baseModel,
        rank,
        baseUrl,
        contextLength,
        concurrency = CONCURRENCY,
        deadlineSeconds = 1800,
        requestLimits,
      } = this.#settings;
      const path = await this.#saveWeights(model);
      if (profile.archive !== undefined) {
        const name = checkpointName(this.#steps);
        await resultOf(
          model.operate("save_weights_for_sampler", { path: name }, schemaOf(wire.samplerSaved, "save_weights_for_sampler")),
        );
        const source = profile.archive(model.id, name);
        await writeAdapter(await download(this.#client.transport, source), join(folder, "adapter"), source);
      }
      await writeCheckpoint(folder, {
        profile: this.#settings.profile,
        baseUrl,
        baseModel,
        rank,
        path,
        steps: this.#steps,
        ...(this.#firstStep === undefined ? {} : { firstStep: { ...this.#firstStep } }),
        limits: {
          contextLength,
          concurrency,
          deadlineSeconds,
          ...(requestLimits?.tokens === undefined ? {} : { requestLimits: { tokens: requestLimits.tokens } }),
        },
      });
    });
  }

  /** Also forgets the accumulated gradient. */
  async load(folder: string): Promise<void> {
    this.#checkHeld();
    const checkpoint = await readCheckpoint(folder);
    for (const field of ["profile", "baseModel", "rank"] as const)
      if (checkpoint[field] !== this.#settings[field])
        throw new EngineError(`${folder}: ${field} is ${checkpoint[field]}, the engine has ${this.#settings[field]}`);
    await this.#gate.exclusive(async () => {
      await this.#replace(checkpoint.path, true);
      this.#steps = checkpoint.steps;
      this.#firstStep = firstStepOf(checkpoint);
    });
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    // Whoever stops a run does not want to wait for its server.
    if (!this.#client.transport.options.signal.aborted) await this.#unload().catch(() => undefined);
    this.#closeWhenUnused();
  }

  #closeWhenUnused(): void {
    if (this.#released && this.#snapshots === 0) this.#client.close();
  }

  #checkHeld(): void {
    if (this.#released) throw new EngineError("tinker: the engine was released");
  }

  /** The model in training, made by whoever needs it first. */
  #held(): Promise<TrainingModel> {
    this.#model ??= this.#createModel();
    return this.#model;
  }

  #createModel(): Promise<TrainingModel> {
    const { baseModel, rank, key } = this.#settings;
    return this.#client.createModel(baseModel, rank, seedOf(foldIn(key, "adapter")));
  }

  async #makeSampler(): Promise<RemoteSampler> {
    const model = await this.#held();
    const fields = { sampling_session_seq_id: this.#client.nextSampler() };
    const schema = schemaOf(wire.samplerSaved, "save_weights_for_sampler");
    const { sampling_session_id: id, path } = await resultOf(model.operate("save_weights_for_sampler", fields, schema));
    if (id != null) return new RemoteSampler(this.#client.operations, id);
    if (path == null)
      throw new EngineError("tinker: save_weights_for_sampler: expected a sampling session or a path, got neither");
    return this.#client.createSampler({ model_path: path });
  }

  async #saveWeights(model: TrainingModel): Promise<string> {
    const fields = { path: checkpointName(this.#steps), ...this.#client.profile.saveFields };
    return (await resultOf(model.operate("save_weights", fields, schemaOf(wire.saved, "save_weights")))).path;
  }

  /** The same weights in a new model, with the optimizer's state or without; gradients are forgotten. */
  async #reopen(optimizer: boolean): Promise<void> {
    await this.#replace(await this.#saveWeights(await this.#held()), optimizer);
    if (optimizer) return;
    this.#steps = 0;
    this.#firstStep = undefined;
  }

  /** A new model in the place of the old one, with weights the server has kept: only a model's first operation may load. */
  async #replace(path: string, optimizer: boolean): Promise<void> {
    await this.#unload();
    const model = await this.#held();
    await resultOf(model.operate("load_weights", { path, optimizer }, schemaOf(wire.anything, "load_weights")));
  }

  async #unload(): Promise<void> {
    const model = await this.#model;
    const pending = this.#pending;
    this.#model = undefined;
    this.#sampler = undefined;
    this.#pending = false;
    if (model === undefined || !this.#client.profile.unloads) return;
    // SkyRL keeps the gradients of an unloaded model for the next one in its place; a step of no length clears them.
    if (pending) {
      const adam_params = adamParameters({ ...(this.#firstStep ?? DRAIN), learningRate: 0 });
      await resultOf(model.operate("optim_step", { adam_params }, schemaOf(wire.stepped, "optim_step")));
    }
    await this.#client.operations.run("unload_model", { model_id: model.id, type: "unload_model" });
  }

  async #forward(model: TrainingModel, sequences: readonly Sequence[]): Promise<number[][]> {
    const { profile } = this.#client;
    const plan = scoringPlan(profile, sequences, this.#requestLimits);
    const results = await this.#submit(model, plan, profile.scoring === "forward");
    return outputsOf(profile, sequences, plan, results);
  }

  /** Sends all requests of a plan; each is acknowledged, none waited for. */
  async #submit(model: TrainingModel, { loss, config, requests }: TrainingPlan, forwardOnly: boolean) {
    const results: Promise<wire.TrainingResult>[] = [];
    for (const { data } of requests) results.push((await model.train({ data, loss, config, forwardOnly })).result);
    return results;
  }
}

/** Why there is no frozen snapshot that samples and scores. */
const NOT_FROZEN: Readonly<Record<Samplers, string>> = {
  frozen: "does not score prompts",
  live: "follows the weights in training",
  "until-next-step": "does not outlast the next step",
};

/** Samples under way at the same time. */
const CONCURRENCY = 256;

const DRAIN: AdamSettings = { learningRate: 0, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 0 };

/** Names that are new at every save: a server refuses a name it has seen. */
const checkpointName = (steps: number): string => `sepo-${steps}-${randomUUID().slice(0, 8)}`;

function firstStepOf({ firstStep }: TinkerCheckpoint): AdamSettings | undefined {
  return firstStep === undefined ? undefined : { ...DRAIN, ...firstStep };
}
