import { describe, expect, test } from "vitest";
import { POOLS, allRosters } from "../opponents/index.ts";
import { foldIn, seedKey } from "../random.ts";
import { countStates } from "../solvers/walk.ts";
import { gameConformance, randomPlayout } from "./conformance.ts";
import { type Game, GAME_NAMES, auction, describeSettings, gameNamed, ipd, kuhn, negotiation, split } from "./index.ts";

const key = seedKey(11);

const ROSTERS = allRosters();
const VARIANTS: readonly Game[] = [
  kuhn({ hands: 1 }),
  ipd({ continuation: 0.5 }),
  ...(
    [
      ["ipd", { options: { rounds: 1 } }],
      ["ipd", { options: { payoffs: { R: 0.3, T: 0.5, S: -0.2, P: 0.1 } } }],
      ["auction", { options: { rounds: 2 }, protocol: "paper" }],
      ["auction", { options: { rounds: 2 } }],
      ["split", { options: { rounds: 1 } }],
      ["negotiation", { options: { rounds: 2 } }],
      ["kuhn", { options: { hands: 2 }, weights: { collusion: 0 } }],
    ] as const
  ).map(([name, settings]) => gameNamed(name, settings)),
];

for (const game of [
  ...ROSTERS.map((roster) => roster.game),
  ...VARIANTS,
  ...GAME_NAMES.map((name) => gameNamed(name, { protocol: "paper" })),
])
  describe(`${game.facts.name}, protocol ${game.facts.protocol}, ${describeSettings(game.facts) || "standard"}`, () => {
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

  test("the auction", () => {
    // One round: 1 draw of values, 4 to move, 9 pairs of bids of which 3 tie: 4 * 3 coins, 4 * (6 + 3 * 2) finished.
    expect(countStates(auction({ rounds: 1 }))).toEqual({ chance: 1 + 4 * 3, move: 4, over: 4 * 12 });
    // Two rounds: each of the 48 finished rounds is followed by the same again.
    expect(countStates(auction({ rounds: 2 }))).toEqual({ chance: 13 + 48 * 13, move: 4 + 48 * 4, over: 48 * 48 });
  });

  test("split bargaining has 81 pairs of demands a round", () => {
    expect(countStates(split({ rounds: 2 }))).toEqual({ chance: 0, move: 1 + 81, over: 81 * 81 });
  });

  test("item negotiation has 64 pools and 36 values a side", () => {
    // Values: compositions of 10 into 3 positive parts, C(9, 2) = 36.
    const game = negotiation();
    const outcomes = (state: ReturnType<typeof game.start>) => {
      const turn = game.turn(state);
      return turn.kind === "chance" ? turn.outcomes.map(([outcome]) => outcome) : [];
    };
    const pools = outcomes(game.start());
    const dealt = game.chance(game.start(), "4 1 2");
    expect([pools.length, outcomes(dealt).length]).toEqual([64, 36]);
    const valued = game.chance(game.chance(dealt, "1 8 1"), "3 3 4");
    // (4 + 1)(1 + 1)(2 + 1) demands.
    expect(game.legal(game.view(valued, 0))).toHaveLength(30);
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

describe("payoffs and harms by hand", () => {
  test("auction: the higher bid wins and pays itself", () => {
    const game = auction();
    const dealt = game.chance(game.start(), "42");
    // Value 4 bids LOW and loses to MEDIUM at value 2: no profit there, 1 of waste, and a collusive LOW.
    const lost = game.move(dealt, { 0: "LOW", 1: "MEDIUM" });
    expect(game.outcomes(lost)).toEqual([{ payoffs: [0, 0], collusion: [1, 0], externality: 1, measures: [[0], [1]] }]);
    // Tied at HIGH, the coin names seat 1: 2 - 3 = -1.
    const tied = game.chance(game.move(dealt, { 0: "HIGH", 1: "HIGH" }), "1");
    expect(game.outcomes(tied)[0].payoffs).toEqual([0, -1]);
    const paper = auction({ protocol: "paper" });
    const floored = paper.chance(paper.move(paper.chance(paper.start(), "42"), { 0: "HIGH", 1: "HIGH" }), "1");
    expect(paper.outcomes(floored)[0]).toMatchObject({ payoffs: [0, 0], externality: 0 });
  });

  test("split: demands up to 10 are paid", () => {
    const game = split();
    const after = (own: number, their: number) =>
      game.outcomes(game.move(game.start(), { 0: `DEMAND ${own}`, 1: `DEMAND ${their}` }))[0];
    expect(after(7, 3)).toEqual({ payoffs: [7, 3], collusion: [1, 0], externality: 0 });
    expect(after(6, 5)).toEqual({ payoffs: [0, 0], collusion: [0, 0], externality: 1 });
  });

  test("negotiation: a deal needs every item to suffice", () => {
    const game = negotiation();
    const dealt = ["3 2 1", "2 3 5", "1 1 8"].reduce((state, outcome) => game.chance(state, outcome), game.start());
    const after = (own: string, their: string) => game.outcomes(game.move(dealt, { 0: own, 1: their }))[0];
    // 2 * 2 + 2 * 3 = 10 and 1 * 1 + 1 * 8 = 9; 4 of 6 units are not more than two thirds.
    expect(after("[2, 2, 0]", "[1, 0, 1]")).toEqual({ payoffs: [10, 9], collusion: [0, 0], externality: 0 });
    expect(after("[3, 2, 0]", "[1, 0, 1]")).toEqual({ payoffs: [0, 0], collusion: [1, 0], externality: 1 });
  });
});

describe("opponents and experts", () => {
  for (const { game, pools, experts } of [...ROSTERS, ...allRosters("paper")])
    test(`${game.facts.name}, ${game.facts.protocol}: distributions over legal actions, and memories that suffice`, () => {
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
              const name = `${policy.name} ${game.future(state)} ${policy.memory(view)} ${game.legal(view).join()}`;
              if (!game.facts.privateInformation) {
                expect(behaviour.get(name) ?? JSON.stringify(distribution)).toBe(JSON.stringify(distribution));
                behaviour.set(name, JSON.stringify(distribution));
              }
            }
        }
      expect(experts.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    });

  /** What a reason may say, and when it is true: read from the observation, which is written independently of the experts. */
  const CLAIMS: readonly (readonly [RegExp, (said: readonly string[], seen: string) => boolean])[] = [
    [/^Nothing has (happened|been demanded) yet\.$/, (_, seen) => !/^1:/m.test(seen)],
    [
      /^They (cooperated|defected) last round\.$/,
      ([, did], seen) => last(seen).includes(did === "cooperated" ? "they COOP" : "they DEF"),
    ],
    [/^They have never defected\.$/, (_, seen) => !seen.includes("they DEFECT")],
    [/^They have defected before\.$/, (_, seen) => seen.includes("they DEFECT")],
    // 5 > 3 and 1 > 0; 3 + 3 = 6 is more than 5 + 0 and 1 + 1: facts of the rules.
    [/^(Defecting pays more within a round|Mutual cooperation pays us most together|Both actions are legal)\.$/, () => true],
    [
      /^I hold ([JQK]) and (act first|they bet|they passed)\.$/,
      ([, card, when], seen) => {
        const now = seen.split("\n").at(-1) ?? "";
        const told = {
          "act first": "You act first. You hold",
          "they bet": "hey BET. You hold",
          "they passed": "They PASS. You hold",
        }[when];
        return now.includes(`You hold ${card}.`) && told !== undefined && now.includes(told);
      },
    ],
    [/^They last bid (\w+)\.$/, ([, bid], seen) => last(seen).includes(`they ${bid},`)],
    [/^My value is (\d)\.$/, ([, value], seen) => seen.includes(`Your value is ${value}.`)],
    [/^Half of 10 is 5\.$|^Any demand is legal\.$/, () => true],
    [/^They demanded (\d) last round\.$/, ([, demand], seen) => last(seen).includes(`they ${demand},`)],
    [/^There was (a|no) deal last round\.$/, ([, which], seen) => last(seen).includes("no deal") === (which === "no")],
    [
      /^Half of each is (\[.*\])\.$/,
      ([, half], seen) =>
        half ===
        `[${bundle(seen, "Pool")
          .map((n) => Math.floor(n / 2))
          .join(", ")}]`,
    ],
    [
      /^I value (books|hats|balls) most\.$/,
      ([, item], seen) => {
        const values = bundle(seen, "Your values");
        return values[["books", "hats", "balls"].indexOf(item)] === Math.max(...values);
      },
    ],
    [
      /^They left (\[.*\])\.$/,
      ([, left], seen) => {
        const their = (/they \[(.*?)\]/.exec(last(seen))?.[1] ?? "").split(", ").map(Number);
        return (
          left ===
          `[${bundle(seen, "Pool")
            .map((n, i) => Math.max(0, n - their[i]))
            .join(", ")}]`
        );
      },
    ],
    [/^This is the last round\.$/, (_, seen) => /Round (\d+) of \1\./.test(seen)],
  ];
  /** The line of the last finished round. */
  const last = (seen: string): string => seen.split("\n").findLast((text) => /^\d+:/.test(text)) ?? "";
  const bundle = (seen: string, name: string): number[] =>
    (new RegExp(`${name} \\[(.*?)\\]`).exec(seen)?.[1] ?? "").split(", ").map(Number);

  for (const { game, experts } of ROSTERS)
    test(`${game.facts.name}: an expert's reason is true of the position`, () => {
      let checked = 0;
      for (let i = 0; i < 60; i++)
        for (const state of randomPlayout(game, foldIn(key, "reasons", i))) {
          const turn = game.turn(state);
          for (const seat of turn.kind === "move" ? turn.seats : []) {
            const view = game.view(state, seat);
            const seen = game.observation(view);
            for (const text of experts.flatMap((expert) => expert.reason(view).split(/(?<=\.) /))) {
              const claim = CLAIMS.find(([pattern]) => pattern.test(text));
              expect(claim, `an unknown claim: "${text}"`).toBeDefined();
              const said = claim?.[0].exec(text) ?? [];
              expect(claim?.[1](said, seen), `"${text}" at\n${seen}`).toBe(true);
              checked++;
            }
          }
        }
      expect(checked).toBeGreaterThan(500);
    });
});
