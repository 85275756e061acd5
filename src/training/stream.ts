/**
 * Groups of episodes on their way to the training steps that learn from them. A step's groups may begin before the steps ahead of it
 * are done (off-policy, by at most a given number of steps), and a step does not wait for its slowest groups longer than a limit: they
 * join a later one while they are fresh enough, and are dropped afterwards.
 */
import { setTimeout } from "node:timers/promises";
import type { Engine, Sampler } from "../engines/engine.ts";
import type { PlayedGroup } from "./rollout.ts";

export interface StreamSettings {
  /** Training steps between the weights that play a group and those that learn from it, at most. */
  readonly maxStepsOffPolicy: number;
  /** Longest wait for the rest once half of a step's groups are finished; 0: as long as it takes. */
  readonly stragglerSeconds: number;
}

/** A group in the batch of a step. */
export interface BatchGroup extends PlayedGroup {
  /**
   * Training steps between the weights it began to be played with and those that learn from it. Where a sampler follows the weights in
   * training, an upper bound.
   */
  readonly staleness: number;
}
export interface Batch {
  readonly groups: readonly BatchGroup[];
  /** Groups of this step that were not finished, and will join a later one. */
  readonly late: number;
  /** Groups given up. */
  readonly dropped: number;
}

/** Begins the groups of a step with a sampler. */
export type Begin = (step: number, sampler: Sampler, signal: AbortSignal) => readonly Promise<PlayedGroup>[];

interface Pending {
  /** Training steps done when it began. */
  readonly version: number;
  readonly result: Promise<PlayedGroup>;
  /** Ends all groups of its step that are not finished. */
  readonly controller: AbortController;
  group?: PlayedGroup;
  error?: unknown;
}

/** Weights as they were after `version` training steps. */
interface Policy {
  readonly version: number;
  readonly sampler: Sampler;
  readonly users: Promise<unknown>[];
}

export class GroupStream {
  readonly #engine: Engine;
  readonly #begin: Begin;
  readonly #settings: StreamSettings;
  /** Begun for steps to come. */
  readonly #ahead = new Map<number, readonly Pending[]>();
  /** Of steps before, not finished when their step was taken. */
  #late: readonly Pending[] = [];
  readonly #policies = new Set<Policy>();
  #policy: Policy | undefined;

  constructor(engine: Engine, begin: Begin, settings: StreamSettings) {
    this.#engine = engine;
    this.#begin = begin;
    this.#settings = settings;
  }

  /** The groups that `step`, before which as many steps are done, learns from. Groups of steps from `end` on are not begun. */
  async batch(step: number, end: number): Promise<Batch> {
    const { maxStepsOffPolicy, stragglerSeconds } = this.#settings;
    for (let ahead = step; ahead <= Math.min(step + maxStepsOffPolicy, end - 1); ahead++)
      if (!this.#ahead.has(ahead)) this.#ahead.set(ahead, await this.#start(ahead, step));
    const due = this.#ahead.get(step)!;
    this.#ahead.delete(step);
    await enough(due, stragglerSeconds);
    const candidates = [...due, ...this.#late];
    const failed = candidates.find(({ error }) => error !== undefined);
    if (failed) throw failed.error;
    const groups = candidates.flatMap(({ group, version }) => (group ? [{ ...group, staleness: step - version }] : []));
    const unfinished = candidates.filter(({ group }) => group === undefined);
    this.#late = unfinished.filter(({ version }) => step + 1 - version <= maxStepsOffPolicy);
    const dropped = unfinished.filter((pending) => !this.#late.includes(pending));
    for (const { controller } of dropped) controller.abort(new Error("dropped: too late for the steps it may join"));
    return { groups, late: this.#late.filter((pending) => due.includes(pending)).length, dropped: dropped.length };
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    for (const { controller } of [...this.#ahead.values()].flat().concat(this.#late))
      controller.abort(new Error("the run ended"));
    await Promise.all([...this.#policies].map((policy) => this.#release(policy)));
  }

  async #start(step: number, version: number): Promise<readonly Pending[]> {
    const policy = await this.#policyOf(version);
    const controller = new AbortController();
    const results = this.#begin(step, policy?.sampler ?? this.#engine, controller.signal);
    return results.map((result) => {
      const pending: Pending = { version, result, controller };
      const settled = result.then(
        (group) => void (pending.group = group),
        (error: unknown) => void (pending.error = error),
      );
      policy?.users.push(settled);
      return pending;
    });
  }

  /** Nothing where each step waits for all its own groups: then the engine itself plays. */
  async #policyOf(version: number): Promise<Policy | undefined> {
    const { maxStepsOffPolicy, stragglerSeconds } = this.#settings;
    if (maxStepsOffPolicy === 0 && stragglerSeconds === 0) return undefined;
    const last = this.#policy;
    if (last?.version === version) return last;
    if (last) void Promise.all(last.users).then(() => this.#release(last));
    this.#policy = { version, sampler: await this.#engine.snapshot({ frozen: false }), users: [] };
    this.#policies.add(this.#policy);
    return this.#policy;
  }

  async #release(policy: Policy): Promise<void> {
    if (this.#policies.delete(policy)) await policy.sampler.release();
  }
}

/** Ends when all groups are finished, or half of them and then some time has passed. Fails with the first that fails. */
async function enough(groups: readonly Pending[], seconds: number): Promise<void> {
  const all = Promise.all(groups.map(({ result }) => result));
  if (seconds > 0) {
    await Promise.race([all, finished(groups, Math.ceil(groups.length / 2))]);
    const timer = new AbortController();
    const limit = setTimeout(seconds * 1000, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([all, limit]).finally(() => timer.abort());
  } else await all;
}

const finished = (groups: readonly Pending[], count: number): Promise<void> =>
  new Promise((resolve) => {
    let left = count;
    const one = () => void (--left === 0 && resolve());
    for (const { result } of groups) result.then(one, () => undefined);
  });
