/**
 * Which of the positions that an agent met are shown to it again, when its action probabilities are measured.
 *
 * Positions of one information key are sampled in strata, one for each opponent and round, in proportion to how often each was met, so
 * that the mean over the sample estimates the mean over all positions met. Keyed, so the same play gives the same sample.
 */
import { type Key, foldIn, uniform } from "../random.ts";

/** Positions kept per stratum; more are never shown of one. */
const KEPT = 64;

interface Stratum {
  met: number;
  /** Those with the smallest random numbers, so that each of the stratum has the same chance. */
  readonly kept: { readonly rank: number; readonly view: unknown }[];
}

export class Positions {
  readonly #key: Key;
  /** By information key, then by opponent and round in the order met. */
  readonly #strata = new Map<string, Map<string, Stratum>>();

  constructor(key: Key) {
    this.#key = key;
  }

  add(informationKey: string, opponent: string, round: number, view: unknown): void {
    const strata = this.#strata.get(informationKey) ?? new Map<string, Stratum>();
    this.#strata.set(informationKey, strata);
    const name = `${opponent} ${round}`;
    const stratum = strata.get(name) ?? { met: 0, kept: [] };
    strata.set(name, stratum);
    const rank = uniform(foldIn(this.#key, informationKey, name), stratum.met++);
    const { kept } = stratum;
    if (kept.length === KEPT && rank >= kept[KEPT - 1].rank) return;
    if (kept.length === KEPT) kept.pop();
    const place = kept.findIndex((other) => other.rank > rank);
    kept.splice(place < 0 ? kept.length : place, 0, { rank, view });
  }

  /** At most `count` positions of an information key; none where it was never met. */
  sample(informationKey: string, count: number): readonly unknown[] {
    const strata = [...(this.#strata.get(informationKey)?.values() ?? [])];
    const all = strata.reduce((sum, { met }) => sum + met, 0);
    if (all <= count && strata.every(({ met, kept }) => met === kept.length))
      return strata.flatMap(({ kept }) => kept.map(({ view }) => view));
    // A systematic sample along the strata: each gets its share, rounded up or down.
    const start = uniform(foldIn(this.#key, informationKey, "start"));
    const shown: unknown[] = [];
    let before = 0;
    let next = start;
    for (const { met, kept } of strata) {
      before += (met * count) / all;
      for (let i = 0; next < before && i < kept.length; i++, next++) shown.push(kept[i].view);
      next = Math.max(next, Math.ceil(before - start) + start);
    }
    return shown;
  }
}
