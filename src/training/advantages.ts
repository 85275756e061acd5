/**
 * From played groups to the advantages an engine learns from. Every scaling of an advantage is here, in the order it is applied:
 *
 * 1. credit: each decision's, less its baseline (`decision-credit.ts`), in units of J per decision where the credit is a share of J;
 * 2. plus beta * (mean(d) - d) at each token, d = log p - log p_reference in nats, centred over the game's and never clamped, so that beta is
 *    a price: what a nat of KL per decision must gain in J;
 * 3. divided by the number of the game's decisions in a whole rollout and by the number of games, which makes the sum over examples a
 *    mean over games;
 * 4. where a rollout is learned from in several updates, each share of it counts as the whole.
 */
import type { PpoExample, Sampler } from "../engines/engine.ts";
import { type CreditOptions, type Term, assignCredit } from "../objective/credit.ts";
import type { Roster } from "../opponents/index.ts";
import { type Key, foldIn, seedKey, shuffle } from "../random.ts";
import { mean } from "../stats/estimate.ts";
import { type DecisionCreditSettings, creditDecisions, creditSettings } from "./decision-credit.ts";
import { type Gaps, gapsOf, updateGaps } from "./gaps.ts";
import { type PlayedGroup, groupsOf } from "./rollout.ts";

export interface AdvantageSettings extends DecisionCreditSettings {
  /** Price of the KL to the reference, in J per nat and decision. */
  readonly beta: number;
  /** Decay of the running gaps. */
  readonly hingeMemory: number;
}

export interface Advantages {
  readonly examples: readonly PpoExample[];
  /** Mean of d over the batch's tokens, in nats, which estimates the KL divergence to the reference. */
  readonly kl: number;
  /** The running gaps after this rollout. */
  readonly gaps: Gaps;
}

/** Steps 1 to 3. Of `planned` groups of a whole rollout these are some. Without a reference, or with beta 0, there is no KL. */
export async function advantagesOf(
  rosters: readonly Roster[],
  { groups, planned }: { readonly groups: readonly PlayedGroup[]; readonly planned: number },
  settingsOf: (game: string) => AdvantageSettings,
  before: Gaps,
  key: Key,
  { reference, temperature }: { readonly reference?: Sampler; readonly temperature: number },
): Promise<Advantages> {
  const played = rosters.filter((roster) => groupsOf(roster, groups).length > 0);
  let gaps = before;
  const examples: PpoExample[] = [];
  const distances: number[] = [];
  for (const roster of played) {
    const { name } = roster.game.facts;
    const settings = settingsOf(name);
    const own = groupsOf(roster, groups);
    const { credit, gaps: measured } = creditDecisions(roster, own, settings, gapsOf(roster, own, gaps), foldIn(key, name));
    gaps = updateGaps(roster, gaps, measured, settings.hingeMemory);
    const credited = examplesOf(own, credit);
    const over = (played.length * credited.length * planned) / groups.length;
    const judged = await withReference(credited, settings.beta, temperature, reference);
    examples.push(...judged.examples.map((example) => mapAdvantages(example, (advantage) => advantage / over)));
    distances.push(...judged.distances);
  }
  return { examples, gaps, kl: distances.length === 0 ? 0 : mean(distances) };
}

/** An example for each decision that a model wrote, every token with its decision's credit. */
const examplesOf = (groups: readonly PlayedGroup[], credit: readonly (readonly (readonly number[])[])[]): PpoExample[] =>
  groups.flatMap(({ played }, g) =>
    played.flatMap(({ decisions }, i) =>
      decisions.flatMap(({ reply }, d) =>
        reply === undefined ? [] : [{ ...reply, advantages: reply.completion.map(() => credit[g][i][d]) }],
      ),
    ),
  );

/** Step 2, and d of every token. Without a KL, what has no credit teaches nothing and is left out. */
async function withReference(
  credited: readonly PpoExample[],
  beta: number,
  temperature: number,
  reference: Sampler | undefined,
): Promise<{ readonly examples: readonly PpoExample[]; readonly distances: readonly number[] }> {
  if (credited.length === 0 || beta === 0 || reference === undefined)
    return { examples: credited.filter(({ advantages }) => advantages.some((value) => value !== 0)), distances: [] };
  const scores = await reference.score(
    credited.map(({ prompt, completion }) => ({ prompt, continuation: completion })),
    temperature,
  );
  const distances = credited.map(({ logprobs }, i) => logprobs.map((p, t) => p - scores[i][t]));
  const centre = mean(distances.flat());
  return {
    examples: credited.map((example, i) => mapAdvantages(example, (a, t) => a + beta * (centre - distances[i][t]))),
    distances: distances.flat(),
  };
}

/** Step 4: keyed shares of the examples, one for each update. */
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

/** For the audit: sampled credit as it is, less its baseline and divided by the episodes of its group; nothing is left out. */
export const auditAdvantages = (
  groups: readonly PlayedGroup[],
  options: CreditOptions & { readonly terms?: readonly Term[] },
): PpoExample[] => {
  const credit = assignCredit(groups, creditSettings(groups[0].roster.game.facts, 0), options);
  const byDecision = groups.map(({ played }, g) =>
    played.map(({ decisions }, i) => decisions.map(({ round }) => credit[g][i][round] / played.length)),
  );
  return examplesOf(groups, byDecision);
};

/** The same for `expected`. */
export function auditExpected(roster: Roster, groups: readonly PlayedGroup[], gaps: ReadonlyMap<string, number>): PpoExample[] {
  const { credit } = creditDecisions(roster, groups, AUDITED, gaps, seedKey(0));
  const over = groups.length * roster.game.facts.rounds;
  return examplesOf(
    groups,
    credit.map((group) => group.map((episode) => episode.map((value) => value / (over * group.length)))),
  );
}
const AUDITED: DecisionCreditSettings = {
  credit: "expected",
  returns: "to-go",
  scenarios: 1,
  failureCost: 0,
  hingeWidth: 0,
  shuffledPenalties: false,
  exploiter: { weight: 0, spread: 1 },
};
