/**
 * The policy that a rollout shows: how often the agent chose each action. It stands for the agent where the value of an action depends on
 * what the agent does later.
 *
 * Frequencies are counted by abstract key; where rounds depend on each other also by round, and by round and opponent, as a model that reads
 * the history may play every opponent in its own way. Each of these counts is added to `PRIOR` decisions at the frequencies of the
 * coarser one, so that a situation met once or twice says little, and to a uniform prior at the end.
 */
import type { Action, Game, Policy } from "../games/index.ts";
import type { PlayedGroup } from "./rollout.ts";

/** Decisions that the next coarser frequencies count for. */
const PRIOR = 4;
/** Decisions that the uniform distribution counts for. */
const UNIFORM = 0.1;

type Counts = Map<string, Map<string, number>>;

export interface Frequencies {
  /** Of the legal actions, in their order. */
  readonly shares: readonly number[];
  /** Decisions they were counted from, the prior's included. */
  readonly weight: number;
}

/** What an agent did at an abstract key in a round. */
export type PlayedPolicy = (key: string, round: number, legal: readonly Action[]) => Frequencies;

/** The agent's policy against an opponent. */
export function playedPolicies(game: Game, groups: readonly PlayedGroup[]): (opponent: Policy) => PlayedPolicy {
  const numbers = new Map([...new Set(groups.map(({ policy }) => policy))].map((policy, i) => [policy, i] as const));
  const levels: Counts[] = game.facts.independentRounds ? [new Map()] : [new Map(), new Map(), new Map()];
  const names = (opponent: Policy, round: number, key: string) =>
    [key, `${round} ${key}`, `${numbers.get(opponent)} ${round} ${key}`].slice(0, levels.length);
  for (const { policy, played } of groups)
    for (const { decisions } of played)
      for (const { view, round, action } of decisions)
        names(policy, round, game.abstraction(view)).forEach((name, level) => count(levels[level], name, action));
  return (opponent) => {
    const known = new Map<string, Frequencies>();
    return (key, round, legal) => {
      const name = `${round} ${key}`;
      const frequencies = known.get(name) ?? frequenciesOf(levels, names(opponent, round, key), legal);
      known.set(name, frequencies);
      return frequencies;
    };
  };
}

/** The finest frequencies, each level's counts added to what the one before says. */
const frequenciesOf = (levels: readonly Counts[], names: readonly string[], legal: readonly Action[]): Frequencies =>
  levels.reduce<Frequencies>(
    (coarser, counts, level) => {
      const row = counts.get(names[level]);
      if (row === undefined) return coarser;
      const prior = level === 0 ? UNIFORM : PRIOR;
      const weight = [...row.values()].reduce((a, b) => a + b, prior);
      return { shares: coarser.shares.map((share, j) => (prior * share + (row.get(legal[j]) ?? 0)) / weight), weight };
    },
    { shares: legal.map(() => 1 / legal.length), weight: UNIFORM },
  );

function count(counts: Counts, key: string, action: string): void {
  const row = counts.get(key) ?? new Map<string, number>();
  row.set(action, (row.get(action) ?? 0) + 1);
  counts.set(key, row);
}
