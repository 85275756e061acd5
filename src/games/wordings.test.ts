import { expect, test } from "vitest";
import { seedKey } from "../random.ts";
import { gameConformance, randomPlayout } from "./conformance.ts";
import { type Game, GAME_NAMES, GAME_OPTIONS, WORDINGS, describeSettings, gameNamed } from "./index.ts";

const OTHERS = WORDINGS.filter((wording) => wording !== "standard");
const worded = (name: string, wording: string, options: Readonly<Record<string, unknown>> = {}): Game =>
  gameNamed(name, { options: { ...options, wording } });

/** Rules, and what both seats read at the third of their turns. */
function excerpt(game: Game): string {
  const states = randomPlayout(game, seedKey(3)).filter((state) => game.turn(state).kind === "move");
  const state = states[2];
  const turn = game.turn(state);
  const seats = turn.kind === "move" ? turn.seats : [];
  return [game.rules, ...seats.map((seat) => game.observation(game.view(state, seat)))].join("\n\n");
}

/** What words can break; everything else is shown to be the standard game's below. */
const OF_WORDS = ["the rules say how to answer", "a view and its observation are functions of the information state"];

for (const name of GAME_NAMES)
  for (const wording of OTHERS) {
    const checks = gameConformance(worded(name, wording), seedKey(11)).filter((check) => OF_WORDS.includes(check.name));
    test(`${name} in ${wording} words keeps the contract`, () => {
      expect(checks).toHaveLength(OF_WORDS.length);
      for (const check of checks) check.run();
    });
  }

// Golden text: read the difference before accepting it with `npx vitest run -u`; a change here changes prompts and numbers.
test("the wordings say what is written down", async () => {
  const all = GAME_NAMES.flatMap((name) => WORDINGS.map((one) => `== ${name}, ${one}\n${excerpt(worded(name, one))}\n`));
  await expect(all.join("\n")).toMatchFileSnapshot("./wordings.golden.txt");
});

test.each(GAME_NAMES)("%s differs in nothing but its words", (name) => {
  const standard = gameNamed(name);
  const rules = new Set(WORDINGS.map((wording) => worded(name, wording).rules));
  expect(rules.size).toBe(WORDINGS.length);
  for (const wording of OTHERS) {
    const game = worded(name, wording);
    expect(describeSettings(game.facts)).toBe(`wording "${wording}"`);
    expect({ ...game.facts, options: {} }).toEqual(standard.facts);
    const [own, usual] = [game, standard].map((one) => randomPlayout(one, seedKey(5)));
    expect(own).toEqual(usual);
    const last = own[own.length - 1];
    expect(game.outcomes(last)).toEqual(standard.outcomes(last));
  }
  expect(worded(name, "standard")).toBe(standard);
  expect(() => worded(name, "shouted")).toThrow("wording");
});

test.each(OTHERS)("options are told in %s words", (wording) => {
  for (const name of ["ipd", "auction", "split", "negotiation"])
    expect(worded(name, wording, { rounds: 3 }).rules).toMatch(/\b3\b/);
  expect(worded("kuhn", wording, { hands: 4 }).rules).toMatch(/\b4\b/);
  expect(worded("ipd", wording, { payoffs: { R: 4, T: 7, S: -1, P: 2 } }).rules).toMatch(/4.*2.*7.*-1/s);
  expect(worded("ipd", wording, { continuation: 0.5 }).rules).not.toMatch(/\b8\b/);
  expect(GAME_OPTIONS.ipd.shape.wording.description).toMatch(/words/);
});
