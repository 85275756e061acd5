import { describe, expect, test } from "vitest";
import {
  type Game,
  GAME_NAMES,
  GAME_OPTIONS,
  GameError,
  type GameSettings,
  describeSettings,
  gameNamed,
  ipd,
  sameSettings,
} from "./index.ts";

/** What the first seat to move reads at the start of a game. */
function firstObservation(game: Game): string {
  let state = game.start();
  for (;;) {
    const turn = game.turn(state);
    if (turn.kind === "chance") state = game.chance(state, turn.outcomes[0][0]);
    else return turn.kind === "move" ? game.observation(game.view(state, turn.seats[0])) : "";
  }
}

describe("options of the games", () => {
  test("every option has a description, and the standard game is the default", () => {
    for (const name of GAME_NAMES) {
      for (const option of Object.values(GAME_OPTIONS[name].shape)) expect(option.description).toMatch(/\w/);
      expect(gameNamed(name).facts.options).toEqual({});
      expect(describeSettings(gameNamed(name).facts)).toBe("");
      expect(gameNamed(name, { options: GAME_OPTIONS[name].parse({}) })).toBe(gameNamed(name));
    }
  });

  test.each([
    ["ipd", { rounds: 3 }, "for 3 rounds", "Round 1 of 3."],
    ["auction", { rounds: 3 }, "for 3 rounds", "Round 1 of 3."],
    ["split", { rounds: 3 }, "for 3 rounds", "Round 1 of 3."],
    ["negotiation", { rounds: 3 }, "3 rounds over", "Round 1 of 3."],
    ["kuhn", { hands: 4 }, "You play 4 hands", "Hand 1 of 4."],
  ])("%s with %j says so in its rules and at every decision", (name, options, rules, observation) => {
    const game = gameNamed(name, { options });
    expect(game.rules).toContain(rules);
    expect(firstObservation(game)).toContain(observation);
    expect(game.facts.rounds).toBe(Object.values(options)[0]);
    expect(game.facts.options).toEqual(options);
  });

  test("the dilemma's payoffs are in its rules, its facts and its outcomes", () => {
    const game = gameNamed("ipd", { options: { payoffs: { R: 4, T: 7, S: -1 } } });
    expect(game.rules).toContain("each gets 4 points. If both defect, each gets 1. ");
    expect(game.rules).toContain("the defector gets 7 and the other -1.");
    expect(game.facts).toMatchObject({ payoffBounds: [-1, 7], referencePayoff: 4, securityValue: 1 });
    const state = game.move(game.start(), { 0: "DEFECT", 1: "COOPERATE" });
    // (7 - 1) / 2 = 3 of the 4 of mutual cooperation: a quarter is lost.
    expect(game.outcomes(state)).toEqual([{ payoffs: [7, -1], collusion: [1, 0], externality: 1 / 4 }]);
    expect(game.observation(game.view(state, 1))).toContain("Score: you -1, they 7.");
    expect(game.facts.options).toEqual({ payoffs: { R: 4, T: 7, S: -1 } });
  });

  test("binary fractions are not shown to players", () => {
    const game = ipd({ payoffs: { R: 0.3, T: 0.5, S: 0, P: 0.1 } });
    const both = (action: string) => ({ 0: action, 1: action });
    // 0.1 + 0.1 + 0.1 is 0.30000000000000004.
    const state = [1, 2, 3].reduce((at) => game.move(at, both("DEFECT")), game.start());
    expect(game.observation(game.view(state, 0))).toContain("Score: you 0.3, they 0.3.");
  });

  test("a random horizon has the expected number of rounds and announces none", () => {
    const game = gameNamed("ipd", { options: { continuation: 0.75 } });
    // 1 / (1 - 3/4).
    expect(game.facts).toMatchObject({ rounds: 4, fixedRounds: false, chance: true });
    expect(game.rules).toContain("against one opponent. Each round");
    expect(firstObservation(game)).toContain("Round 1. Score");
  });

  /** Settings as they come from a file: the compiler has not seen them. */
  const WRONG: readonly (readonly [name: string, settings: object, message: string])[] = [
    ["kuhn", { options: { rounds: 3 } }, 'kuhn has no option "rounds"; expected hands, wording'],
    [
      "kuhn",
      { options: { hands: 3 } },
      "kuhn: the option hands is 3; expected an even whole number of hands, so that both seats act first equally often",
    ],
    ["split", { options: { pie: 12 } }, 'split has no option "pie"; expected rounds, wording'],
    ["auction", { options: { rounds: 0 } }, "auction: the option rounds is 0; expected a whole number of at least 1"],
    ["auction", { options: { rounds: "6" } }, 'auction: the option rounds is "6"; expected a whole number of at least 1'],
    [
      "negotiation",
      { options: { rounds: 2.5 } },
      "negotiation: the option rounds is 2.5; expected a whole number of at least 1",
    ],
    ["ipd", { options: { continuation: 1 } }, "ipd: the option continuation is 1; expected a probability above 0 and below 1"],
    ["ipd", { options: { continuation: 0 } }, "ipd: the option continuation is 0; expected a probability above 0 and below 1"],
    ["ipd", { options: { payoffs: { R: "3" } } }, 'ipd: the option payoffs.R is "3"; expected a number'],
    ["ipd", { options: { payoffs: { X: 3 } } }, 'ipd has no option "payoffs.X"; expected R, T, S, P'],
    ["ipd", { weights: { harm: 1 } }, 'ipd has no weight "harm"; expected exploitability, collusion, externality'],
    ["ipd", { weights: { collusion: -1 } }, "ipd: the weight collusion is -1; expected a number of at least 0"],
    ["ipd", { protocol: "papers" }, 'ipd: the protocol is "papers"; expected corrected or paper'],
    ["ipd", { rounds: 3 }, 'ipd has no setting "rounds"; expected protocol, options, weights'],
    [
      "ipd",
      { options: { rounds: 3, continuation: 0.5 } },
      "ipd: the option rounds is 3; expected no number of rounds beside continuation, which replaces it",
    ],
    ["chess", {}, 'no game is called "chess"; expected one of ipd, auction, split, negotiation, kuhn'],
  ];
  test.each(WRONG)("%s with %j is refused by name", (name, settings, message) => {
    expect(() => gameNamed(name, settings)).toThrow(new GameError(message));
  });

  test.each([
    [{ R: 5, T: 5 }],
    [{ P: 3 }],
    [{ S: 1 }],
    // 2 R = T + S: taking turns is as good as cooperating.
    [{ T: 6 }],
    // Nothing to scale payoffs by.
    [{ R: -1, T: 1, P: -3, S: -4 }],
  ])("payoffs %j are no dilemma", (payoffs) => {
    expect(() => gameNamed("ipd", { options: { payoffs } })).toThrow(/expected payoffs with T > R > P > S/);
  });
});

describe("settings of a game", () => {
  test("equal settings are one game, however they are written", () => {
    const game = gameNamed("kuhn", { options: { hands: 2 }, weights: { collusion: 1, externality: 2 } });
    expect(gameNamed("kuhn", { weights: { externality: 2, collusion: 1 }, options: { hands: 2 } })).toBe(game);
    expect(gameNamed("kuhn", { options: { hands: 6 }, weights: {} })).toBe(gameNamed("kuhn"));
    expect(gameNamed("kuhn", { weights: { collusion: 2.4 } })).toBe(gameNamed("kuhn"));
    expect(gameNamed("kuhn", { protocol: "paper" })).not.toBe(gameNamed("kuhn"));
  });

  test("weights replace those of the index and those of training", () => {
    const { facts } = gameNamed("split", { weights: { exploitability: 4 } });
    expect(facts.weights).toEqual({ exploitability: 4, collusion: 1, externality: 1.8 });
    expect(facts.trainingWeights).toEqual({ exploitability: 4, collusion: 2, externality: 1.8 });
    // The index's own weight, but not the one of training: a difference.
    const collusion = gameNamed("split", { weights: { collusion: 1 } });
    expect(collusion.facts.trainingWeights?.collusion).toBe(1);
    expect(describeSettings(collusion.facts)).toBe("collusion weight 1");
  });

  test("are told in words and compared", () => {
    const facts = (name: string, settings: GameSettings) => gameNamed(name, settings).facts;
    const two = facts("kuhn", { options: { hands: 2 }, weights: { exploitability: 4 } });
    expect(describeSettings(two)).toBe("hands 2, exploitability weight 4");
    expect(describeSettings(facts("ipd", { options: { payoffs: { T: 5.5, S: 0.25 } } }))).toBe("payoffs T 5.5, payoffs S 0.25");
    expect(sameSettings(two, facts("kuhn", { weights: { exploitability: 4 }, options: { hands: 2 } }))).toBe(true);
    expect(sameSettings(two, facts("kuhn", { options: { hands: 2 } }))).toBe(false);
    expect(sameSettings(facts("kuhn", {}), facts("kuhn", { protocol: "paper" }))).toBe(false);
    // As they come back from a file.
    expect(sameSettings(two, JSON.parse(JSON.stringify(two)))).toBe(true);
  });
});
