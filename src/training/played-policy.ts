/**
 * The policy that a rollout shows: how often the agent chose each action. It stands for the agent where the value of an action depends on
 * what the agent does later.
 *
 * Frequencies are counted by abstract key; where rounds depend on each other also by round, and by round and opponent, as a model that reads
 * the history may play every opponent in its own way. Each of these counts is added to `PRIOR` decisions at the frequencies of the
 * coarser one, so that a situation met once or twice says little, and to a uniform prior at the end.
 */
import type { Game } from "../games/index.ts";
import type { ChainPlayer } from "../solvers/chain.ts";
import type { PlayedGroup } from "./rollout.ts";

/** Decisions that the next coarser frequencies count for. */
const PRIOR = 4;
/** Decisions that the uniform distribution counts for. */
const UNIFORM = 0.1;

type Counts = Map<string, Map<string, number>>;

/** The agent's policy against an opponent, by the opponent's name. */
export function playedPolicies(game: Game, groups: readonly PlayedGroup[]): (opponent: string) => ChainPlayer {
  const levels: Counts[] = game.facts.independentRounds ? [new Map()] : [new Map(), new Map(), new Map()];
  const keys = (opponent: string, round: number, key: string) => [key, `${round} ${key}`, `${opponent} ${round} ${key}`];
  for (const { opponent, played } of groups)
    for (const { decisions } of played)
      for (const { view, round, action } of decisions)
        keys(opponent, round, game.abstraction(view))
          .slice(0, levels.length)
          .forEach((key, level) => count(levels[level], key, action));
  return (opponent) => ({
    memory: (view) => game.abstraction(view),
    act(view, round) {
      const legal = game.legal(view);
      const names = keys(opponent, round, game.abstraction(view));
      let frequencies = legal.map(() => 1 / legal.length);
      levels.forEach((counts, level) => {
        const row = counts.get(names[level]);
        if (row === undefined) return;
        const prior = level === 0 ? UNIFORM : PRIOR;
        const all = [...row.values()].reduce((a, b) => a + b, prior);
        frequencies = frequencies.map((share, j) => (prior * share + (row.get(legal[j]) ?? 0)) / all);
      });
      return legal.map((action, j) => [action, frequencies[j]] as const);
    },
  });
}

function count(counts: Counts, key: string, action: string): void {
  const row = counts.get(key) ?? new Map<string, number>();
  row.set(action, (row.get(action) ?? 0) + 1);
  counts.set(key, row);
}
