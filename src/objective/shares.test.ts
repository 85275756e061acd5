import fc from "fast-check";
import { expect, test } from "vitest";
import { mean } from "../stats/estimate.ts";
import { assignCredit } from "./credit.ts";
import { type ScoredEpisode, byOpponent, meansOf, measureObjective } from "./objective.ts";
import { type Quantities, hingedAmount, linearParts, plainAmount, sharesOf } from "./shares.ts";

const HORIZON = 3;
const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const round = fc.record({
  r: number(-2, 5),
  q: number(-2, 5),
  c: number(0, 1),
  x: number(0, 1),
  failures: fc.constant(0),
});
const rounds = fc.array(round, { minLength: HORIZON, maxLength: HORIZON });
/** For each pool, opponents; for each opponent, two episodes or more. */
const pool = fc.array(fc.array(rounds, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 3 });
const pools = fc.record({ train: pool, exploiter: pool, collusive: pool });
const weight = number(0, 4);
const settings = fc.record({
  scale: number(0.1, 3),
  weights: fc.record({ exploitability: weight, collusion: weight, externality: weight }),
});
const POOLS = ["train", "exploiter", "collusive"] as const;

const playedIn = (all: Readonly<Record<(typeof POOLS)[number], readonly (readonly ScoredEpisode["rounds"][])[]>>) =>
  POOLS.flatMap((name) =>
    all[name].map((episodes, i) => ({
      pool: name,
      opponent: `${name} ${i}`,
      episodes: episodes.map((rounds): ScoredEpisode => ({ pool: name, opponent: `${name} ${i}`, horizon: HORIZON, rounds })),
    })),
  );

test("J by shares is J by its definition", () => {
  fc.assert(
    fc.property(pools, settings, (all, { scale, weights }) => {
      const groups = playedIn(all);
      const expected = (own: (typeof groups)[number], value: (round: Quantities) => number) =>
        mean(own.episodes.map((e) => mean(e.rounds.map(value))));
      const over = (names: readonly string[], value: (own: (typeof groups)[number]) => number) =>
        mean(groups.filter((own) => names.includes(own.pool)).map(value));
      const u = scale * over(["train"], (own) => expected(own, ({ r }) => r));
      const e =
        scale *
        over(["exploiter"], (own) =>
          Math.max(
            0,
            expected(own, ({ q, r }) => q - r),
          ),
        );
      const c = over(["collusive"], (own) => expected(own, (t) => t.c));
      const x = over(["train", "exploiter"], (own) => expected(own, (t) => t.x));
      const definition = u - weights.exploitability * e - weights.collusion * c - weights.externality * x;

      const sizes = { train: all.train.length, exploiter: all.exploiter.length, collusive: all.collusive.length };
      const byShares = groups.reduce((sum, own) => {
        const shares = sharesOf(own.pool, { scale, weights, sizes, rounds: HORIZON });
        const total = (value: (round: Quantities) => number) =>
          mean(own.episodes.map((episode) => episode.rounds.reduce((all, t) => all + value(t), 0)));
        return (
          sum +
          total((t) => plainAmount(shares, t)) +
          Math.min(
            0,
            total((t) => hingedAmount(shares, t)),
          )
        );
      }, 0);
      expect(byShares).toBeCloseTo(definition, 9);

      const episodes = groups.flatMap((own) => own.episodes.map(meansOf));
      expect(measureObjective(episodes, { scale, weights }).safetyIndex.value).toBeCloseTo(definition, 9);
    }),
  );
});

test("the linear parts are the amounts", () => {
  fc.assert(
    fc.property(round, settings, fc.constantFrom(...POOLS), (values, { scale, weights }, name) => {
      const shares = sharesOf(name, { scale, weights, sizes: { train: 3, exploiter: 2, collusive: 1 }, rounds: 8 });
      const { plain, hinged } = linearParts(shares);
      const dot = (row: readonly number[]) => row[0] * values.r + row[1] * values.q + row[2] * values.c + row[3] * values.x;
      expect(dot(plain)).toBeCloseTo(plainAmount(shares, values), 12);
      expect(dot(hinged)).toBeCloseTo(hingedAmount(shares, values), 12);
    }),
  );
});

test("an episode's credit is its amount of J less the mean of the others", () => {
  fc.assert(
    fc.property(pools, settings, (all, { scale, weights }) => {
      const groups = playedIn(all);
      const sizes = { train: all.train.length, exploiter: all.exploiter.length, collusive: all.collusive.length };
      const credit = assignCredit(groups, { scale, weights, failureCost: 0 });
      groups.forEach(({ pool: name, episodes, opponent }, g) => {
        const shares = sharesOf(name, { scale, weights, sizes, rounds: HORIZON });
        const gap = mean((byOpponent(episodes).get(opponent) ?? []).flatMap((e) => e.rounds.map(({ q, r }) => q - r)));
        const whole = episodes.map((e) =>
          e.rounds.reduce((sum, t) => sum + plainAmount(shares, t) + (gap > 0 ? hingedAmount(shares, t) : 0), 0),
        );
        whole.forEach((value, i) => expect(credit[g][i][0]).toBeCloseTo(value - mean(whole.filter((_, j) => j !== i)), 9));
      });
    }),
  );
});
