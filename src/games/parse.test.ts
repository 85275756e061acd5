import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seedKey } from "../random.ts";
import { fuzzParser } from "./fuzz.ts";
import {
  type Action,
  type Game,
  GAME_NAMES,
  GameError,
  type GameName,
  PARSE_FAILURES,
  gameNamed,
  numberList,
  parse,
  wordAndNumber,
  words,
} from "./index.ts";

/** Legal actions at the first position, after the chance outcomes given. */
function legalAt(game: Game, ...outcomes: readonly string[]): readonly Action[] {
  const state = outcomes.reduce((at, outcome) => game.chance(at, outcome), game.start());
  const turn = game.turn(state);
  return turn.kind === "move" ? game.legal(game.view(state, turn.seats[0])) : [];
}
const LEGAL: Record<GameName, readonly Action[]> = {
  ipd: legalAt(gameNamed("ipd")),
  auction: legalAt(gameNamed("auction"), "24"),
  split: legalAt(gameNamed("split")),
  negotiation: legalAt(gameNamed("negotiation"), "3 2 4", "2 3 5", "1 1 8"),
  kuhn: legalAt(gameNamed("kuhn"), "JK"),
};
const read = (game: GameName, reply: string): string => {
  const parsed = parse(reply, gameNamed(game).grammar, LEGAL[game]);
  if (parsed.status === "ok") return parsed.action;
  return parsed.status === "parse-failure" ? parsed.cause : `illegal ${parsed.action}`;
};

/** Replies and what they say, as a careful reader would judge them: an action, an illegal action, or the cause of a failure. */
const TABLE: Record<GameName, readonly (readonly [reply: string, said: string])[]> = {
  ipd: [
    ["DEFECT", "DEFECT"],
    ["DEFECT\r\n", "DEFECT"],
    ["defect", "DEFECT"],
    ["_DEFECT_", "DEFECT"],
    ["__DEFECT__", "DEFECT"],
    ["**DEFECT**", "DEFECT"],
    ["`DEFECT`", "DEFECT"],
    ['"DEFECT"', "DEFECT"],
    ["\\boxed{DEFECT}", "DEFECT"],
    ["DEFECT.", "DEFECT"],
    ["DEFECT!", "DEFECT"],
    ['{"action":"DEFECT"}', "DEFECT"],
    ["action=DEFECT", "DEFECT"],
    ["<answer>DEFECT</answer>", "DEFECT"],
    ["D\u200bEFECT", "DEFECT"],
    ["DEFECT\u200b", "DEFECT"],
    ["\uFF24\uFF25\uFF26\uFF25\uFF23\uFF34", "DEFECT"],
    ["ＤEFECT", "DEFECT"],
    ["ＣＯＯＰＥＲＡＴＥ", "COOPERATE"],
    ["I choose DEFECT.", "DEFECT"],
    ["DEFECT (DEFECT)", "DEFECT"],
    ["DEFECT DEFECT", "DEFECT"],
    ["If they DEFECT I lose.\n_COOPERATE_", "COOPERATE"],
    // The last line is what a reader sees last, whatever ends the lines.
    ["DEFECT\rCOOPERATE", "COOPERATE"],
    ["DEFECT\u2028COOPERATE", "COOPERATE"],
    ["DEFECT\n```\n", "DEFECT"],
    ["\u0414EFECT", "missing"],
    ["DEFECTing", "missing"],
    ["They may DEFECT again.\nCO-OPERATE", "missing"],
    ["They may DEFECT again.\nCOOPERAT", "missing"],
    ["They may DEFECT.\nCOOPER", "missing"],
    ["D\u0336E\u0336F\u0336E\u0336C\u0336T\u0336", "missing"],
    ["", "missing"],
    [" \n\u200b\n", "missing"],
    ["COOPERATE_DEFECT", "ambiguous"],
    ["If I DEFECT they will punish me, so", "ambiguous"],
    ["If I DEFECT they will punish me, so it is best to", "ambiguous"],
    ["They may DEFECT", "ambiguous"],
    ["They will surely DEFECT. DEFECT", "ambiguous"],
    ["If I DEFECT, they COOPERATE", "ambiguous"],
    ["DEFECT?", "ambiguous"],
    ["DEFECT...", "ambiguous"],
    ["DEFECT\n(I considered COOPERATE)", "ambiguous"],
    ["Finally, DEFECT", "ambiguous"],
    ["I will not DEFECT", "negated"],
    ["Don't DEFECT", "negated"],
    ["Don’t DEFECT", "negated"],
    ["Not COOPERATE", "negated"],
    ["Never DEFECT", "negated"],
    ["No DEFECT", "negated"],
    ["~~DEFECT~~", "negated"],
    ["COOPERATE \u2013 not DEFECT", "negated"],
    ["COOPERATE\n\nNote: never DEFECT first.", "negated"],
    ["They will surely DEFECT.\nSo I refuse to play along and stay kind.", "refused"],
    ["I'm sorry, but I can't take part in this.", "refused"],
    ["I’m sorry, I can’t help with that.\n\nIs there anything else?", "refused"],
    ["As an AI, I have no preference here.", "refused"],
    // Doubt in the reasoning is no refusal.
    ["I cannot know what they do.\nWe shall see", "missing"],
  ],
  split: [
    ["DEMAND 5", "DEMAND 5"],
    ["DEMAND **5**", "DEMAND 5"],
    ["**DEMAND** 5", "DEMAND 5"],
    ["DEMAND: 5", "DEMAND 5"],
    ["DEMAND=5", "DEMAND 5"],
    ["DEMAND = 5", "DEMAND 5"],
    ["DEMAND [5]", "DEMAND 5"],
    ["_DEMAND 5_", "DEMAND 5"],
    ["DEMAND\u00a05", "DEMAND 5"],
    ["DEMAND \uff15", "DEMAND 5"],
    ["DEMAND 5 points.", "DEMAND 5"],
    ["I demand 5.", "DEMAND 5"],
    ["They may DEMAND 7.\nDEMAND: 5", "DEMAND 5"],
    ["They may DEMAND 9.\nDEMAND **4**", "DEMAND 4"],
    ["DEMAND 12", "out-of-range"],
    ["DEMAND 55", "out-of-range"],
    ["DEMAND 10", "out-of-range"],
    ["DEMAND 0", "out-of-range"],
    ["DEMAND 05", "out-of-range"],
    ["DEMAND 5.5", "out-of-range"],
    ["DEMAND 5,5", "out-of-range"],
    ["DEMAND -5", "out-of-range"],
    ["DEMAND \u22125", "out-of-range"],
    ["DEMAND 5/10", "out-of-range"],
    ["DEMAND 5%", "out-of-range"],
    ["DEMAND 1,000", "out-of-range"],
    ["DEMAND 5e0", "out-of-range"],
    ["DEMAND 5th", "out-of-range"],
    ["DEMAND 999999999999999999999999", "out-of-range"],
    ["DEMAND 5 or 6", "ambiguous"],
    ["DEMAND 5-6", "ambiguous"],
    ["DEMAND 5 to 7", "ambiguous"],
    ["DEMAND 6, no wait, 4", "ambiguous"],
    ["DEMAND 1 0", "ambiguous"],
    ["DEMAND 9 - 4", "ambiguous"],
    ["DEMAND 5\u00b2", "ambiguous"],
    ["DEMAND <5>", "ambiguous"],
    ["DEMAND > 5", "ambiguous"],
    ["DEMAND at least 5", "ambiguous"],
    ["DEMAND #5", "ambiguous"],
    ["DEMAND ~5", "ambiguous"],
    ["DEMAND five", "missing"],
    ["They may DEMAND 9.\nDEMAND four", "missing"],
    ["I think they DEMAND 6 so\n5", "missing"],
    ["don't DEMAND 9", "negated"],
  ],
  negotiation: [
    ["[1,0,2]", "[1, 0, 2]"],
    ["**[1, 0, 2]**", "[1, 0, 2]"],
    ["My demand: [1, 0, 2]", "[1, 0, 2]"],
    ["I demand [1, 0, 2].", "[1, 0, 2]"],
    ['["1","0","2"]', "[1, 0, 2]"],
    ["[books: 1, hats: 0, balls: 2]", "[1, 0, 2]"],
    ['{"books":1,"hats":0,"balls":2}', "[1, 0, 2]"],
    ["\\[1, 0, 2\\]", "[1, 0, 2]"],
    // The pool has two hats.
    ["[1, 3, 2]", "illegal [1, 3, 2]"],
    ["[9, 0, 0]", "illegal [9, 0, 0]"],
    ["[1, 0, 2, 3]", "out-of-range"],
    ["[-1, 0, 2]", "out-of-range"],
    ["[1, 0, 2.5]", "out-of-range"],
    ["[1,000, 0, 2]", "out-of-range"],
    ["[1 0 2]", "ambiguous"],
    ["[1; 0; 2]", "ambiguous"],
    ["[1, 0, 2", "ambiguous"],
    ["[1, 0, 2,]", "ambiguous"],
    ['{"hats":0,"books":1,"balls":2}', "missing"],
    ["There are [3, 2, 4] items, I could", "ambiguous"],
    ["[1, 0, 2] or [1, 1, 2]", "ambiguous"],
    ["They will want [3, 2, 4]", "ambiguous"],
    ["I will not take [1, 0, 2]", "negated"],
    ["(1, 0, 2)", "missing"],
    ["The pool is [4, 4, 4], so a fair half is\n(1, 0, 1)", "missing"],
    ["The pool is [3, 2, 4] and my values are [2, 3, 5].\nI ask for one book and two balls.", "missing"],
  ],
  kuhn: [
    ["_BET_", "BET"],
    ["Bet.", "BET"],
    ["I pass.", "PASS"],
    ["CHECK", "missing"],
    ["CALL", "illegal CALL"],
    ["I fold", "illegal FOLD"],
    ["I bet they fold\nPASS", "PASS"],
    ["PASS\nGood call.", "ambiguous"],
    ["You bet I do", "ambiguous"],
    ["All-in: BET 1 chip", "ambiguous"],
    ["BET.\n\n(They will FOLD.)", "ambiguous"],
    ["PASS or BET?", "ambiguous"],
    ["ALPHABET PASSING", "missing"],
    ["I would not bet on it", "negated"],
  ],
  auction: [
    ["_LOW_", "LOW"],
    ["I bid LOW.", "LOW"],
    ["My bid: **HIGH**", "HIGH"],
    ["My value is high.\nBid the middle", "missing"],
    ["My value is high", "ambiguous"],
    ["Demand is high", "ambiguous"],
    ["LOW\nHigh hopes!", "ambiguous"],
    ["The stakes are low", "ambiguous"],
    ["So low.", "ambiguous"],
    ["So, LOW.", "LOW"],
    ["So I bid low.", "LOW"],
    ["Okay, my bid is LOW.", "LOW"],
    ["BID LOW, not HIGH", "negated"],
  ],
};

describe("parse reads the last line as a careful reader does", () => {
  for (const name of GAME_NAMES)
    test.each(TABLE[name])(`${name}: %j says %s`, (reply, said) => {
      expect(read(name, reply)).toBe(said);
    });

  test("every cause but the cut is in the table", () => {
    const causes = new Set(GAME_NAMES.flatMap((name) => TABLE[name].map(([, said]) => said)));
    for (const cause of PARSE_FAILURES) expect(causes.has(cause)).toBe(cause !== "cut");
  });

  test("a reply that was cut, or whose thinking did not end, is cut", () => {
    const { grammar } = gameNamed("split");
    for (const parsed of [
      parse("DEMAND 1", grammar, LEGAL.split, { cut: true }),
      parse(undefined, grammar, LEGAL.split),
      parse("I'm sorry, I can't", grammar, LEGAL.split, { cut: true }),
    ])
      expect(parsed).toMatchObject({ status: "parse-failure", cause: "cut" });
  });

  test("a failure says in words what was read and what is expected", () => {
    const { grammar } = gameNamed("split");
    expect(parse("DEMAND 12", grammar, LEGAL.split)).toEqual({
      status: "parse-failure",
      cause: "out-of-range",
      reason:
        'the last line "DEMAND 12" names no action of the game: DEMAND takes a whole number from 1 to 9; ' +
        "expected DEMAND and a whole number from 1 to 9, for example DEMAND 5, alone on that line",
    });
    expect(parse("CALL", gameNamed("kuhn").grammar, LEGAL.kuhn)).toEqual({
      status: "illegal-action",
      action: "CALL",
      reason: "CALL is not legal here; expected PASS or BET",
    });
  });
});

describe("written replies", () => {
  for (const name of GAME_NAMES)
    test(`${name}: no reply is read as another action than the one that its last line states`, () => {
      const { counts, misreadings } = fuzzParser(gameNamed(name), 5000, seedKey(3));
      expect(misreadings).toEqual([]);
      // A quarter of the replies each: a writer that writes nothing would prove nothing.
      for (const reading of ["decorated ok", "cut cut"]) expect(counts.get(reading)).toBeGreaterThan(1000);
      const distorted = [...counts].filter(([reading]) => reading.startsWith("distorted"));
      expect(distorted.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(1000);
    });

  const parts = fc.constantFrom(
    ..."DEFECT COOPERATE DEMAND 5 12 [ ] , . ! ? ** _ ` ~~ ' # > - : = not never I They if or the action is final my\n".split(
      / /,
    ),
  );
  test("never throws, and reads only what stands on the last line", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(parts).map((all) => all.join(" ")),
        ),
        (reply) => {
          for (const name of GAME_NAMES) {
            const parsed = parse(reply, gameNamed(name).grammar, LEGAL[name]);
            if (parsed.status === "parse-failure") {
              expect(PARSE_FAILURES).toContain(parsed.cause);
              continue;
            }
            const last = reply
              .normalize("NFKC")
              .trimEnd()
              .split(/[\n\r\u2028\u2029\u0085\v\f]/);
            const letters = (text: string) => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
            expect(letters(last.filter((line) => letters(line) !== "").at(-1) ?? "")).toContain(letters(parsed.action));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("time grows with the length of a reply, not with its square", () => {
    // Inputs that make backtracking or repeated scanning show: 200,000 characters each; a square would take minutes.
    for (const piece of ["[1,", "DEMAND ", "I will ", "( ", "~~", "\n", "\u200b", "DEFECT ", "{books:", "my action is "])
      for (const name of GAME_NAMES)
        expect(parse(piece.repeat(200_000 / piece.length), gameNamed(name).grammar, LEGAL[name]).status).not.toBe(
          "illegal-action",
        );
  });
});

describe("grammars of games written elsewhere", () => {
  test("words may be phrases in any case, and the longer one wins", () => {
    const grammar = words(["Hold", "Hold back", "Raise 2"]);
    const say = (reply: string) => parse(reply, grammar, ["Hold", "Hold back", "Raise 2"]);
    expect(say("hold back")).toEqual({ status: "ok", action: "Hold back" });
    expect(say("**HOLD**")).toEqual({ status: "ok", action: "Hold" });
    expect(say("raise  2.")).toEqual({ status: "ok", action: "Raise 2" });
    expect(say("Raise 20")).toMatchObject({ status: "parse-failure" });
  });

  test("what cannot be told apart is refused", () => {
    expect(() => words(["YES", "yes"])).toThrow(new GameError('words: the actions "YES" and "yes" read alike'));
    expect(() => words(["*"])).toThrow(GameError);
    expect(() => wordAndNumber({ word: "BID UP", least: 0, most: 3 })).toThrow(GameError);
    expect(() => wordAndNumber({ word: "BID", least: 3, most: 0 })).toThrow(GameError);
    expect(() => numberList({ names: [] })).toThrow(GameError);
  });

  test("lists have the length and the bounds of their names", () => {
    const grammar = numberList({ names: ["gold", "silver"], most: 3 });
    const say = (reply: string) => parse(reply, grammar, ["[3, 0]"]);
    expect(say("[gold = 3, silver = 0]")).toEqual({ status: "ok", action: "[3, 0]" });
    expect(say("[4, 0]")).toMatchObject({ cause: "out-of-range" });
    expect(say("[3]")).toMatchObject({ cause: "out-of-range" });
    expect(grammar.description).toBe("[gold, silver] in whole numbers, for example [0, 0]");
  });
});
