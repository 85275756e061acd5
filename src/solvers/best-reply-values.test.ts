/** Values of actions at positions, by hand and beside the best response. */
import { describe, expect, test } from "vitest";
import { type Game, GameError, type Policy, type Seat, choose } from "../games/index.ts";
import { policyNamed, rosterOf } from "../opponents/index.ts";
import { seedKey, uniform } from "../random.ts";
import { type PastDecision, bestReplyValues } from "./best-reply-values.ts";
import { bestResponseValue } from "./best-response.ts";

/** The player's positions in an episode of `first` in seat 0 against `opponent`. */
function positionsOf(game: Game, first: Policy, opponent: Policy, seed: number) {
  const past: PastDecision[] = [];
  const positions: { past: readonly PastDecision[]; informationState: string; action: string }[] = [];
  let state = game.start();
  for (let step = 0; ; step++) {
    const turn = game.turn(state);
    if (turn.kind === "over") return positions;
    if (turn.kind === "chance") {
      state = game.chance(state, choose(turn.outcomes, uniform(seedKey(seed), step)));
      continue;
    }
    const moves: Partial<Record<Seat, string>> = {};
    for (const seat of turn.seats)
      moves[seat] = choose(
        (seat === 0 ? first : opponent).act(game.view(state, seat)),
        uniform(seedKey(seed + 1), 2 * step + seat),
      );
    if (moves[0] !== undefined) {
      const informationState = game.informationState(game.view(state, 0));
      positions.push({ past: [...past], informationState, action: moves[0] });
      past.push({ informationState, action: moves[0] });
    }
    state = game.move(state, moves);
  }
}

test("against tit-for-tat the last rounds are arithmetic", () => {
  const roster = rosterOf("ipd");
  const opponent = policyNamed(roster, "tit-for-tat");
  const cooperator = policyNamed(roster, "always-cooperate");
  const positions = positionsOf(roster.game, cooperator, opponent, 1);
  const valuesAt = (round: number) => {
    const { past, informationState } = positions[round - 1];
    return Object.fromEntries(
      bestReplyValues(roster.game, opponent, 0, past, informationState).map(({ action, value }) => [action, value]),
    );
  };
  // In round 8 it cooperates: 3 or 5. In round 7: 3 and then 5, or 5 and then 1 (it defects, and so does the player).
  expect(valuesAt(8)).toEqual({ COOPERATE: 3, DEFECT: 5 });
  expect(valuesAt(7)).toEqual({ COOPERATE: 8, DEFECT: 6 });
});

describe.each([
  ["ipd", "generous-tit-for-tat"],
  ["auction", undefined],
  ["split", undefined],
  ["kuhn", undefined],
] as const)("%s", (name, named) => {
  const roster = rosterOf(name);
  const opponent = named === undefined ? roster.pools.train[0] : policyNamed(roster, named);
  const positions = positionsOf(roster.game, roster.reference, opponent, 7);

  test("the best first action is worth the best response, where nothing is drawn before it", () => {
    const first = positions[0];
    const values = bestReplyValues(roster.game, opponent, 0, [], first.informationState).map(({ value }) => value);
    const turn = roster.game.turn(roster.game.start());
    if (turn.kind !== "chance") expect(Math.max(...values)).toBeCloseTo(bestResponseValue(roster.game, opponent, 0), 9);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test("at the last position only one round is left", () => {
    const last = positions[positions.length - 1];
    const [least, most] = roster.game.facts.payoffBounds;
    for (const { value } of bestReplyValues(roster.game, opponent, 0, last.past, last.informationState)) {
      expect(value).toBeGreaterThanOrEqual(least);
      expect(value).toBeLessThanOrEqual(most);
    }
  });
});

test("with a card the values average to the best response", () => {
  const roster = rosterOf("kuhn", { options: { hands: 2 } });
  const opponent = roster.pools.train[0];
  // Each card comes with probability 1/3; the first seat moves first in the first hand.
  const best = ["J", "Q", "K"].map((card) =>
    Math.max(...bestReplyValues(roster.game, opponent, 0, [], card).map(({ value }) => value)),
  );
  expect((best[0] + best[1] + best[2]) / 3).toBeCloseTo(bestResponseValue(roster.game, opponent, 0), 9);
});

test("a position that the opponent never allows is refused", () => {
  const { game, pools } = rosterOf("split");
  expect(() => bestReplyValues(game, pools.train[0], 0, [], "nonsense")).toThrow(GameError);
});
