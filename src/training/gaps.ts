/** Running means of q - r per round against each exploiter; they decide the hinge of e in the next step. */
import type { Roster } from "../opponents/index.ts";
import type { Group } from "../objective/credit.ts";

/** The mean is total / weight; both decay alike, so that early steps count in full. */
export interface RunningGap {
  readonly total: number;
  readonly weight: number;
}
/** By `game/opponent`. */
export type Gaps = Readonly<Record<string, RunningGap>>;

/** The means against the opponents of one game, by opponent. */
export function gapsOf(roster: Roster, groups: readonly Group[], gaps: Gaps): ReadonlyMap<string, number> {
  const { name } = roster.game.facts;
  return new Map(
    groups.flatMap(({ opponent }) => {
      const gap = gaps[`${name}/${opponent}`];
      return gap === undefined ? [] : [[opponent, gap.total / gap.weight] as const];
    }),
  );
}

/** The means after another rollout, in which these gaps were measured, by opponent; `memory` in [0, 1) is their decay. */
export function updateGaps({ game }: Roster, gaps: Gaps, measured: ReadonlyMap<string, number>, memory: number): Gaps {
  const next: Record<string, RunningGap> = { ...gaps };
  for (const [opponent, gap] of measured) {
    const name = `${game.facts.name}/${opponent}`;
    const { total, weight } = gaps[name] ?? { total: 0, weight: 0 };
    next[name] = { total: memory * total + (1 - memory) * gap, weight: memory * weight + 1 - memory };
  }
  return next;
}
