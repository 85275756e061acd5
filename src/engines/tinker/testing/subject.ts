/** Servers with faults and engines on them, for tests of what goes wrong between the two. */
import type { Key } from "../../../random.ts";
import { seedKey } from "../../../random.ts";
import { type AdamSettings, type Completion, EngineError } from "../../engine.ts";
import type { Clock } from "../clock.ts";
import { type TinkerEngine, type TinkerEngineOptions, createTinkerEngine } from "../engine.ts";
import type { TinkerEvent } from "../events.ts";
import { PROFILES, type ProfileName } from "../profiles.ts";
import { type Fault, type ServerOptions, TinkerServer } from "./server.ts";

/** A clock on which waiting takes no time. */
export function instantClock(): Clock & { readonly slept: number[] } {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    async sleep(milliseconds, signal) {
      slept.push(milliseconds);
      now += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    },
  };
}

export const VOCABULARY = 9;
const KEY: Key = seedKey(5);

/** A server of a kind and a way to make engines on it. */
export async function startServer(kind: ProfileName, options: Partial<ServerOptions> = {}) {
  const server = await TinkerServer.start({ kind, vocabularySize: VOCABULARY, ...options });
  const create = (more: Partial<TinkerEngineOptions> = {}) =>
    createTinkerEngine({
      profile: kind,
      baseUrl: server.baseUrl,
      apiKey: "tml-test",
      baseModel: "bigram",
      rank: 4,
      vocabularySize: VOCABULARY,
      contextLength: 64,
      key: KEY,
      clock: instantClock(),
      ...more,
    });
  return { server, create };
}

/** Settings of a step that a profile honours. */
export function adamOf(kind: ProfileName, learningRate = 0.05): AdamSettings {
  const settings = { learningRate, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 1 };
  const fixed = Object.entries(PROFILES[kind].adam).filter(([, rule]) => typeof rule === "number");
  return { ...settings, ...Object.fromEntries(fixed) };
}

/** A key that must appear in nothing that is said. */
export const API_KEY = "tml-VerySecret";
export const PROMPT = { tokens: [1], shared: 0 };
export const REQUESTS = [{ prompt: PROMPT, key: seedKey(1) }];
export const SETTINGS = { temperature: 1, maxTokens: 4, stop: [0] };

/** The fault of a request, by its operation and how many of it came before. */
export type FaultPlan = (operation: string, count: number) => Fault | undefined;

/** The fault at one operation. */
export const at =
  (wanted: string, fault: Fault): FaultPlan =>
  (operation) =>
    operation === wanted ? fault : undefined;

/** The same at its first requests alone. */
export const first =
  (wanted: string, times: number, fault: Fault): FaultPlan =>
  (operation, count) =>
    operation === wanted && count < times ? fault : undefined;

const PROMPTS = [[1], [2, 3], [4, 5, 6]].map((tokens) => ({ tokens, shared: 0 }));

/** Requests of different prompts with their keys. */
export const THREE_REQUESTS = PROMPTS.map((prompt, i) => ({ prompt, key: seedKey(i) }));

/** What training leaves on a server, and what its model says then. */
export interface Trained {
  readonly weights: readonly number[];
  readonly completions: readonly Pick<Completion, "tokens" | "logprobs">[];
  /** Operations that change weights, in the order in which the server did them. */
  readonly done: readonly string[];
}

const TRAINING = ["forward_backward", "optim_step"];

/** Training operations that a server has done, in order. */
export const trainingDone = ({ done }: TinkerServer): string[] =>
  done.flatMap(({ operation, failed }) => (TRAINING.includes(operation) && !failed ? [operation] : []));

/**
 * Two steps of sampling and training: on what was sampled, or, where the server takes no seed and a request that is sent again is answered
 * otherwise, on tokens that are given.
 */
export async function trainTwoSteps(engine: TinkerEngine, server: TinkerServer, kind: ProfileName): Promise<Trained> {
  const { seeds } = PROFILES[kind];
  const sample = async () => {
    const sampled = await engine.sample(THREE_REQUESTS, SETTINGS);
    return seeds ? sampled : PROMPTS.map(() => ({ tokens: [2, 3], logprobs: [-2, -2.5] }));
  };
  let completions = await sample();
  for (let step = 0; step < 2; step++) {
    const examples = completions.map(({ tokens, logprobs }, i) => ({
      prompt: PROMPTS[i],
      completion: tokens,
      logprobs,
      advantages: tokens.map((_, t) => (t % 2 === 0 ? 1 : -0.5)),
    }));
    await engine.accumulate({ kind: "ppo", examples, clip: 0.2, temperature: 1 });
    await engine.step(adamOf(kind));
    completions = await sample();
  }
  return { weights: server.weights(), completions, done: trainingDone(server) };
}

export interface Subject {
  readonly server: TinkerServer;
  readonly clock: ReturnType<typeof instantClock>;
  readonly events: readonly TinkerEvent[];
  /** An engine on the server, with `API_KEY`. */
  readonly open: () => Promise<TinkerEngine>;
}

/** Servers and their engines, closed together. */
export class Subjects {
  readonly #closing: (() => Promise<void>)[] = [];

  async start(kind: ProfileName, fault: FaultPlan, options: Partial<TinkerEngineOptions> = {}): Promise<Subject> {
    const clock = instantClock();
    const events: TinkerEvent[] = [];
    const { server, create } = await startServer(kind, { fault });
    this.closes(() => server.stop());
    const onEvent = (event: TinkerEvent) => void events.push(event);
    const open = async () => {
      const engine = await create({ clock, onEvent, apiKey: API_KEY, ...options });
      this.#closing.unshift(() => engine.release());
      return engine;
    };
    return { server, clock, events, open };
  }

  /** Does some more work when all is closed. */
  closes(work: () => Promise<void>): void {
    this.#closing.push(work);
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}

/** The message of the `EngineError` that work ends with. */
export async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error.message;
    throw error;
  }
  throw new Error("expected an EngineError, got none");
}
