/** Actions chosen number by number: exactly the legal ones can be written. */
import { expect, test } from "vitest";
import { GAME_NAMES, gameNamed } from "../../games/index.ts";
import { MOST_BUTTONS, type NumberChoice, numberChoice } from "./choices.ts";

/** Every action that a choice can write. */
function writable({ fields, write }: NumberChoice): readonly string[] {
  let rows: readonly (readonly number[])[] = [[]];
  for (const { least, most } of fields)
    rows = rows.flatMap((row) => Array.from({ length: most - least + 1 }, (_, i) => [...row, least + i]));
  return rows.map((row) => write(row));
}

test("a negotiation's demands are three numbers with the names of the items", () => {
  const game = gameNamed("negotiation");
  let state = game.start();
  for (let turn = game.turn(state); turn.kind === "chance"; turn = game.turn(state))
    state = game.chance(state, turn.outcomes[turn.outcomes.length - 1][0]);
  const legal = game.legal(game.view(state, 0));
  const choice = numberChoice(legal, game.grammar.description);
  expect(choice?.fields.map(({ label }) => label)).toEqual(["books", "hats", "balls"]);
  expect(writable(choice!).toSorted()).toEqual(legal.toSorted());
});

test("shares are one number", () => {
  const legal = Array.from({ length: 9 }, (_, i) => `DEMAND ${i + 1}`);
  const choice = numberChoice(legal, "DEMAND and a whole number");
  expect(choice?.fields).toEqual([{ label: "number", least: 1, most: 9 }]);
  expect(writable(choice!)).toEqual(legal);
});

test("words, gaps and mixtures have no such choice", () => {
  expect(numberChoice(["COOPERATE", "DEFECT"], "")).toBeUndefined();
  expect(numberChoice(["DEMAND 1", "DEMAND 3"], "")).toBeUndefined();
  expect(numberChoice(["DEMAND 1", "OFFER 2"], "")).toBeUndefined();
});

test("every game can be chosen in one way or the other", () => {
  for (const name of GAME_NAMES) {
    const game = gameNamed(name);
    let state = game.start();
    for (let turn = game.turn(state); turn.kind === "chance"; turn = game.turn(state))
      state = game.chance(state, turn.outcomes[0][0]);
    const legal = game.legal(game.view(state, 0));
    expect(legal.length <= MOST_BUTTONS || numberChoice(legal, game.grammar.description) !== undefined).toBe(true);
  }
});
