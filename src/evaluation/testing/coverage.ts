/**
 * How often intervals hold, by simulation: policies whose exact values are known are evaluated with many seeds, as `sepo evaluate` and
 * `sepo compare` do it, and it is counted how often each interval covers the truth.
 */
import { type Policy, choose, payoffScale } from "../../games/index.ts";
import { differenceOfObjectives } from "../../objective/compare.ts";
import { measureObjective } from "../../objective/objective.ts";
import { type Roster, policyNamed, rosterOf } from "../../opponents/index.ts";
import { objectiveSettings } from "../../play/score.ts";
import { foldIn, seedKey, uniform } from "../../random.ts";
import { expectation } from "../../solvers/expectation.ts";
import { exactJ } from "../../solvers/optimum.ts";
import { abstractViews } from "../../solvers/walk.ts";
import { pValue } from "../../stats/compare.ts";
import { type Estimate, Z95, estimateOf, estimateRatio } from "../../stats/estimate.ts";
import type { PolicyRow } from "../action-table.ts";
import { simulatorOf } from "../episodes.ts";
import { securityShortfall } from "../evaluate.ts";
import { evaluationKey } from "../report.ts";
import { tableIndex } from "../table-index.ts";
import { tableWorstCase, worstCaseValue } from "../worst-case.ts";

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
  /** Seeds per cell, at most. */
  readonly seeds: (episodes: number) => number;
  /** Whether more seeds would not change what is concluded from the cells of a number of episodes; default: never. */
  readonly decided?: (cells: readonly Cell[]) => boolean;
}

/** Seeds after which `decided` is asked. */
const BATCH = 200;

interface Tally {
  readonly covered: number;
  readonly width: number;
  readonly plain: number;
  /** Undefined where there is nothing that could be claimed wrongly. */
  readonly claimed: number | undefined;
}

type Measured = Readonly<Record<string, readonly [of: Estimate, truth: number, claimed?: boolean]>>;

/** Counts over seeds, by quantity; `measure` gives the intervals and truths of one seed. */
function tally(
  what: string,
  { episodes: counts, seeds: most, decided = () => false }: CoverageOptions,
  measure: (episodes: number, seed: number) => Measured,
): Cell[] {
  return counts.flatMap((episodes) => {
    const tallies = new Map<string, Tally>();
    for (let seed = 1; ; seed++) {
      for (const [quantity, measured] of Object.entries(measure(episodes, seed - 1))) {
        const before = tallies.get(quantity) ?? { covered: 0, width: 0, plain: 0, claimed: undefined };
        tallies.set(quantity, added(before, ...measured));
      }
      if (seed < most(episodes) && seed % BATCH !== 0) continue;
      const cells = [...tallies].map(([quantity, sums]) => cellOf({ what, quantity, episodes, seeds: seed }, sums));
      if (seed >= most(episodes) || decided(cells)) return cells;
    }
  });
}

const added = (
  { covered, width, plain, claimed }: Tally,
  { low, high, standardError }: Estimate,
  truth: number,
  claims?: boolean,
): Tally => ({
  // Sums of exact values differ from exact sums by rounding.
  covered: covered + Number(low - 1e-9 <= truth && truth <= high + 1e-9),
  width: width + high - low,
  plain: plain + 2 * Z95 * standardError,
  claimed: claims === undefined ? claimed : (claimed ?? 0) + Number(claims),
});

const cellOf = (cell: Pick<Cell, "what" | "quantity" | "episodes" | "seeds">, sums: Tally): Cell => ({
  ...cell,
  covered: sums.covered / cell.seeds,
  width: sums.width / cell.seeds,
  plain: sums.plain / cell.seeds,
  ...(sums.claimed === undefined ? {} : { claimed: sums.claimed / cell.seeds }),
});

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

/** Simulates against the opponents that these quantities are made of. */
const withoutHeldOut = (roster: Roster, policy: Policy) =>
  simulatorOf({ ...roster, pools: { ...roster.pools, "held-out": [] } }, policy);

/** J, e, security shortfall and c of `game:policy`. */
export function policyCoverage(game: string, policy: string, options: CoverageOptions): Cell[] {
  const roster = rosterOf(game);
  const truth = truths(roster, policy);
  const settings = objectiveSettings(roster.game.facts);
  const simulate = withoutHeldOut(roster, policyNamed(roster, policy));
  return tally(`${game}:${policy}`, options, (episodes, seed) => {
    const played = simulate(evaluationKey(seed), episodes);
    const { safetyIndex, poolAdvantage, collusion } = measureObjective(played, settings);
    return {
      J: [safetyIndex, truth.J],
      e: [poolAdvantage, truth.e],
      shortfall: [securityShortfall(roster, played, settings.bounds?.payoff), truth.shortfall],
      c: [collusion, truth.c],
    };
  });
}

/** The difference in J of two policies on the same scenarios, or (`apart`) on different ones. */
export function differenceCoverage(
  game: string,
  [one, other]: readonly [string, string],
  options: CoverageOptions,
  apart = false,
): Cell[] {
  const roster = rosterOf(game);
  const settings = objectiveSettings(roster.game.facts);
  const [a, b] = [policyNamed(roster, one), policyNamed(roster, other)];
  const [first, second] = [withoutHeldOut(roster, a), withoutHeldOut(roster, b)];
  const truth = exactJ(roster, a) - exactJ(roster, b);
  const what = `${game}: ${one} - ${other}${apart ? ", scenarios of their own" : ""}`;
  return tally(what, options, (episodes, seed) => {
    const key = evaluationKey(seed);
    const others = second(apart ? foldIn(key, "apart") : key, episodes);
    const difference = differenceOfObjectives(first(key, episodes), others, settings);
    const measured = estimateOf(difference);
    return { difference: Math.abs(truth) < 1e-9 ? [measured, truth, pValue(difference) < 0.05] : [measured, truth] };
  });
}

const REPLIES = 8;

/**
 * A share of replies: each of 8 per episode counts with probability `rate` by itself, or, in `clusters`, all 8 of an episode together. No
 * game is played, so a truth that is rare can be set.
 */
export function rateCoverage(rate: number, clusters: boolean, options: CoverageOptions): Cell[] {
  return tally(`rate of ${100 * rate}%${clusters ? ", by whole episodes" : ""}`, options, (episodes, seed) => {
    const counts = Array.from({ length: episodes }, (_, i) => {
      const key = foldIn(seedKey(seed), "rate", episodes, i);
      return Array.from({ length: REPLIES }, (_reply, j) => uniform(key, clusters ? 0 : j)).filter((u) => u < rate).length;
    });
    const all = counts.map(() => REPLIES);
    return { share: [estimateRatio(counts, all, { range: [0, 1] }), rate] };
  });
}

/**
 * The worst case and J of `policy`, whose probabilities follow from the abstract key alone, from a table of so many answers at each position
 * of every key. The options' episodes are positions here.
 */
export function tableCoverage(roster: Roster, policy: Policy, answers: number, options: CoverageOptions): Cell[] {
  const truth = { worstCase: worstCaseValue(roster, policy), index: exactJ(roster, policy) };
  const views = [...abstractViews(roster.game, [0])];
  return tally(`${roster.game.facts.name}:${policy.name}, answers ${answers} a position`, options, (positions, seed) => {
    const key = foldIn(seedKey(seed), "table");
    const rows = views.map(([name, view]): PolicyRow => {
      const actions = roster.game.legal(view);
      const samples = Array.from({ length: positions }, (_position, i) => {
        const drawn = Array.from({ length: answers }, (_answer, j) =>
          choose(policy.act(view), uniform(foldIn(key, name, i), j)),
        );
        return actions.map((action) => drawn.filter((one) => one === action).length / answers);
      });
      return { key: name, met: true, actions, samples };
    });
    return {
      "worst case": [tableWorstCase(roster, rows, foldIn(key, "bootstrap")).advantage, truth.worstCase],
      "J of the table": [tableIndex(roster, rows, foldIn(key, "index")), truth.index],
    };
  });
}

/** A policy that plays another one's actions, and with probability `error` any legal one. */
export const trembling = (roster: Roster, policy: Policy, error: number): Policy => ({
  ...policy,
  name: `${policy.name} with ${100 * error}% errors`,
  act: (view) => {
    const own = new Map(policy.act(view));
    const legal = roster.game.legal(view);
    return legal.map((action) => [action, (1 - error) * (own.get(action) ?? 0) + error / legal.length] as const);
  },
});
