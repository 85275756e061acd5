/**
 * From played groups to the advantages an engine learns from. Every scaling of an advantage is here, in the order it is applied:
 *
 * 1. credit: each decision's share of J, less its group's baseline (`objective/credit.ts`);
 * 2. divided by the root mean square of all decisions of its game, one number, so that pools keep their relative weight;
 * 3. plus beta * (mean(d) - d) at each token, d = log p - log p_reference, centred over the batch and never clamped;
 * 4. divided by the number of examples of a whole rollout, which makes the sum over examples a mean;
 * 5. where a rollout is learned from in several updates, each share of it counts as the whole.
 */
import type { PpoExample, Sampler } from "../engines/engine.ts";
import type { GameFacts } from "../games/index.ts";
import {
  type Credit,
  type CreditSettings,
  type PoolSizes,
  type Term,
  assignCredit,
  rootMeanSquare,
} from "../objective/credit.ts";
import type { Roster } from "../opponents/index.ts";
import { objectiveSettings } from "../play/score.ts";
import { type Key, foldIn, shuffle } from "../random.ts";
import { mean } from "../stats/estimate.ts";
import { type Gaps, gapsOf } from "./gaps.ts";
import { type PlayedGroup, groupsOf } from "./rollout.ts";

export interface AdvantageSettings {
  readonly credit: Credit;
  /** What a decision answers for: all rounds from its own on, or its own round where a game's rounds are independent. */
  readonly returns: "to-go" | "round";
  readonly scenarios: number;
  readonly failureCost: number;
  readonly hingeWidth: number;
  readonly shuffledPenalties: boolean;
}

/** The settings of credit assignment for a game: training's weights, where they differ from those of the reported index. */
export const creditSettings = (facts: GameFacts, failureCost: number): CreditSettings => ({
  ...objectiveSettings(facts),
  weights: facts.trainingWeights ?? facts.weights,
  failureCost,
});

/** Steps 1 and 2: an example per decision of the groups that have a signal, every token with its decision's advantage. */
export const decisionAdvantages = (
  rosters: readonly Roster[],
  groups: readonly PlayedGroup[],
  settings: AdvantageSettings,
  gaps: Gaps,
  key: Key,
): PpoExample[] =>
  rosters.flatMap((roster) =>
    gameAdvantages(roster, groupsOf(roster, groups), settings, gaps, foldIn(key, roster.game.facts.name)),
  );

function gameAdvantages(
  roster: Roster,
  groups: readonly PlayedGroup[],
  settings: AdvantageSettings,
  gaps: Gaps,
  key: Key,
): PpoExample[] {
  const { facts } = roster.game;
  const charged = settings.shuffledPenalties ? groups.map((group) => shuffleHarms(group, foldIn(key, group.opponent))) : groups;
  const credit = assignCredit(charged, creditSettings(facts, settings.failureCost), {
    credit: settings.credit,
    returns: settings.returns === "round" && facts.independentRounds ? "round" : "to-go",
    gaps: gapsOf(roster, groups, gaps),
    hingeWidth: settings.hingeWidth,
    sizes: groups.map((group) => rolloutSizes(group.roster, settings.scenarios)),
  });
  const scale = rootMeanSquare(
    groups.flatMap(({ played }, g) => played.flatMap(({ decisions }, i) => decisions.map(({ round }) => credit[g][i][round]))),
  );
  return groups.flatMap((group, g) =>
    hasSignal(credit[g]) ? examplesOf(group, (i, round) => credit[g][i][round] / scale) : [],
  );
}

const hasSignal = (advantages: readonly (readonly number[])[]): boolean =>
  advantages.some((row) => row.some((value) => value !== 0));

/** An example for each decision that a model wrote. */
const examplesOf = ({ played }: PlayedGroup, advantage: (episode: number, round: number) => number): PpoExample[] =>
  played.flatMap(({ decisions }, i) =>
    decisions.flatMap(({ reply, round }) => {
      if (reply === undefined) return [];
      const value = advantage(i, round);
      return [{ ...reply, advantages: reply.completion.map(() => value) }];
    }),
  );

/** Groups of each pool that a whole rollout has. */
const rolloutSizes = ({ pools }: Roster, scenarios: number): PoolSizes => ({
  train: pools.train.length * scenarios,
  exploiter: pools.exploiter.length * scenarios,
  collusive: pools.collusive.length * scenarios,
});

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
 * Steps 3 and 4. `count` is the number of examples of a whole rollout. Without a reference, or with beta 0, there is no KL. Also gives
 * the mean of d over the batch's tokens, in nats, which estimates the KL divergence to the reference.
 */
export async function withReference(
  examples: readonly PpoExample[],
  count: number,
  { reference, beta, temperature }: { readonly reference?: Sampler; readonly beta: number; readonly temperature: number },
): Promise<{ readonly examples: readonly PpoExample[]; readonly kl: number }> {
  if (examples.length === 0 || beta === 0 || reference === undefined)
    return { examples: examples.map((example) => mapAdvantages(example, (a) => a / count)), kl: 0 };
  const scores = await reference.score(
    examples.map(({ prompt, completion }) => ({ prompt, continuation: completion })),
    temperature,
  );
  const distances = examples.map(({ logprobs }, i) => logprobs.map((p, t) => p - scores[i][t]));
  const kl = mean(distances.flat());
  const penalized = examples.map((example, i) => mapAdvantages(example, (a, t) => (a + beta * (kl - distances[i][t])) / count));
  return { examples: penalized, kl };
}

/** Step 5: keyed shares of the examples, one for each update. */
export function sharesForUpdates(
  examples: readonly PpoExample[],
  updates: number,
  key: Key,
): { readonly indices: readonly number[]; readonly examples: readonly PpoExample[] }[] {
  const order = shuffle(key, [...examples.keys()]);
  return Array.from({ length: updates }, (_, u) => {
    const indices = order.slice(Math.floor((u * examples.length) / updates), Math.floor(((u + 1) * examples.length) / updates));
    const share = indices.map((i) => mapAdvantages(examples[i], (a) => (a * examples.length) / indices.length));
    return { indices, examples: share };
  });
}

const mapAdvantages = (example: PpoExample, change: (advantage: number, token: number) => number): PpoExample => ({
  ...example,
  advantages: example.advantages.map(change),
});

/** For the audit: credit as it is, less its baseline and divided by the episodes of its group; nothing is left out. */
export const auditAdvantages = (
  groups: readonly PlayedGroup[],
  options: Parameters<typeof assignCredit>[2] & { readonly terms?: readonly Term[] },
): PpoExample[] => {
  const credit = assignCredit(groups, creditSettings(groups[0].roster.game.facts, 0), options);
  return groups.flatMap((group, g) => examplesOf(group, (i, round) => credit[g][i][round] / group.played.length));
};
