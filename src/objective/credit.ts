/**
 * Credit assignment: from groups of episodes to an advantage per round. A group is G episodes against one opponent in one
 * scenario (same cards, same opponent randomness), so the episodes differ by the agent's own choices alone. An opponent may have
 * several groups; all opponents must have equally many, unless the sizes of the pools are given.
 *
 * `objective` gives every episode of every pool its own share of J, so that the expected gradient is the gradient of J. The
 * others exist to be compared with: `paper` charges train-pool episodes a penalty measured on other episodes, `shared` one
 * penalty for the whole group, `group-normalized` divides each group by its own deviation, `payoff` ignores the harms.
 */
import { normalDistribution } from "../stats/distributions.ts";
import { mean, variance } from "../stats/moments.ts";
import { type ObjectiveSettings, type ScoredEpisode, type ScoredRound, gapOf, perRound } from "./objective.ts";
import { type Coefficient, NO_SHARES, type PoolSizes, type Shares, amount, sharesOf } from "./shares.ts";

export type { PoolSizes } from "./shares.ts";

export const SAMPLED_CREDITS = ["objective", "paper", "shared", "group-normalized", "payoff"] as const;
export type SampledCredit = (typeof SAMPLED_CREDITS)[number];
/** `expected` is made in `training/credit.ts`: it needs the game and its opponents, not their episodes alone. */
export const CREDITS = [...SAMPLED_CREDITS, "expected"] as const;
export type Credit = (typeof CREDITS)[number];
/** The terms an advantage is made of; `failure` is the visible cost of replies that could not be read. */
export const TERMS = ["utility", "exploitability", "collusion", "externality", "failure"] as const;
export type Term = (typeof TERMS)[number];
/**
 * What a decision answers for: the return to go, which is right for every policy; or its own round alone, which has less noise and
 * the same expectation where a round depends on nothing that was done in rounds before it (the hands of Kuhn poker, for a policy
 * that plays each hand by itself).
 */
export const RETURNS = ["to-go", "round"] as const;
export type Returns = (typeof RETURNS)[number];

export interface Group {
  readonly opponent: string;
  readonly pool: ScoredEpisode["pool"];
  readonly episodes: readonly ScoredEpisode[];
}

export interface CreditSettings extends ObjectiveSettings {
  /** Cost of one unreadable or illegal reply, in units of J when it happens in every round; 0 leaves J alone. */
  readonly failureCost: number;
}

/** What decides how much each group's quantities count. */
export interface ShareOptions {
  /** Estimates of q - r per round against each exploiter that decide its hinge; default: their mean in these groups. */
  readonly gaps?: ReadonlyMap<string, number>;
  /**
   * Softens the hinge of e: an exploiter is charged with weight Phi(gap / width), the probability that its gap is open when it is known
   * with standard error `width` (payoff per round). Default 0: the hinge itself, open above 0, and so the gradient of J.
   */
  readonly hingeWidth?: number;
  /**
   * For each group, the groups of each pool among which J is shared out; default: those given. Where the groups of a rollout come in
   * several batches, its sizes give each the share that it has in the whole.
   */
  readonly sizes?: readonly PoolSizes[];
  /**
   * Best responses to the agent that were found in training, by name: what a group against one counts for, as a multiple of e. They are
   * charged beside J's own exploiters, and for nothing but their gap.
   */
  readonly found?: ReadonlyMap<string, number>;
}

export interface CreditOptions extends ShareOptions {
  readonly credit?: SampledCredit;
  /** Only these terms are charged; default: all. */
  readonly terms?: readonly Term[];
  /** For `objective`; the others always use the return to go. */
  readonly returns?: Returns;
}

/** One number per round of one episode. */
export type PerRound = readonly number[];

/** What one unit of each quantity in a round of each group adds to N J; the hinge is decided. */
export function sharesOfGroups(
  groups: readonly Group[],
  { scale, weights }: ObjectiveSettings,
  { gaps = new Map(), hingeWidth = 0, sizes, found }: ShareOptions = {},
): Shares[] {
  const given = sizesOf(groups);
  const measured = measuredGaps(groups);
  return groups.map(({ opponent, pool }, g) => {
    if (pool === "held-out") throw new RangeError("held-out opponents are never trained on");
    const open = hingeWeight(gaps.get(opponent) ?? measured.get(opponent) ?? 0, hingeWidth);
    const part = found?.get(opponent);
    if (part === undefined) return sharesOf(pool, { scale, weights, sizes: sizes?.[g] ?? given, open });
    return { plain: NO_SHARES.plain, hinged: { times: -open * part * weights.exploitability * scale, over: 1 } };
  });
}

/** Advantages [group][episode][round], those of `objective` in units of J and the others in standard deviations. */
export function assignCredit(groups: readonly Group[], settings: CreditSettings, options: CreditOptions = {}): PerRound[][] {
  const { credit = "objective", terms = TERMS, returns = "to-go" } = options;
  const included = new Set(terms);
  switch (credit) {
    case "objective": {
      const shares = sharesOfGroups(groups, settings, options);
      const given = sizesOf(groups);
      return groups.map((group, g) => {
        const failure = settings.failureCost / opponentsOf(options.sizes?.[g] ?? given);
        const rewards = group.episodes.map((e) => e.rounds.map((t) => share(t, e.horizon, shares[g], failure, included)));
        const values = valuesOf(rewards);
        return leaveOneOut(returns === "round" ? values : values.map(returnsToGo), sizeOf(rewards));
      });
    }
    case "payoff":
      return groups.map((group) =>
        group.pool === "train" ? normalizedReturns(group.episodes, ({ r }) => [settings.scale * r]) : none(group),
      );
    case "paper":
    case "shared":
      return groups.map((group) => {
        if (group.pool !== "train") return none(group);
        const penalties = group.episodes.map((_, i) => penalty(groups, credit === "paper" ? i : undefined, settings, included));
        const payoff = ({ r }: ScoredRound, N: number) => [included.has("utility") ? (settings.scale * r) / N : 0];
        return normalizedReturns(group.episodes, payoff, penalties);
      });
    case "group-normalized":
      return groups.map((group) => normalizedReturns(group.episodes, (t) => termsInsidePool(t, group, settings)));
  }
}

function sizesOf(groups: readonly Group[]): PoolSizes {
  const count = (name: Group["pool"]) => groups.filter(({ pool }) => pool === name).length;
  return { train: count("train"), exploiter: count("exploiter"), collusive: count("collusive") };
}

/** Mean q - r per round against each exploiter of one game's groups, over all its groups. */
export function measuredGaps(groups: readonly Group[]): ReadonlyMap<string, number> {
  const found = new Map<string, number[]>();
  for (const { pool, opponent, episodes } of groups)
    if (pool === "exploiter")
      found.set(opponent, [...(found.get(opponent) ?? []), ...episodes.map((episode) => perRound(episode, gapOf))]);
  return new Map([...found].map(([opponent, gaps]) => [opponent, mean(gaps)]));
}

function hingeWeight(gap: number, width: number): number {
  if (width === 0) return gap > 0 ? 1 : 0;
  return normalDistribution(gap / width);
}

/**
 * A sum and the size of what was added, the sum of absolute terms. Sums that are equal in exact arithmetic differ by rounding, which is
 * small beside the size, though not beside a sum whose terms cancel.
 */
interface Sum {
  readonly value: number;
  readonly size: number;
}

const sumOf = (terms: readonly number[]): Sum => ({
  value: terms.reduce((sum, term) => sum + term, 0),
  size: terms.reduce((sum, term) => sum + Math.abs(term), 0),
});

const valuesOf = (rows: readonly (readonly Sum[])[]): number[][] => rows.map((row) => row.map(({ value }) => value));

/** The size of a group's largest return. */
const sizeOf = (rows: readonly (readonly Sum[])[]): number =>
  Math.max(...rows.map((row) => row.reduce((sum, { size }) => sum + size, 0)));

/** Opponents, or groups of episodes, of all pools; each has an equal part of the cost of failures. */
export const opponentsOf = ({ train, exploiter, collusive }: PoolSizes): number => Math.max(1, train + exploiter + collusive);

/** g_t of the objective: what one round of one episode adds to J, and its failures cost. */
function share(
  { r, q, c, x, failures }: ScoredRound,
  N: number,
  { plain, hinged }: Shares,
  failureCost: number,
  included: ReadonlySet<Term>,
): Sum {
  const each = ({ times, over }: Coefficient, value: number) => amount({ times, over: over * N }, value);
  const terms: Readonly<Record<Term, number>> = {
    utility: each(plain.r, r),
    exploitability: each(hinged, q - r),
    collusion: each(plain.c, c),
    externality: each(plain.x, x),
    failure: (-failureCost * failures) / N,
  };
  return sumOf(TERMS.filter((term) => included.has(term)).map((term) => terms[term]));
}

/** The reward of `group-normalized`: externality is charged in the train pool only, so a weight scales its whole pool. */
function termsInsidePool({ r, q, c, x }: ScoredRound, { pool }: Group, { scale, weights }: CreditSettings): number[] {
  if (pool === "train") return [scale * r, -weights.externality * x];
  if (pool === "exploiter") return [-weights.exploitability * scale * (q - r)];
  return [-weights.collusion * c];
}

/**
 * The paper's penalty, measured on the exploiter and collusive episodes of the same rollout: those with index `i`, or all of
 * them (`shared`).
 */
function penalty(
  groups: readonly Group[],
  i: number | undefined,
  settings: CreditSettings,
  included: ReadonlySet<Term>,
): number {
  const { scale, weights } = settings;
  const over = (pool: Group["pool"], value: (episode: ScoredEpisode) => number): number => {
    const own = groups.filter((group) => group.pool === pool);
    if (own.length === 0) return 0;
    return mean(own.map(({ episodes }) => mean((i === undefined ? episodes : [episodes[i % episodes.length]]).map(value))));
  };
  const on = (term: Term, value: number): number => (included.has(term) ? value : 0);
  return (
    on("exploitability", weights.exploitability * over("exploiter", (e) => Math.max(0, scale * perRound(e, gapOf)))) +
    on("collusion", weights.collusion * over("collusive", (e) => perRound(e, ({ c }) => c))) +
    on("externality", weights.externality * over("exploiter", (e) => perRound(e, ({ x }) => x)))
  );
}

/** sum_{k >= t} of each entry. */
export function returnsToGo(rewards: PerRound): number[] {
  const result = [...rewards];
  for (let t = result.length - 2; t >= 0; t--) result[t] += result[t + 1];
  return result;
}

/** Differences below this part of a group's size are rounding: sums of 1,000 terms differ by 1e-13 of it at most. */
const ROUNDING = 1e-12;

/** The difference, and exactly 0 where it is no more than rounding of numbers of this size. */
const beyondRounding = (difference: number, size: number): number => (Math.abs(difference) <= ROUNDING * size ? 0 : difference);

/**
 * Each entry minus the mean of the same round over the other episodes; rounds an episode lacks count as 0. Exactly 0 where the two are
 * equal up to the rounding of numbers of `size`, by default that of the largest entry.
 */
export function leaveOneOut(
  returns: readonly PerRound[],
  size: number = Math.max(...returns.flat().map((value) => Math.abs(value))),
): PerRound[] {
  const others = returns.length - 1;
  if (others < 1) throw new RangeError("a group needs at least 2 episodes for a leave-one-out baseline");
  const longest = returns.reduce((most, { length }) => Math.max(most, length), 0);
  const totals = Array.from({ length: longest }, (_, t) => returns.reduce((sum, row) => sum + (row[t] ?? 0), 0));
  return returns.map((row) => row.map((value, t) => beyondRounding(value - (totals[t] - value) / others, size)));
}

/** Returns to go of rewards with these terms, less a penalty per episode, normalised within each round of the group. */
function normalizedReturns(
  episodes: readonly ScoredEpisode[],
  terms: (round: ScoredRound, N: number) => readonly number[],
  penalties: readonly number[] = episodes.map(() => 0),
): PerRound[] {
  const rewards = episodes.map((e) => e.rounds.map((t) => sumOf(terms(t, e.horizon))));
  const returns = valuesOf(rewards).map((row, i) => returnsToGo(row).map((value) => value - penalties[i]));
  return normalized(returns, sizeOf(rewards) + Math.max(...penalties.map((value) => Math.abs(value))));
}

/** (value - mean) / standard deviation within each round of the group; 0 where a difference is no more than rounding. */
function normalized(returns: readonly PerRound[], size: number): PerRound[] {
  const longest = returns.reduce((most, { length }) => Math.max(most, length), 0);
  const columns = Array.from({ length: longest }, (_, t) => returns.flatMap((row) => (t < row.length ? [row[t]] : [])));
  const [centres, deviations] = [columns.map(mean), columns.map((column) => Math.sqrt(variance(column)))];
  return returns.map((row) =>
    row.map((value, t) => {
      const difference = beyondRounding(value - centres[t], size);
      return difference === 0 ? 0 : difference / deviations[t];
    }),
  );
}

/** Whether a group's advantages say anything; a group without signal is left out of a step, its KL included. */
export const hasSignal = (advantages: readonly PerRound[]): boolean =>
  advantages.some((row) => row.some((value) => value !== 0));

const none = (group: Group): PerRound[] => group.episodes.map(({ rounds }) => rounds.map(() => 0));
