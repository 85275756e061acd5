/**
 * Groups of episodes on their way to the training steps that learn from them. A step's groups may begin before the steps ahead of it
 * are done, and a step does not wait for its slowest groups longer than a limit: they join a later one while they are fresh enough,
 * and are dropped afterwards. No group is ever learned from more than a given number of steps after it began.
 */
import { following } from "../concurrency.ts";
import type { Learner, Sampler } from "../engines/engine.ts";
import type { PlayedGroup, StartedGroup } from "./rollout.ts";

export interface StreamSettings {
  /** Training steps between the weights that play a group and those that learn from it, at most. */
  readonly maxStepsOffPolicy: number;
  /**
   * Longest wait for the rest once half of the groups of each pool of a step are finished; 0: as long as it takes. Late groups then need the
   * last of the steps off-policy, so that a step's groups begin one step less ahead.
   */
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

/** What one training step learns from, and what it did not get. */
export interface Batch {
  readonly groups: readonly BatchGroup[];
  /** Groups of a whole rollout. */
  readonly planned: number;
  /** Groups of this step that were not finished, and may join a later one. */
  readonly late: number;
  /** Groups given up in this step. */
  readonly dropped: number;
}

/** Begins the groups of a step with a sampler; `signal` ends them. */
export type Begin = (step: number, sampler: Sampler, signal: AbortSignal) => readonly StartedGroup[];

interface Pending {
  /** Training steps done when it began. */
  readonly version: number;
  /** Ends all groups of its step that are not finished. */
  readonly controller: AbortController;
  group?: PlayedGroup;
  error?: unknown;
}

/** The groups of one step. */
interface Started {
  readonly groups: readonly Pending[];
  /** Fails with the first group that fails. */
  readonly all: Promise<unknown>;
  /** When half of the groups of each pool were finished, in milliseconds. */
  readonly half: Promise<number>;
}

/** Weights as they were after `version` training steps. */
interface Policy {
  readonly version: number;
  readonly sampler: Sampler;
  readonly users: Promise<unknown>[];
}

export class GroupStream {
  readonly #engine: Learner;
  readonly #begin: Begin;
  readonly #settings: StreamSettings;
  /** Ends all groups. */
  readonly #signals: readonly AbortSignal[];
  /** Begun for steps that have not learned yet. */
  readonly #started = new Map<number, Started>();
  /** Of steps before, not finished when their step learned. */
  #late: readonly Pending[] = [];
  readonly #policies = new Set<Policy>();
  #policy: Policy | undefined;

  constructor(engine: Learner, begin: Begin, settings: StreamSettings, signal?: AbortSignal) {
    this.#engine = engine;
    this.#begin = begin;
    this.#settings = settings;
    this.#signals = signal === undefined ? [] : [signal];
  }

  /** The groups that `step`, before which as many steps are done, learns from. Groups of steps from `end` on are not begun. */
  async batch(step: number, end: number): Promise<Batch> {
    const { maxStepsOffPolicy, stragglerSeconds } = this.#settings;
    const ahead = stragglerSeconds > 0 ? Math.max(0, maxStepsOffPolicy - 1) : maxStepsOffPolicy;
    for (let next = step; next <= Math.min(step + ahead, end - 1); next++)
      if (!this.#started.has(next)) this.#started.set(next, await this.#start(next, step));
    const due = this.#started.get(step)!;
    await (stragglerSeconds > 0 ? enough(due, stragglerSeconds) : due.all);
    const candidates = [...due.groups, ...this.#late];
    const failed = candidates.find(({ error }) => error !== undefined);
    if (failed) throw failed.error;
    this.#started.delete(step);
    const groups = candidates.flatMap(({ group, version }) => (group ? [{ ...group, staleness: step - version }] : []));
    const unfinished = candidates.filter(({ group }) => group === undefined);
    this.#late = unfinished.filter(({ version }) => step + 1 - version <= maxStepsOffPolicy);
    const dropped = unfinished.filter((pending) => !this.#late.includes(pending));
    for (const { controller } of dropped) controller.abort(new Error("dropped: too late for the steps it may join"));
    return {
      groups,
      planned: due.groups.length,
      late: this.#late.filter((pending) => due.groups.includes(pending)).length,
      dropped: dropped.length,
    };
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    const begun = [...this.#started.values()].flatMap(({ groups }) => groups);
    for (const { controller } of [...begun, ...this.#late]) controller.abort(new Error("the run ended"));
    await Promise.all([...this.#policies].map((policy) => this.#release(policy)));
  }

  async #start(step: number, version: number): Promise<Started> {
    const policy = await this.#policyOf(version);
    const { controller, release } = following(this.#signals);
    const started = this.#begin(step, policy?.sampler ?? this.#engine, controller.signal);
    void Promise.allSettled(started.map(({ result }) => result)).then(release);
    const groups = started.map(({ result }) => {
      const pending: Pending = { version, controller };
      const settled = result.then(
        (group) => void (pending.group = group),
        (error: unknown) => void (pending.error = error),
      );
      policy?.users.push(settled);
      return pending;
    });
    const all = Promise.all(started.map(({ result }) => result));
    all.catch(() => undefined); // its step will hear of it
    return { groups, all, half: halfOfEachPool(started).then(() => performance.now()) };
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

/** Ends when all groups are finished, or so many seconds after half of them were. Fails with the first that fails. */
async function enough({ all, half }: Started, seconds: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const limit = half.then(
    (at) =>
      new Promise<void>((resolve) => {
        if (!over) timer = setTimeout(resolve, Math.max(0, at + seconds * 1000 - performance.now()));
      }),
  );
  await Promise.race([all, limit]).finally(() => {
    over = true;
    clearTimeout(timer);
  });
}

/** Ends when half of the groups of each pool of each game are finished. */
async function halfOfEachPool(groups: readonly StartedGroup[]): Promise<void> {
  const pools = new Map<string, Promise<unknown>[]>();
  for (const { game, pool, result } of groups) {
    const name = `${game} ${pool}`;
    pools.set(name, [...(pools.get(name) ?? []), result]);
  }
  await Promise.all([...pools.values()].map((own) => fulfilled(own, Math.ceil(own.length / 2))));
}

/** Ends when so many of the promises are fulfilled. */
const fulfilled = (promises: readonly Promise<unknown>[], count: number): Promise<void> =>
  new Promise((resolve) => {
    let left = count;
    const one = () => void (--left === 0 && resolve());
    for (const promise of promises) promise.then(one, () => undefined);
  });
