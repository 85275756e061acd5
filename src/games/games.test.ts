import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { POOLS, ROSTERS } from "../opponents/index.ts";
import { foldIn, seedKey } from "../random.ts";
import { countStates } from "../solvers/walk.ts";
import { gameConformance, randomPlayout } from "./conformance.ts";
import { SEATS, ipd, kuhn, parse, words } from "./index.ts";

const key = seedKey(11);

for (const game of [...ROSTERS.map((roster) => roster.game), kuhn({ hands: 1 }), ipd({ continuation: 0.5 })])
  describe(`${game.facts.name} with ${game.facts.rounds} rounds`, () => {
    for (const check of gameConformance(game, key)) test(check.name, () => check.run());
  });

describe("state counts", () => {
  test("Kuhn poker has 54 states after the deal", () => {
    // 6 deals times 9 betting sequences: the empty one, P, B, PB (4 to move), PP, BC, BF, PBC, PBF (5 finished).
    const { chance, move, over } = countStates(kuhn({ hands: 1 }));
    expect({ chance, move, over }).toEqual({ chance: 1, move: 6 * 4, over: 6 * 5 });
  });

  test("the prisoner's dilemma has 4 successors at each of its rounds", () => {
    // 1 + 4 + 16 = 21 states to move, 64 finished.
    expect(countStates(ipd({ rounds: 3 }))).toEqual({ chance: 0, move: 21, over: 64 });
  });
});

describe("private information", () => {
  test("a seat's view does not depend on the other's card until a showdown", () => {
    const game = kuhn();
    const jackKing = game.chance(game.start(), "JK");
    const jackQueen = game.chance(game.start(), "JQ");
    expect(game.view(jackKing, 0)).toEqual(game.view(jackQueen, 0));
    expect(game.view(jackKing, 1)).not.toEqual(game.view(jackQueen, 1));
    const folded = (state: typeof jackKing) => game.move(game.move(state, { 0: "BET" }), { 1: "FOLD" });
    expect(game.view(folded(jackKing), 0)).toEqual(game.view(folded(jackQueen), 0));
  });
});

describe("opponents and experts", () => {
  for (const { game, pools, experts } of ROSTERS)
    test(`${game.facts.name}: distributions over legal actions, and memories that suffice`, () => {
      const behaviour = new Map<string, string>();
      for (let i = 0; i < 100; i++)
        for (const state of randomPlayout(game, foldIn(key, "opponents", i))) {
          const turn = game.turn(state);
          if (turn.kind !== "move") continue;
          for (const policy of [...POOLS.flatMap((pool) => pools[pool]), ...experts.map((expert) => expert.policy)])
            for (const seat of turn.seats) {
              const view = game.view(state, seat);
              const distribution = policy.act(view);
              const total = distribution.reduce((sum, [, p]) => sum + p, 0);
              expect(total).toBeCloseTo(1, 12);
              for (const [action] of distribution) expect(game.legal(view)).toContain(action);
              const name = `${policy.name} ${game.stage(state)} ${policy.memory(view)} ${game.legal(view).join()}`;
              if (!game.facts.privateInformation) {
                expect(behaviour.get(name) ?? JSON.stringify(distribution)).toBe(JSON.stringify(distribution));
                behaviour.set(name, JSON.stringify(distribution));
              }
            }
        }
      expect(experts.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    });

  test("an expert's reason is true of the position", () => {
    for (const { game, experts } of ROSTERS)
      for (let i = 0; i < 50; i++)
        for (const state of randomPlayout(game, foldIn(key, "reasons", i)))
          for (const seat of SEATS) {
            const turn = game.turn(state);
            if (turn.kind !== "move" || !turn.seats.includes(seat)) continue;
            const view = game.view(state, seat);
            const seen = game.observation(view);
            for (const expert of experts) {
              const text = expert.reason(view);
              const card = /I hold ([JQK])/.exec(text)?.[1];
              if (card !== undefined) expect(seen).toContain(`You hold ${card}.`);
              if (text.includes("they bet")) expect(seen).toMatch(/hey BET\. You hold/);
              if (text.includes("they passed")) expect(seen).toContain("They PASS. You hold");
              if (text.includes("act first")) expect(seen).toContain("You act first. You hold");
              if (text.includes("cooperated last round")) expect(seen).toMatch(/they COOPERATE\.\nYour action/);
              if (text.includes("defected last round")) expect(seen).toMatch(/they DEFECT\.\nYour action/);
              if (text.includes("never defected")) expect(seen).not.toContain("they DEFECT");
              if (text.includes("have defected before")) expect(seen).toContain("they DEFECT");
            }
          }
  });
});

describe("parse", () => {
  const grammar = words(["PASS", "BET"]);
  test("reads the last line with an action and says why it cannot", () => {
    expect(parse("BET is tempting\nbut pass", grammar, ["PASS", "BET"])).toEqual({ status: "ok", action: "PASS" });
    expect(parse("PASS or BET?", grammar, ["PASS", "BET"])).toMatchObject({
      status: "parse-failure",
      reason: expect.stringContaining("both"),
    });
    expect(parse("", grammar, ["PASS"])).toMatchObject({ status: "parse-failure" });
    expect(parse("BET", grammar, ["PASS"])).toMatchObject({ status: "illegal-action", action: "BET" });
    expect(parse("ALPHABET PASSING", grammar, ["PASS"])).toMatchObject({ status: "parse-failure" });
  });

  test("never throws and never invents an action", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parse(text, grammar, ["PASS"]);
        if (parsed.status === "ok") expect(text.toUpperCase()).toContain(parsed.action);
      }),
    );
  });
});
