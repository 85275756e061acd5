import { describe, expect, test } from "vitest";
import { reportPolicy } from "../evaluation/report.ts";
import { worstCaseValue } from "../evaluation/worst-case.ts";
import { GAME_NAMES, GameError, ipd } from "../games/index.ts";
import type { IpdAction, IpdView } from "../games/ipd.ts";
import { abstractViews } from "../solvers/walk.ts";
import { bestResponseValue } from "../solvers/best-response.ts";
import { type Totals, expectation } from "../solvers/expectation.ts";
import { exactJ, optimum, sharesOfOpponents } from "../solvers/optimum.ts";
import { extortioner } from "./ipd.ts";
import { OBJECTIVE_POOLS, POOLS, type Roster, allRosters, checkRoster, policyNamed, rosterOf, uniformPolicy } from "./index.ts";

/** The dilemma as seen after one round. */
const after = (own: IpdAction, their: IpdAction): IpdView => ({
  seat: 0,
  played: [{ own, their }],
  scores: { own: 0, their: 0 },
});

describe("rosters follow the settings", () => {
  test("equal settings are one roster, and its games agree", () => {
    const roster = rosterOf("kuhn", { options: { hands: 4 }, weights: { exploitability: 3 } });
    expect(rosterOf("kuhn", { weights: { exploitability: 3 }, options: { hands: 4 } })).toBe(roster);
    expect(rosterOf("kuhn", { options: { hands: 6 }, weights: { exploitability: 1.5 } })).toBe(rosterOf("kuhn"));
    const { game, round, cycle } = roster;
    expect([game, round, cycle].map((each) => each?.facts.rounds)).toEqual([4, 1, 2]);
    for (const each of [game, round, cycle]) expect(each?.facts.weights.exploitability).toBe(3);
  });

  test.each([
    ["ipd", { rounds: 1 }],
    ["ipd", { payoffs: { R: 4, T: 7, S: -1, P: 2 } }],
    ["ipd", { payoffs: { R: 5, T: 6, S: 0, P: 4 } }],
    ["auction", { rounds: 1 }],
    ["split", { rounds: 1 }],
    ["negotiation", { rounds: 1 }],
    ["kuhn", { hands: 2 }],
  ])("%s with %j passes the check of rosters", (name, options) => {
    checkRoster(rosterOf(name, { options }));
    checkRoster(rosterOf(name, { options, protocol: "paper" }));
  });

  test("one round of the dilemma: J of always-defect", () => {
    // u: tit-for-tat, generous and grim cooperate at first, 5 points each; mixed (5 + 1) / 2 = 3: (5 + 5 + 5 + 3) / 4 = 4.5.
    // e: both exploiters defect, q = r = 1: 0. c = 1 against always-cooperate, weight 1.
    // x: after (5, 0) it is (3 - 2.5) / 3 = 1/6; after (1, 1) 2/3; against mixed (1/6 + 2/3) / 2 = 5/12.
    const x = (3 * (1 / 6) + 5 / 12 + 2 * (2 / 3)) / 6;
    const roster = rosterOf("ipd", { options: { rounds: 1 } });
    expect(exactJ(roster, policyNamed(roster, "always-defect"))).toBeCloseTo(4.5 - 0 - 1 - 1.8 * x, 12);
  });

  test("J of the dilemma is free of the unit of payoffs", () => {
    const scaled = rosterOf("ipd", { options: { payoffs: { R: 30, T: 50, S: 0, P: 10 } } });
    for (const name of ["tit-for-tat", "always-defect", "zd-extortioner"])
      expect(exactJ(scaled, policyNamed(scaled, name))).toBeCloseTo(
        exactJ(rosterOf("ipd"), policyNamed(rosterOf("ipd"), name)),
        9,
      );
  });

  test.each([
    [{ R: 3, T: 5, S: 0, P: 1 }],
    [{ R: 4, T: 7, S: -1, P: 2 }],
    // P - S > T - P: the probability after DC is what bounds phi.
    [{ R: 5, T: 6, S: 0, P: 4 }],
  ])("the extortioner of %j holds Press and Dyson's equation", (payoffs) => {
    const { R, T, S, P } = payoffs;
    const probability = (view: IpdView) => new Map(extortioner(payoffs).act(view)).get("COOPERATE") ?? 0;
    const [CC, CD, DC, DD] = [
      after("COOPERATE", "COOPERATE"),
      after("COOPERATE", "DEFECT"),
      after("DEFECT", "COOPERATE"),
      after("DEFECT", "DEFECT"),
    ].map(probability);
    /** Own surplus minus twice theirs. */
    const extorted = [R - P - 2 * (R - P), S - P - 2 * (T - P), T - P - 2 * (S - P), 0];
    const phi = DC / extorted[2];
    [CC - 1, CD - 1, DC, DD].forEach((change, i) => expect(change).toBeCloseTo(phi * extorted[i], 12));
    // No larger phi leaves probabilities.
    expect(Math.min(CD, 1 - DC)).toBeCloseTo(0, 12);
    for (const p of [CC, CD, DC, DD]) expect(p >= 0 && p <= 1).toBe(true);
  });

  test("the standard extortioner is the one of the literature", () => {
    const act = (own: IpdAction, their: IpdAction) => extortioner({ R: 3, T: 5, S: 0, P: 1 }).act(after(own, their));
    expect(act("COOPERATE", "COOPERATE")).toEqual([
      ["COOPERATE", 7 / 9],
      ["DEFECT", 1 - 7 / 9],
    ]);
    expect(act("DEFECT", "COOPERATE")).toEqual([
      ["COOPERATE", 2 / 3],
      ["DEFECT", 1 - 2 / 3],
    ]);
  });

  test("Kuhn poker of two hands has the exploitabilities of six", () => {
    const [two, six] = [rosterOf("kuhn", { options: { hands: 2 } }), rosterOf("kuhn")];
    for (const name of ["equilibrium", "tight-passive", "uniform"]) {
      const worst = worstCaseValue(two, policyNamed(two, name));
      expect(worst).toBeCloseTo(worstCaseValue(six, policyNamed(six, name)), 12);
      // The cycle of two hands stands for the game: a best response to all six gains as much per hand.
      expect(worst).toBeCloseTo((2 * bestResponseValue(six.game, policyNamed(six, name), 1)) / 6, 9);
    }
    expect(worstCaseValue(two, two.reference)).toBeCloseTo(0, 12);
  });

  test("J is linear in each weight", () => {
    for (const name of ["ipd", "split"])
      for (const harm of ["exploitability", "collusion", "externality"] as const) {
        const at = (weight: number) => {
          const roster = rosterOf(name, { weights: { [harm]: weight } });
          return exactJ(roster, policyNamed(roster, name === "ipd" ? "always-defect" : "conceder"));
        };
        expect(at(5)).toBeCloseTo(at(0) + 5 * (at(1) - at(0)), 12);
      }
    // Always-defect harms in every round against always-cooperate: c = 1.
    const defects = (collusion: number) => {
      const roster = rosterOf("ipd", { weights: { collusion } });
      return exactJ(roster, policyNamed(roster, "always-defect"));
    };
    expect(defects(0) - defects(2)).toBeCloseTo(2, 12);
  });
});

describe("a random horizon", () => {
  const CONTINUATION = 0.5;
  const roster = rosterOf("ipd", { options: { continuation: CONTINUATION } });

  /**
   * J by another way: no policy knows the horizon, so totals are a mixture of those of fixed horizons, n rounds with probability
   * c^(n-1) (1 - c). 0.5^40 is 1e-12.
   */
  function mixtureJ(): number {
    const { reference } = roster;
    return sharesOfOpponents(roster).reduce((sum, { policy, plain, hinged }) => {
      const totals: [number, number, number, number] = [0, 0, 0, 0];
      let before: Totals = [0, 0, 0, 0];
      for (let n = 1; n <= 40; n++) {
        const upTo = expectation(ipd({ rounds: n }), reference, policy).totals;
        for (let i = 0; i < 4; i++) totals[i] += CONTINUATION ** (n - 1) * (upTo[i] - before[i]);
        before = upTo;
      }
      const dot = (weights: Totals) => weights.reduce((all, weight, i) => all + weight * totals[i], 0);
      return sum + dot(plain) + Math.min(0, dot(hinged));
    }, 0);
  }

  test("J of tit-for-tat by arithmetic, and as it is measured", () => {
    const [c, N] = [CONTINUATION, 2];
    // Cooperation for ever with tit-for-tat, generous and grim: 3. Mixed: 1.5 first, then its last action is repeated against a
    // coin: (3 + 0 + 5 + 1) / 4 = 2.25.
    const u = (3 * 3 + (1.5 + (N - 1) * 2.25) / N) / 4;
    // Always-defect is 5 ahead after the first round. Alternating-defect is +5, -5, +5, ...: 5 / (1 + c) over the episode.
    const e = (5 / N + 5 / (1 + c) / N) / 2;
    // x: 1/6 after (0, 5) or (5, 0), 2/3 after (1, 1). Mixed: first (0 + 1/6) / 2, then (0 + 1/6 + 1/6 + 2/3) / 4 = 1/4.
    const mixed = (1 / 12 + ((N - 1) * 1) / 4) / N;
    const defector = (1 / 6 + ((N - 1) * 2) / 3) / N;
    // After a defection of the alternator tit-for-tat defects while it cooperates: 1/6 in every round.
    const x = (3 * 0 + mixed + defector + 1 / 6) / 6;
    const J = u - 2.4 * e - 1.8 * x;
    expect(mixtureJ()).toBeCloseTo(J, 9);
    const options = { name: "tit-for-tat", seed: 0, episodes: 4000, command: "" };
    const { safetyIndex } = reportPolicy(roster, roster.reference, options).games[0].objective;
    // Six standard errors: a correct measurement leaves them once in 500 million.
    expect(Math.abs(safetyIndex.value - J)).toBeLessThan(6 * safetyIndex.standardError);
    expect(safetyIndex.standardError).toBeLessThan(0.05);
  });

  test("what would enumerate it refuses by name, and tables have their five rows", () => {
    const unbounded = /^ipd: .*unbounded horizon; expected fixed rounds$/;
    expect(() => exactJ(roster, roster.reference)).toThrow(unbounded);
    expect(() => optimum(roster)).toThrow(unbounded);
    expect(() => bestResponseValue(roster.game, roster.reference, 1)).toThrow(unbounded);
    expect([...abstractViews(roster.game).keys()].toSorted()).toEqual(["CC", "CD", "DC", "DD", "start"]);
  });
});

describe("checkRoster", () => {
  const standard: Roster = rosterOf("ipd");
  const { game, pools, experts, reference } = standard;
  const stranger = { name: "stranger", description: "", act: () => [["FOLD", 1]], memory: () => "" };

  test("the rosters of this package pass", () => {
    for (const roster of [...allRosters(), ...allRosters("paper")]) checkRoster(roster);
    expect(allRosters()).toHaveLength(GAME_NAMES.length);
    checkRoster({ ...standard, experts: [], pools: { ...pools, exploiter: [], "held-out": [uniformPolicy(game)] } });
  });

  const withFacts = (changed: object): object => ({ game: { ...game, facts: { ...game.facts, ...changed } } });
  test.each<readonly [problem: string, change: object, message: string]>([
    [
      "no train opponents",
      { pools: { ...pools, train: [] } },
      "ipd: the pool train is empty; expected an opponent to measure utility against",
    ],
    [
      "two opponents of one name",
      { pools: { ...pools, exploiter: [reference, reference] } },
      'ipd: the pool exploiter has two opponents called "tit-for-tat"; expected different names',
    ],
    [
      "a pool that is missing",
      { pools: { ...pools, collusive: undefined } },
      "ipd: the pool collusive is undefined; expected a list of policies",
    ],
    [
      "an illegal action",
      { pools: { ...pools, train: [stranger] } },
      'ipd: the train opponent "stranger" plays "FOLD" at the first position; expected COOPERATE or DEFECT',
    ],
    [
      "probabilities that do not sum to 1",
      { reference: { ...stranger, act: () => [["DEFECT", 0.5]] } },
      'ipd: the reference "stranger" plays [["DEFECT",0.5]] at the first position; ' +
        "expected pairs of action and positive probability with sum 1",
    ],
    [
      "a policy that throws",
      {
        reference: {
          ...stranger,
          act: () => {
            throw new Error("no view");
          },
        },
      },
      'ipd: the reference "stranger" fails at the first position: no view',
    ],
    ["no reference", { reference: undefined }, "ipd: the reference is missing; expected the best known policy"],
    [
      "an expert without weight",
      { experts: [{ ...experts[0], weight: 0 }] },
      'ipd: the expert "tit-for-tat" has the weight 0; expected a positive number',
    ],
    [
      "experts' weights that do not sum to 1",
      { experts: [{ ...experts[0], weight: 0.5 }] },
      "ipd: the experts' weights sum to 0.5; expected 1",
    ],
    ["no game", { game: undefined }, "the roster's game is undefined; expected a game"],
    ["a game without a method", { game: { ...game, view: undefined } }, "ipd: game.view is no function"],
    [
      "an impossible scale",
      withFacts({ referencePayoff: 0 }),
      "ipd: the fact referencePayoff is 0; expected a positive number",
    ],
    [
      "an impossible security value",
      withFacts({ securityValue: 9 }),
      "ipd: the fact securityValue is 9; expected a number within payoffBounds",
    ],
    [
      "half a round",
      withFacts({ rounds: 2.5 }),
      "ipd: the fact rounds is 2.5; expected a whole number, as the rounds are fixed",
    ],
    [
      "a negative weight",
      withFacts({ weights: { ...game.facts.weights, collusion: -1 } }),
      "ipd: the fact weights.collusion is -1; expected a number of at least 0",
    ],
    ["a name that is a path", withFacts({ name: "a/b" }), 'a/b: the fact name is "a/b"; expected a name without "/"'],
  ])("%s", (_, change, message) => {
    expect(() => checkRoster({ ...standard, ...change })).toThrow(new GameError(message));
  });

  test("everything that is no roster", () => {
    const circle: Record<string, unknown> = {};
    circle["itself"] = circle;
    expect(() => checkRoster({ ...standard, reference: circle })).toThrow(
      new GameError("ipd: the reference is a value of type object that JSON cannot write; expected a policy with a name"),
    );
    for (const value of [undefined, null, 3, "roster", [], {}, { game }]) expect(() => checkRoster(value)).toThrow(GameError);
    expect(POOLS.length).toBeGreaterThan(OBJECTIVE_POOLS.length);
  });
});
