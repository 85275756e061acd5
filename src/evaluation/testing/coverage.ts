/**
 * How often intervals hold, by simulation: policies whose exact values are known are evaluated with many seeds, as `sepo evaluate` and
 * `sepo compare` do it, and it is counted how often each interval covers the truth.
 */
import { payoffScale } from "../../games/index.ts";
import { differenceOfObjectives } from "../../objective/compare.ts";
import { type Roster, policyNamed, rosterOf } from "../../opponents/index.ts";
import { objectiveSettings } from "../../play/score.ts";
import { foldIn, seedKey, uniform } from "../../random.ts";
import { expectation } from "../../solvers/expectation.ts";
import { exactJ } from "../../solvers/optimum.ts";
import { pValue } from "../../stats/compare.ts";
import { type Estimate, Z95, estimateOf, estimateRatio } from "../../stats/estimate.ts";
import { simulateAll } from "../episodes.ts";
import { reportOf } from "../evaluate.ts";
import { evaluationKey } from "../report.ts";

/** Intervals of one quantity over many seeds. */
export interface Cell {
  readonly what: string;
  readonly quantity: string;
  readonly episodes: number;
  readonly seeds: number;
  /** Share of the seeds whose interval covers the truth. */
  readonly covered: number;
  /** Mean length of the intervals. */
  readonly width: number;
  /** Mean length of value +- 1.96 standard errors. */
  readonly plain: number;
  /** For differences whose truth is 0: share of the seeds in which a difference is claimed. */
  readonly claimed?: number;
}

export interface CoverageOptions {
  /** Numbers of episodes per opponent. */
  readonly episodes: readonly number[];
  readonly seeds: (episodes: number) => number;
}

interface Tally {
  covered: number;
  width: number;
  plain: number;
  /** Undefined where there is nothing that could be claimed wrongly. */
  claimed: number | undefined;
}

/** Counts over seeds, by quantity; `measure` gives the intervals and truths of one seed. */
function tally(
  what: string,
  episodes: number,
  seeds: number,
  measure: (seed: number) => Readonly<Record<string, readonly [of: Estimate, truth: number, claimed?: boolean]>>,
): Cell[] {
  const tallies = new Map<string, Tally>();
  for (let seed = 0; seed < seeds; seed++)
    for (const [quantity, [{ low, high, standardError }, truth, claimed]] of Object.entries(measure(seed))) {
      const own = tallies.get(quantity) ?? { covered: 0, width: 0, plain: 0, claimed: undefined };
      // Sums of exact values differ from exact sums by rounding.
      if (low - 1e-9 <= truth && truth <= high + 1e-9) own.covered++;
      own.width += high - low;
      own.plain += 2 * Z95 * standardError;
      if (claimed !== undefined) own.claimed = (own.claimed ?? 0) + Number(claimed);
      tallies.set(quantity, own);
    }
  return [...tallies].map(([quantity, { covered, width, plain, claimed }]) => ({
    what,
    quantity,
    episodes,
    seeds,
    covered: covered / seeds,
    width: width / seeds,
    plain: plain / seeds,
    ...(claimed === undefined ? {} : { claimed: claimed / seeds }),
  }));
}

/** Exact J, e, security shortfall and c of a policy. */
function truths(roster: Roster, name: string) {
  const { game, pools } = roster;
  const { rounds, securityValue } = game.facts;
  const policy = policyNamed(roster, name);
  const against = (pool: "exploiter" | "collusive", value: (r: number, q: number, c: number) => number) => {
    const values = pools[pool].map((opponent) => {
      const [r, q, c] = expectation(game, policy, opponent).totals.map((total) => total / rounds);
      return value(r, q, c);
    });
    return values.reduce((sum, one) => sum + one, 0) / values.length;
  };
  return {
    J: exactJ(roster, policy),
    e: payoffScale(game.facts) * against("exploiter", (r, q) => Math.max(0, q - r)),
    shortfall: against("exploiter", (r) => Math.max(0, securityValue - r)),
    c: against("collusive", (_r, _q, c) => c),
  };
}

/** J, e, security shortfall and c of `game:policy`. */
export function policyCoverage(game: string, policy: string, { episodes, seeds }: CoverageOptions): Cell[] {
  const roster = rosterOf(game);
  const truth = truths(roster, policy);
  return episodes.flatMap((count) =>
    tally(`${game}:${policy}`, count, seeds(count), (seed) => {
      const played = simulateAll(roster, policyNamed(roster, policy), evaluationKey(seed), { episodes: count });
      const { objective, securityShortfall } = reportOf(roster, played);
      return {
        J: [objective.safetyIndex, truth.J],
        e: [objective.poolAdvantage, truth.e],
        shortfall: [securityShortfall, truth.shortfall],
        c: [objective.collusion, truth.c],
      };
    }),
  );
}

/** The difference in J of two policies on the same scenarios, or (`apart`) on different ones. */
export function differenceCoverage(
  game: string,
  [one, other]: readonly [string, string],
  { episodes, seeds }: CoverageOptions,
  apart = false,
): Cell[] {
  const roster = rosterOf(game);
  const settings = objectiveSettings(roster.game.facts);
  const [a, b] = [policyNamed(roster, one), policyNamed(roster, other)];
  const truth = exactJ(roster, a) - exactJ(roster, b);
  const what = `${game}: ${one} - ${other}${apart ? ", scenarios of their own" : ""}`;
  return episodes.flatMap((count) =>
    tally(what, count, seeds(count), (seed) => {
      const key = evaluationKey(seed);
      const play = (policy: typeof a, own: typeof key) => simulateAll(roster, policy, own, { episodes: count });
      const difference = differenceOfObjectives(play(a, key), play(b, apart ? foldIn(key, "apart") : key), settings);
      const measured = estimateOf(difference);
      return { difference: Math.abs(truth) < 1e-9 ? [measured, truth, pValue(difference) < 0.05] : [measured, truth] };
    }),
  );
}

const REPLIES = 8;

/**
 * A share of replies: each of 8 per episode counts with probability `rate` by itself, or, in `clusters`, all 8 of an episode together. No
 * game is played, so a truth that is rare can be set.
 */
export function rateCoverage(rate: number, clusters: boolean, { episodes, seeds }: CoverageOptions): Cell[] {
  return episodes.flatMap((count) =>
    tally(`rate of ${100 * rate}%${clusters ? ", by whole episodes" : ""}`, count, seeds(count), (seed) => {
      const counts = Array.from({ length: count }, (_, i) => {
        const key = foldIn(seedKey(seed), "rate", count, i);
        return Array.from({ length: REPLIES }, (_reply, j) => uniform(key, clusters ? 0 : j)).filter((u) => u < rate).length;
      });
      const share = estimateRatio(
        counts,
        counts.map(() => REPLIES),
        { range: [0, 1] },
      );
      return { share: [share, rate] };
    }),
  );
}
