/**
 * Safe Equilibrium Policy Optimization: GRPO on J. One step plays a group of episodes against every opponent, turns them into
 * advantages with the gradient of J, adds the KL to the reference through the advantage, and takes one PPO-clip step.
 */
import type { Engine, PpoExample, Sampler, SamplerSettings } from "../engines/engine.ts";
import type { GameFacts } from "../games/index.ts";
import {
  type Credit,
  type CreditSettings,
  type PoolSizes,
  assignCredit,
  measuredGaps,
  rootMeanSquare,
} from "../objective/credit.ts";
import { meansOf, measureObjective } from "../objective/objective.ts";
import type { Roster } from "../opponents/index.ts";
import type { Encoding } from "../play/encoding.ts";
import { objectiveSettings } from "../play/score.ts";
import { type Key, foldIn, shuffle } from "../random.ts";
import { mean, variance } from "../stats/estimate.ts";
import type { PlayedGroup } from "./rollout.ts";
import type { Batch, BatchGroup } from "./stream.ts";
import { adamSettings } from "./supervised.ts";

export interface SepoSettings {
  readonly credit: Credit;
  readonly returns: "to-go" | "by-game";
  readonly updates: number;
  readonly scenarios: number;
  readonly groupSize: number;
  readonly learningRate: number;
  readonly clip: number;
  readonly beta: number;
  readonly failureCost: number;
  readonly hingeMemory: number;
  readonly hingeWidth: number;
  readonly shuffledPenalties: boolean;
  readonly weightDecay: number;
  readonly gradientClip: number;
  readonly beta1: number;
  readonly beta2: number;
}

/**
 * Running mean total / weight of q - r per round against an exploiter; both decay alike, so that early steps count in full. By
 * `game/opponent`; it decides the hinge of the next step.
 */
export interface RunningGap {
  readonly total: number;
  readonly weight: number;
}
export type Gaps = Readonly<Record<string, RunningGap>>;

export interface SepoContext {
  readonly engine: Engine;
  /** The frozen policy the KL is measured to; not needed when its weight is 0. */
  readonly reference?: Sampler;
  readonly encoding: Encoding;
  readonly sampler: SamplerSettings;
  readonly rosters: readonly Roster[];
  readonly settings: SepoSettings;
}

export interface SepoStep {
  readonly metrics: Record<string, number>;
  readonly gaps: Gaps;
  readonly groups: readonly PlayedGroup[];
}

/**
 * One training step on a batch of groups, which may have begun under earlier weights; a pure function of the engine's weights, the batch,
 * the key and the gaps.
 */
export async function learn(context: SepoContext, batch: Batch, key: Key, gaps: Gaps): Promise<SepoStep> {
  const { engine, sampler, rosters, settings } = context;
  const { groups } = batch;
  const examples = rosters.flatMap((roster) =>
    advantages(roster, groupsOf(roster, groups), settings, gaps, foldIn(key, roster.game.facts.name)),
  );
  const { data, kl } = await withReference(examples, (examples.length * batch.planned) / groups.length, context);
  const { logprobs, gap, gradientNorm } = await update(engine, data, foldIn(key, "updates"), settings, sampler.temperature);
  const nextGaps = updateGaps(rosters, groups, gaps, settings.hingeMemory);
  return {
    groups,
    gaps: nextGaps,
    metrics: {
      ...describe(rosters, groups, data, logprobs, settings.clip),
      "logprob_gap/kl": gap,
      ...describeStream(batch),
      kl,
      grad_norm: gradientNorm,
    },
  };
}

/** The groups of a game; exploiters may have joined its roster since they began. */
const groupsOf = (roster: Roster, groups: readonly BatchGroup[]): readonly BatchGroup[] =>
  groups.filter((group) => group.roster.game === roster.game);

/**
 * `updates` optimizer steps, each on a keyed share of the examples; the clipped ratio to the policy that played keeps later ones near it.
 * Returns the log-probabilities each example was trained at, how far those of the first update are from the sampled ones (the mean of
 * half their squared difference, which estimates a Kullback-Leibler divergence) and the mean norm of the gradients.
 */
async function update(
  engine: Engine,
  data: readonly PpoExample[],
  key: Key,
  { updates, clip, ...settings }: SepoSettings,
  temperature: number,
) {
  const order = shuffle(
    key,
    data.map((_, i) => i),
  );
  const logprobs: (readonly number[])[] = [];
  const norms: number[] = [];
  let gap = 0;
  for (let u = 0; u < updates; u++) {
    const part = order.slice(Math.floor((u * data.length) / updates), Math.floor(((u + 1) * data.length) / updates));
    // Advantages were divided by the number of all examples.
    const examples = part.map((i) => ({
      ...data[i],
      advantages: data[i].advantages.map((a) => (a * data.length) / part.length),
    }));
    // Asked for together: an engine far away then does both without waiting for us in between.
    const [result, { gradientNorm }] = await Promise.all([
      engine.accumulate({ kind: "ppo", examples, clip, temperature }),
      engine.step(adamSettings(settings)),
    ]);
    part.forEach((i, at) => (logprobs[i] = result.logprobs[at]));
    const gaps = part.flatMap((i, at) => data[i].logprobs.map((old, t) => (result.logprobs[at][t] - old) ** 2 / 2));
    if (u === 0 && gaps.length > 0) gap = mean(gaps);
    norms.push(gradientNorm);
  }
  return { logprobs, gap, gradientNorm: mean(norms) };
}

/** The settings of credit assignment for a game. */
export const creditSettings = (facts: GameFacts, failureCost: number): CreditSettings => ({
  ...objectiveSettings(facts),
  weights: facts.trainingWeights ?? facts.weights,
  failureCost,
});

/** Groups of each pool that a whole rollout has. */
function rolloutSizes({ pools }: Roster, scenarios: number): PoolSizes {
  const [train, exploiter, collusive] = (["train", "exploiter", "collusive"] as const).map(
    (pool) => pools[pool].length * scenarios,
  );
  return { train, exploiter, collusive };
}

/** One example per decision of one game; every token carries the decision's advantage, scaled by the batch's root mean square. */
function advantages(
  roster: Roster,
  groups: readonly PlayedGroup[],
  settings: SepoSettings,
  gaps: Gaps,
  key: Key,
): PpoExample[] {
  const { facts } = roster.game;
  const known = new Map(
    groups.flatMap(({ opponent }) => {
      const gap = gaps[`${facts.name}/${opponent}`];
      return gap === undefined ? [] : [[opponent, gap.total / gap.weight] as const];
    }),
  );
  const charged = settings.shuffledPenalties ? groups.map((group) => shuffleHarms(group, foldIn(key, group.opponent))) : groups;
  const credit = assignCredit(charged, creditSettings(facts, settings.failureCost), {
    credit: settings.credit,
    returns: settings.returns === "by-game" && facts.independentRounds ? "round" : "to-go",
    gaps: known,
    hingeWidth: settings.hingeWidth,
    sizes: groups.map((group) => rolloutSizes(group.roster, settings.scenarios)),
  });
  const scale = rootMeanSquare(
    groups.flatMap(({ played }, g) => played.flatMap(({ decisions }, i) => decisions.map(({ round }) => credit[g][i][round]))),
  );
  return groups.flatMap(({ played }, g) =>
    credit[g].every((row) => row.every((value) => value === 0))
      ? []
      : played.flatMap(({ decisions }, i) =>
          decisions.flatMap(({ reply, round }) =>
            reply === undefined ? [] : [{ ...reply, advantages: reply.completion.map(() => credit[g][i][round] / scale) }],
          ),
        ),
  );
}

/** The control of the audit: within a group every harm belongs to some other episode's actions. */
export function shuffleHarms(group: PlayedGroup, key: Key): PlayedGroup {
  const donors = shuffle(key, group.episodes);
  const penalty = group.pool === "exploiter";
  return {
    ...group,
    episodes: group.episodes.map((episode, i) => ({
      ...episode,
      rounds: episode.rounds.map((round, t) => {
        const donor = donors[i].rounds[t] ?? round;
        return { ...round, c: donor.c, x: donor.x, ...(penalty ? { r: donor.r, q: donor.q } : {}) };
      }),
    })),
  };
}

/**
 * Adds beta * (mean(d) - d) to each token's advantage, d = log p - log p_reference at that token, centred over the batch and never
 * clamped; then divides by `count`, the number of examples that a whole rollout has.
 */
async function withReference(examples: readonly PpoExample[], count: number, { reference, sampler, settings }: SepoContext) {
  if (examples.length === 0 || settings.beta === 0 || reference === undefined)
    return { data: examples.map((e) => scaled(e, e.advantages, count)), kl: 0 };
  const scores = await reference.score(
    examples.map(({ prompt, completion }) => ({ prompt, continuation: completion })),
    sampler.temperature,
  );
  const gaps = examples.map(({ logprobs }, i) => logprobs.map((p, t) => p - scores[i][t]));
  const kl = mean(gaps.flat());
  const data = examples.map((e, i) =>
    scaled(
      e,
      e.advantages.map((a, t) => a + settings.beta * (kl - gaps[i][t])),
      count,
    ),
  );
  return { data, kl };
}

const scaled = (example: PpoExample, values: readonly number[], count: number): PpoExample => ({
  ...example,
  advantages: values.map((value) => value / count),
});

/** Exponential running means of q - r per round against each exploiter. */
function updateGaps(rosters: readonly Roster[], groups: readonly BatchGroup[], gaps: Gaps, memory: number): Gaps {
  const next: Record<string, RunningGap> = { ...gaps };
  for (const roster of rosters)
    for (const [opponent, now] of measuredGaps(groupsOf(roster, groups))) {
      const name = `${roster.game.facts.name}/${opponent}`;
      const { total, weight } = gaps[name] ?? { total: 0, weight: 0 };
      next[name] = { total: memory * total + (1 - memory) * now, weight: memory * weight + 1 - memory };
    }
  return next;
}

function describeStream({ groups, late, dropped }: Batch): Record<string, number> {
  const staleness = groups.map((group) => group.staleness);
  return {
    "staleness/mean": mean(staleness),
    "staleness/max": Math.max(0, ...staleness),
    "groups/late": late,
    "groups/dropped": dropped,
  };
}

/** Metric keys are paths; docs/metrics.md defines each. */
function describe(
  rosters: readonly Roster[],
  groups: readonly BatchGroup[],
  data: readonly PpoExample[],
  now: readonly (readonly number[])[],
  clip: number,
): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const roster of rosters) {
    const { facts } = roster.game;
    const own = groupsOf(roster, groups);
    if (own.length === 0) continue;
    const { utility, exploitability, collusion, externality, safetyIndex } = measureObjective(
      own.flatMap(({ episodes }) => episodes.map(meansOf)),
      objectiveSettings(facts),
    );
    const decisions = own.flatMap(({ played }) => played.flatMap((episode) => episode.decisions));
    Object.assign(metrics, {
      [`${facts.name}/reward`]: safetyIndex.value,
      [`${facts.name}/utility`]: utility.value,
      [`${facts.name}/exploitability`]: exploitability.value,
      [`${facts.name}/collusion`]: collusion.value,
      [`${facts.name}/externality`]: externality.value,
      [`${facts.name}/failure_rate`]: mean(decisions.map(({ parsed }) => (parsed.status === "ok" ? 0 : 1))),
    });
  }
  const tokens = data.flatMap((example, i) => example.logprobs.map((old, t) => ({ old, gap: now[i][t] - old })));
  if (tokens.length === 0) return { ...metrics, num_examples: 0 };
  return {
    ...metrics,
    num_examples: data.length,
    num_tokens: tokens.length,
    entropy: -mean(tokens.map(({ old }) => old)),
    "logprob_gap/max": tokens.reduce((most, { gap }) => Math.max(most, Math.abs(gap)), 0), // too many for an argument list
    "clip_ratio/region_mean": mean(tokens.map(({ gap }) => (Math.abs(Math.exp(gap) - 1) > clip ? 1 : 0))),
    reward_std: Math.sqrt(variance(data.map(({ advantages: a }) => a[0] * data.length))),
    frac_reward_zero_std:
      1 - data.length / groups.reduce((n, g) => n + g.played.reduce((m, e) => m + e.decisions.length, 0), 0),
  };
}
