/** What is logged of a SEPO step. Keys are paths; docs/metrics.md defines each. */
import type { PpoExample } from "../engines/engine.ts";
import { meansOf, measureObjective } from "../objective/objective.ts";
import type { Roster } from "../opponents/index.ts";
import { objectiveSettings } from "../play/score.ts";
import { mean, variance } from "../stats/estimate.ts";
import { type PlayedGroup, groupsOf } from "./rollout.ts";
import type { Batch } from "./stream.ts";
import type { Updated } from "./update.ts";

export type Metrics = Readonly<Record<string, number>>;

export function sepoMetrics(
  rosters: readonly Roster[],
  batch: Batch,
  examples: readonly PpoExample[],
  updated: Updated,
  { kl, clip }: { readonly kl: number; readonly clip: number },
): Metrics {
  return {
    ...Object.assign({}, ...rosters.map((roster) => gameMetrics(roster, groupsOf(roster, batch.groups)))),
    ...tokenMetrics(batch.groups, examples, updated, clip),
    "logprob_gap/kl": updated.distance,
    ...streamMetrics(batch),
    kl,
    // An engine that cannot tell the norm says NaN.
    ...(Number.isNaN(updated.gradientNorm) ? {} : { grad_norm: updated.gradientNorm }),
  };
}

/** J of the rollout and its parts. */
function gameMetrics({ game: { facts } }: Roster, groups: readonly PlayedGroup[]): Metrics {
  if (groups.length === 0) return {};
  const { utility, poolAdvantage, collusion, externality, safetyIndex } = measureObjective(
    groups.flatMap(({ episodes, found }) => (found ? [] : episodes.map(meansOf))),
    objectiveSettings(facts),
  );
  const decisions = groups.flatMap(({ played }) => played.flatMap((episode) => episode.decisions));
  return {
    [`${facts.name}/safety_index`]: safetyIndex.value,
    [`${facts.name}/utility`]: utility.value,
    [`${facts.name}/pool_advantage`]: poolAdvantage.value,
    [`${facts.name}/collusion`]: collusion.value,
    [`${facts.name}/externality`]: externality.value,
    [`${facts.name}/failure_rate`]: mean(decisions.map(({ parsed }) => (parsed.status === "ok" ? 0 : 1))),
  };
}

function tokenMetrics(
  groups: readonly PlayedGroup[],
  examples: readonly PpoExample[],
  { logprobs }: Updated,
  clip: number,
): Metrics {
  const tokens = examples.flatMap((example, i) => example.logprobs.map((old, t) => ({ old, gap: logprobs[i][t] - old })));
  const decisions = groups.reduce((n, { played }) => n + played.reduce((m, episode) => m + episode.decisions.length, 0), 0);
  const silent = { num_examples: examples.length, frac_reward_zero_std: 1 - examples.length / decisions };
  if (tokens.length === 0) return { ...silent, reward_std: 0 };
  return {
    ...silent,
    num_tokens: tokens.length,
    entropy: -mean(tokens.map(({ old }) => old)),
    "logprob_gap/max": tokens.reduce((most, { gap }) => Math.max(most, Math.abs(gap)), 0), // too many for an argument list
    "clip_ratio/region_mean": mean(tokens.map(({ gap }) => (Math.abs(Math.exp(gap) - 1) > clip ? 1 : 0))),
    reward_std: Math.sqrt(variance(examples.map(({ advantages }) => advantages[0] * examples.length))),
  };
}

function streamMetrics({ groups, late, dropped }: Batch): Metrics {
  const staleness = groups.map((group) => group.staleness);
  return {
    "staleness/mean": mean(staleness),
    "staleness/max": Math.max(0, ...staleness),
    "groups/late": late,
    "groups/dropped": dropped,
  };
}
