import { describe, expect, test } from "vitest";
import { type Game, ipd, kuhn } from "../games/index.ts";
import { titForTat } from "../opponents/ipd.ts";
import { policyNamed, rosterOf } from "../opponents/index.ts";
import { kuhnEquilibrium, kuhnUniform } from "../opponents/kuhn.ts";
import { foldIn, normal, seedKey } from "../random.ts";
import { bestResponseValue } from "./best-response.ts";
import { type SoftmaxAgent, expectation, softmaxPolicy } from "./expectation.ts";
import { abstractViews } from "./walk.ts";

const hand = kuhn({ hands: 1 });
const untyped: Game = hand;
const abstractionOf = (view: unknown) => untyped.abstraction(view);

describe("Kuhn poker's reference values (Kuhn 1950; OpenSpiel's kuhn_poker)", () => {
  test("the value of the game to the first seat is -1/18", () => {
    const equilibrium = kuhnEquilibrium("equilibrium", 1 / 6);
    expect(expectation(hand, equilibrium, equilibrium).totals[0]).toBeCloseTo(-1 / 18, 12);
  });

  test("no response gains against an equilibrium, for any alpha", () => {
    for (const alpha of [0, 1 / 6, 1 / 3]) {
      const equilibrium = kuhnEquilibrium("equilibrium", alpha);
      expect(bestResponseValue(hand, equilibrium, 0)).toBeCloseTo(-1 / 18, 12);
      expect(bestResponseValue(hand, equilibrium, 1)).toBeCloseTo(1 / 18, 12);
    }
  });

  test("uniform play has NashConv 11/12 and exploitability 11/24", () => {
    const nashConv = bestResponseValue(hand, kuhnUniform, 0) + bestResponseValue(hand, kuhnUniform, 1);
    expect(nashConv).toBeCloseTo(11 / 12, 12);
    expect(bestResponseValue(kuhn({ hands: 2 }), kuhnUniform, 1) / 2).toBeCloseTo(11 / 24, 12);
  });

  test("no deterministic policy is exploitable for less than 1/6", () => {
    const keys = [...abstractViews(hand).keys()];
    const values: number[] = [];
    for (let bits = 0; bits < 2 ** keys.length; bits++) {
      const second = new Map(keys.map((key, i) => [key, Math.floor(bits / 2 ** i) % 2]));
      // Folding K or calling with J is dominated; leaving it out keeps the search short.
      if (["K:B", "K:PB"].some((key) => second.get(key) === 1) || ["J:B", "J:PB"].some((key) => second.get(key) === 0))
        continue;
      const policy = softmaxPolicy(hand, {
        key: abstractionOf,
        logits: new Map(keys.map((key) => [key, second.get(key) === 1 ? [-1e9, 0] : [0, -1e9]])),
      });
      values.push((bestResponseValue(hand, policy, 0) + bestResponseValue(hand, policy, 1)) / 2);
    }
    expect(Math.min(...values)).toBeCloseTo(1 / 6, 12);
  });
});

describe("the prisoner's dilemma", () => {
  test("tit-for-tat loses 5/8 of a point per round to always-defect and nothing to alternating-defect", () => {
    const against = (name: string) => expectation(ipd(), titForTat, policyNamed(rosterOf("ipd"), name)).totals;
    expect((against("always-defect")[1] - against("always-defect")[0]) / 8).toBeCloseTo(5 / 8, 12);
    expect(against("alternating-defect")[1] - against("alternating-defect")[0]).toBeCloseTo(0, 12);
  });
});

describe("gradients", () => {
  for (const [name, opponent] of [
    ["ipd", "generous-tit-for-tat"],
    ["kuhn", "loose-aggressive"],
  ])
    test(`${name}: the enumerated gradient agrees with central differences`, () => {
      const { game } = rosterOf(name);
      const views = abstractViews(game, [0]);
      const logits = new Map(
        [...views].map(([key, view]) => [key, game.legal(view).map((_, j) => normal(foldIn(seedKey(3), key), j))]),
      );
      const agent: SoftmaxAgent = { key: (view) => game.abstraction(view), logits };
      const totals = () => expectation(game, softmaxPolicy(game, agent), policyNamed(rosterOf(name), opponent)).totals;
      const { gradient } = expectation(game, softmaxPolicy(game, agent), policyNamed(rosterOf(name), opponent));
      const step = 1e-5;
      for (const [key, row] of logits)
        for (let j = 0; j < row.length; j++) {
          const at = row[j];
          row[j] = at + step;
          const above = totals();
          row[j] = at - step;
          const below = totals();
          row[j] = at;
          for (let q = 0; q < 4; q++) expect(gradient[q].get(key)?.[j] ?? 0).toBeCloseTo((above[q] - below[q]) / (2 * step), 6);
        }
    });
});
