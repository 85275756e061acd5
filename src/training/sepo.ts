/**
 * Safe Equilibrium Policy Optimization (arXiv 2605.30854): GRPO whose advantages are shares of J, so that the expected gradient is the
 * gradient of J.
 */
import type { Learner, Sampler, SamplerSettings } from "../engines/engine.ts";
import type { Roster } from "../opponents/index.ts";
import type { Encoding } from "../play/encoding.ts";
import { modelPlayer } from "../play/players/model.ts";
import { type Key, foldIn } from "../random.ts";
import { adamSettings } from "../runs/plan.ts";
import { type AdvantageSettings, advantagesOf } from "./advantages.ts";
import { type Exploiter, type ExploiterSettings, addExploiters, withExploiters } from "./exploiters.ts";
import type { Gaps } from "./gaps.ts";
import { type Metrics, sepoMetrics } from "./metrics.ts";
import { type PlayedGroup, type RolloutSize, startRollout } from "./rollout.ts";
import { type Batch, GroupStream, type StreamSettings } from "./stream.ts";
import { updatePolicy } from "./update.ts";

export interface SepoSettings extends AdvantageSettings, RolloutSize, StreamSettings {
  readonly steps: number;
  /** Optimizer steps per rollout. */
  readonly updates: number;
  readonly learningRate: number;
  /** Learning rate at the last step, as a share of `learningRate`; linear between. */
  readonly finalLearningRate: number;
  /** `beta` at the last step, as a share of `beta`; geometric between. */
  readonly finalBeta: number;
  readonly clip: number;
  readonly exploiter: ExploiterSettings;
  /** What is different in some games, by name. */
  readonly games?: Readonly<Record<string, { readonly [K in GameKey]?: number | undefined }>>;
  /** Nothing is played ahead of a step after which the run is saved. */
  readonly checkpointEvery: number;
  readonly weightDecay: number;
  readonly gradientClip: number;
  readonly beta1: number;
  readonly beta2: number;
}

/** Settings that a game may have for itself. */
type GameKey = "beta" | "finalBeta" | "failureCost" | "hingeWidth";

/** Who learns, from whom. */
export interface SepoAgent {
  readonly engine: Learner;
  readonly encoding: Encoding;
  readonly sampling: SamplerSettings;
  readonly rosters: readonly Roster[];
  /** The frozen policy that the KL is measured to; none where beta is 0. */
  readonly reference?: Sampler;
}

/** All that a step needs of the steps before it, besides the weights. */
export interface SepoState {
  /** Steps done. */
  readonly step: number;
  readonly gaps: Gaps;
  readonly exploiters: readonly Exploiter[];
}
export const SEPO_START: SepoState = { step: 0, gaps: {}, exploiters: [] };

export interface SepoOptions {
  /** Where to go on; default: at the beginning. */
  readonly from?: SepoState;
  readonly signal?: AbortSignal;
  /** Called as episodes finish: the step that will learn from them, from 1 on, how many are finished, and of how many. */
  readonly onProgress?: (step: number, finished: number, episodes: number) => void;
}

export interface SepoStep {
  readonly state: SepoState;
  readonly metrics: Metrics;
  readonly groups: readonly PlayedGroup[];
}

/**
 * The method. Each step plays groups of episodes against every opponent of the pools of J, credits every decision with its share of J,
 * adds the KL to the reference, updates the policy, and yields. `key` is the root of its randomness, so a step is a function of
 * the weights, the key and the state it begins from.
 */
export async function* sepo(
  agent: SepoAgent,
  settings: SepoSettings,
  key: Key,
  { from = SEPO_START, signal, onProgress }: SepoOptions = {},
): AsyncGenerator<SepoStep, void> {
  let state = from;
  const rostersNow = () => agent.rosters.map((roster) => withExploiters(roster, state.exploiters));
  const play = (step: number, sampler: Sampler, dropped: AbortSignal) =>
    startRollout(rostersNow(), modelPlayer("agent", { ...agent, sampler }), foldIn(key, "sepo", step), settings, {
      signal: dropped,
      onProgress: (finished, episodes) => onProgress?.(step + 1, finished, episodes),
    });
  const stream = new GroupStream(agent.engine, play, settings, signal);
  try {
    while (state.step < settings.steps) {
      signal?.throwIfAborted();
      const { step } = state;
      const rosters = rostersNow();
      const batch = await stream.batch(step, nextPause(step, settings));
      const { metrics, gaps } = await learn({ ...agent, rosters }, batch, settings, foldIn(key, "sepo", step), state);
      const exploiters = await nextExploiters(agent, batch.groups, settings.exploiter, key, state);
      state = { step: step + 1, gaps, exploiters };
      yield { state, metrics, groups: batch.groups };
    }
  } finally {
    await stream.close();
  }
}

/** One step on a batch that was played. */
export async function learn(
  { engine, sampling: { temperature }, rosters, reference }: SepoAgent,
  batch: Batch,
  settings: SepoSettings,
  key: Key,
  { step, gaps: before }: Pick<SepoState, "step" | "gaps">,
): Promise<{ readonly metrics: Metrics; readonly gaps: Gaps }> {
  const options = { temperature, ...(reference === undefined ? {} : { reference }) };
  const { examples, kl, gaps } = await advantagesOf(rosters, batch, settingsAt(step, settings), before, key, options);
  const adam = adamSettings({ ...settings, learningRate: learningRateAt(step, settings) });
  const { updates, clip } = settings;
  const updated = await updatePolicy(engine, examples, foldIn(key, "updates"), { updates, clip, temperature, adam });
  return { metrics: sepoMetrics(rosters, batch, examples, updated, { kl, clip }), gaps };
}

const learningRateAt = (step: number, { learningRate, finalLearningRate, steps }: SepoSettings): number =>
  learningRate * (1 - ((1 - finalLearningRate) * step) / steps);

/** The settings of a game at a step: its own before those of all, and the price of the KL as it has become. */
const settingsAt =
  (step: number, settings: SepoSettings) =>
  (game: string): AdvantageSettings => {
    const own = settings.games?.[game] ?? {};
    const { beta = settings.beta, finalBeta = settings.finalBeta } = own;
    const { failureCost = settings.failureCost, hingeWidth = settings.hingeWidth } = own;
    return { ...settings, failureCost, hingeWidth, beta: beta * finalBeta ** (step / settings.steps) };
  };

/** The step up to which may be played ahead: a run that continues from a checkpoint must play with the same weights. */
const nextPause = (step: number, { steps, checkpointEvery }: SepoSettings): number =>
  Math.min(steps, (Math.floor(step / checkpointEvery) + 1) * checkpointEvery);

async function nextExploiters(
  agent: SepoAgent,
  groups: readonly PlayedGroup[],
  settings: ExploiterSettings,
  key: Key,
  { step, exploiters }: SepoState,
): Promise<readonly Exploiter[]> {
  if (settings.every === 0 || (step + 1) % settings.every !== 0) return exploiters;
  const episodes = groups.flatMap(({ played }) => played);
  const model = { ...agent, sampler: agent.engine };
  return addExploiters(exploiters, agent.rosters, episodes, model, step + 1, foldIn(key, "exploiter", step), settings);
}
