import { describe, expect, test } from "vitest";
import { type Game, auction, ipd, kuhn, negotiation } from "../games/index.ts";
import { memoryOne, titForTat } from "../opponents/ipd.ts";
import { policiesOf, policyNamed, rosterOf } from "../opponents/index.ts";
import { kuhnEquilibrium, kuhnUniform, paperEquilibrium } from "../opponents/kuhn.ts";
import { foldIn, normal, seedKey } from "../random.ts";
import { bestResponseValue } from "./best-response.ts";
import { nashConv, solveZeroSum, symmetricEquilibria, typePolicy } from "./equilibrium.ts";
import { exactJ, optimum, utilityBound } from "./optimum.ts";
import { solveLinearProgram } from "./simplex.ts";
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

describe("equilibria", () => {
  test("linear programming finds the value of Kuhn poker and a strategy of Kuhn's family", () => {
    const { value, players } = solveZeroSum(hand);
    expect(value).toBeCloseTo(-1 / 18, 12);
    expect(Math.abs(nashConv(hand, players))).toBeLessThan(1e-9);
    // The second seat's equilibrium is unique (Kuhn 1950): J bluffs with 1/3 after a pass, Q calls with 1/3.
    const reply = (cards: string, bet: string) => {
      const state = hand.move(hand.chance(hand.start(), cards), { 0: bet });
      return new Map(players[1].act(untyped.view(state, 1)));
    };
    expect(reply("KJ", "PASS").get("BET")).toBeCloseTo(1 / 3, 9);
    expect(reply("KQ", "BET").get("CALL")).toBeCloseTo(1 / 3, 9);
  });

  test("the auction's stage game: LOW at 2 and MEDIUM at 4 is the one equilibrium in undominated bids", () => {
    // At 2 only LOW can profit; at 4 MEDIUM beats LOW and HIGH against any mixture at 4. The two others bid MEDIUM at 2, which
    // never profits: then LOW never wins either, and at 4 MEDIUM (2 / 2) and HIGH (1) tie against MEDIUM.
    const stage = auction({ rounds: 1 });
    const found = symmetricEquilibria(stage);
    const pure = found.map((strategies) => ["2", "4"].map((type) => [...(strategies.get(type) ?? [])].join()));
    expect(pure).toEqual([
      ["LOW,1", "MEDIUM,1"],
      ["MEDIUM,1", "MEDIUM,1"],
      ["MEDIUM,1", "HIGH,1"],
    ]);
    for (const strategies of found) {
      const policy = typePolicy(stage, strategies);
      expect(Math.abs(nashConv(stage, [policy, policy]))).toBeLessThan(1e-9);
    }
    const { reference } = rosterOf("auction");
    expect(Math.abs(nashConv(stage, [reference, reference]))).toBeLessThan(1e-9);
  });

  test("the paper's Kuhn player, which calls with Q at 1/3 in both seats, is exploitable for 1/18", () => {
    // As first player it loses 1/6 instead of 1/18 to a best response, as second player nothing: (1/9 + 0) / 2 over alternating seats.
    expect(bestResponseValue(hand, paperEquilibrium, 1)).toBeCloseTo(1 / 6, 12);
    expect(bestResponseValue(hand, paperEquilibrium, 0)).toBeCloseTo(-1 / 18, 12);
    expect(bestResponseValue(kuhn({ hands: 2 }), paperEquilibrium, 1) / 2).toBeCloseTo(1 / 18, 12);
  });

  test("a linear program by hand", () => {
    // Maximise 3x + 2y with x + y + s = 4, x + 3y + t = 6: the vertex (4, 0) is worth 12 (Dantzig's method by hand).
    const program = { objective: [3, 2, 0, 0], rows: [[1, 1, 1, 0], [1, 3, 0, 1]], right: [4, 6] }; // prettier-ignore
    expect(solveLinearProgram(program).value).toBeCloseTo(12, 12);
    expect(() => solveLinearProgram({ objective: [1], rows: [[1]], right: [-1] })).toThrow(/infeasible/);
    expect(() => solveLinearProgram({ objective: [1, 0], rows: [[1, -1]], right: [0] })).toThrow(/unbounded/);
  });
});

describe("best replies", () => {
  test("to scripted opponents, by hand", () => {
    const payoff = (name: string, opponent: string) => {
      const roster = rosterOf(name);
      return bestResponseValue(roster.game, policyNamed(roster, opponent), 0) / roster.game.facts.rounds;
    };
    // Cooperate 7 times, then defect: (7 * 3 + 5) / 8. Always-cooperate: 5 a round. Alternating-defect: (1 + 5) / 2.
    expect(payoff("ipd", "tit-for-tat")).toBeCloseTo(26 / 8, 12);
    expect(payoff("ipd", "always-cooperate")).toBeCloseTo(5, 12);
    expect(payoff("ipd", "alternating-defect")).toBeCloseTo(3, 12);
    // The complement of every demand.
    expect(payoff("split", "hardball")).toBeCloseTo(2, 12);
    // Mirror: demand 9 against its 5 and get 0; it then leaves 9 each round: 0 + 3 * 9.
    expect(payoff("split", "mirror")).toBeCloseTo(27 / 4, 12);
    // Against always-LOW: MEDIUM wins for sure, 0 at 2 and 2 at 4; LOW wins half, 0.5 at 2 and 1.5 at 4: (0.5 + 2) / 2.
    expect(payoff("auction", "conservative")).toBeCloseTo(1.25, 12);
    // Against always-HIGH only value 4 profits, by tying: (4 - 3) / 2 / 2.
    expect(payoff("auction", "aggressive")).toBeCloseTo(0.25, 12);
    // Kuhn: folds everything to a bet, antes 1.
    expect(payoff("kuhn", "always-pass")).toBeCloseTo(1, 12);
  });

  test("are at least as good as every scripted policy, and memory-one optimal play is found", () => {
    for (const name of ["ipd", "auction", "split", "kuhn"]) {
      const roster = rosterOf(name);
      for (const opponent of roster.pools.exploiter) {
        const best = bestResponseValue(roster.game, opponent, 0);
        for (const { policy } of roster.experts)
          expect(expectation(roster.game, policy, opponent).totals[0]).toBeLessThanOrEqual(best + 1e-9);
      }
    }
  });

  test("negotiation: what a fair opponent leaves is taken", { timeout: 60_000 }, () => {
    const roster = rosterOf("negotiation");
    const oneRound: Game = negotiation({ rounds: 1 });
    // Half rounded down leaves ceil(n / 2) of each: per item (1 + 1 + 2 + 2) / 4 = 1.5 units on average, values average 10 / 3: 15.
    expect(bestResponseValue(oneRound, roster.pools.train[0], 0)).toBeCloseTo(15, 9);
  });
});

describe("J*", () => {
  for (const name of ["ipd", "auction", "split"])
    test(`${name}: no policy of the roster is better, and the hinge's minimum is one`, () => {
      const roster = rosterOf(name);
      const { value } = optimum(roster);
      for (const policy of policiesOf(roster).values()) expect(exactJ(roster, policy)).toBeLessThanOrEqual(value + 1e-9);
      expect(value).toBeLessThanOrEqual(utilityBound(roster) + 1e-9);
    });

  test("split: the value `sepo solve split` prints", () => {
    // No independent value: kept so that a change of the solver or the pools shows.
    expect(optimum(rosterOf("split")).value).toBeCloseTo(1.83, 9);
  });

  test("the best memory-one policy of the prisoner's dilemma has J 1.769, tit-for-tat 1.739", () => {
    // By enumeration of the 32 deterministic ones: cooperate first and after mutual cooperation, defect otherwise (grim).
    const roster = rosterOf("ipd");
    expect(exactJ(roster, titForTat)).toBeCloseTo(1.739, 3);
    const values = Array.from({ length: 32 }, (_, bits) => {
      const bit = (i: number) => Math.floor(bits / 2 ** i) % 2;
      return exactJ(roster, memoryOne("candidate", "", bit(0), { CC: bit(1), CD: bit(2), DC: bit(3), DD: bit(4) }));
    });
    expect(Math.max(...values)).toBeCloseTo(1.769, 3);
  });
});
