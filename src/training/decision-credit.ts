/**
 * The credit of every decision of a rollout, less its baseline: sampled (`objective/credit.ts`), or `expected`.
 *
 * `expected` replaces what happened after a decision by what was to be expected of the action, given what the agent knew: chance and the
 * opponents are known, as they are to any simulator, and the agent's later decisions are those of the policy that the rollout shows
 * (`played-policy.ts`). The baseline is the mean over the agent's own actions. Its expectation is the gradient of J as far as the agent
 * plays as those frequencies say; luck is gone. Games that cannot be enumerated are credited by `objective`.
 */
import type { GameFacts } from "../games/index.ts";
import {
  type Credit,
  type CreditSettings,
  type ShareOptions,
  assignCredit,
  measuredGaps,
  sharesOfGroups,
} from "../objective/credit.ts";
import { type PoolSizes, linearParts } from "../objective/shares.ts";
import type { Roster } from "../opponents/index.ts";
import { objectiveSettings } from "../play/score.ts";
import { type Key, foldIn, shuffle } from "../random.ts";
import { type KeyedPolicy, valuedMatchup } from "../solvers/action-values.ts";
import type { Totals } from "../solvers/expectation.ts";
import { hasExactIndex } from "../solvers/optimum.ts";
import { type ExploiterSettings, foundWeights } from "./exploiters.ts";
import { type PlayedPolicy, playedPolicies } from "./played-policy.ts";
import type { PlayedGroup } from "./rollout.ts";

export interface DecisionCreditSettings {
  readonly credit: Credit;
  /** What a sampled credit answers for: all rounds from a decision's own on, or its own round where a game's rounds are independent. */
  readonly returns: "to-go" | "round";
  readonly scenarios: number;
  readonly failureCost: number;
  readonly hingeWidth: number;
  readonly shuffledPenalties: boolean;
  readonly exploiter: Pick<ExploiterSettings, "weight" | "spread">;
}

export interface DecisionCredit {
  /**
   * [group][episode][decision]. Of `objective` and `expected`, in units of J for a change made in every round of every group: their mean
   * over decisions times the slope of the log-probabilities is the gradient of J. Of the others, in standard deviations of their group.
   */
  readonly credit: readonly (readonly (readonly number[])[])[];
  /** q - r per round against each exploiter in this rollout, by name. */
  readonly gaps: ReadonlyMap<string, number>;
}

/** Credits the groups of one game; `gaps` are those known before, which decide the hinges. */
export function creditDecisions(
  roster: Roster,
  groups: readonly PlayedGroup[],
  settings: DecisionCreditSettings,
  gaps: ReadonlyMap<string, number>,
  key: Key,
): DecisionCredit {
  const { facts } = roster.game;
  const sizes = groups.map((group) => rolloutSizes(group.roster, settings.scenarios));
  if (settings.credit === "expected" && hasExactIndex(facts)) return expectedCredit(roster, groups, sizes, settings, gaps);
  const credit = settings.credit === "expected" ? "objective" : settings.credit;
  const charged = settings.shuffledPenalties ? groups.map((group) => shuffleHarms(group, foldIn(key, group.opponent))) : groups;
  const measured = measuredGaps(groups);
  const byRound = assignCredit(charged, creditSettings(facts, settings.failureCost), {
    credit,
    returns: settings.returns === "round" && facts.independentRounds ? "round" : "to-go",
    ...shareOptions(groups, sizes, settings, new Map([...measured, ...gaps])),
  });
  return {
    credit: groups.map(({ played }, g) => {
      const unit = credit === "objective" ? groupsPlanned(groups[g].roster, settings) * facts.rounds : 1;
      return played.map(({ decisions }, i) => decisions.map(({ round }) => byRound[g][i][round] * unit));
    }),
    gaps: measured,
  };
}

function expectedCredit(
  { game }: Roster,
  groups: readonly PlayedGroup[],
  sizes: readonly PoolSizes[],
  settings: DecisionCreditSettings,
  before: ReadonlyMap<string, number>,
): DecisionCredit {
  const { facts } = game;
  const played = playedPolicies(game, groups);
  // By policy: two opponents may have one name.
  const values = new Map(
    [...new Set(groups.map(({ policy }) => policy))].map(
      (policy) => [policy, valuedMatchup(game, policy).values(sharesOf(played(policy)))] as const,
    ),
  );
  const gaps = new Map(
    groups.flatMap(({ pool, opponent, policy }) => {
      const [r, q] = values.get(policy)!.totals;
      return pool === "exploiter" ? [[opponent, (q - r) / facts.rounds] as const] : [];
    }),
  );
  const settled = creditSettings(facts, settings.failureCost);
  const shares = sharesOfGroups(groups, settled, shareOptions(groups, sizes, settings, new Map([...gaps, ...before])));
  return {
    gaps,
    credit: groups.map(({ policy, played: episodes }, g) => {
      const { plain, hinged } = linearParts(shares[g]);
      const unit = groupsPlanned(groups[g].roster, settings);
      const worth = (totals: Totals) => totals.reduce((sum, total, i) => sum + (plain[i] + hinged[i]) * total, 0) * unit;
      const frequencies = played(policy);
      return episodes.map(({ decisions }) =>
        values
          .get(policy)!
          .along(decisions)
          .map((totals, d) => {
            const { view, round, action, parsed } = decisions[d];
            const legal = game.legal(view);
            const worths = totals.map(worth);
            const { shares, weight } = frequencies(game.abstraction(view), round, legal);
            const mean = shares.reduce((sum, share, i) => sum + share * worths[i], 0);
            // The mean holds the decision itself: without it, it would be further away.
            const apart = ((worths[legal.indexOf(action)] - mean) * weight) / Math.max(weight - 1, 1);
            return apart - (parsed.status === "ok" ? 0 : settled.failureCost);
          }),
      );
    }),
  };
}

const sharesOf =
  (policy: PlayedPolicy): KeyedPolicy =>
  (key, round, legal) =>
    policy(key, round, legal).shares;

const shareOptions = (
  groups: readonly PlayedGroup[],
  sizes: readonly PoolSizes[],
  { hingeWidth, exploiter, scenarios }: DecisionCreditSettings,
  gaps: ReadonlyMap<string, number>,
): ShareOptions => ({ gaps, hingeWidth, sizes, found: foundWeights(groups, gaps, exploiter, scenarios) });

/** The settings of credit assignment for a game: training's weights, where they differ from those of the reported index. */
export const creditSettings = (facts: GameFacts, failureCost: number): CreditSettings => ({
  ...objectiveSettings(facts),
  weights: facts.trainingWeights ?? facts.weights,
  failureCost,
});

/** Groups of each pool that a whole rollout has. */
const rolloutSizes = ({ pools }: Roster, scenarios: number): PoolSizes => ({
  train: pools.train.length * scenarios,
  exploiter: pools.exploiter.length * scenarios,
  collusive: pools.collusive.length * scenarios,
});

/** Groups of a whole rollout, those against best responses found in training included. */
const groupsPlanned = ({ pools, found = [] }: Roster, { scenarios }: DecisionCreditSettings): number =>
  (pools.train.length + pools.exploiter.length + pools.collusive.length + found.length) * scenarios;

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
