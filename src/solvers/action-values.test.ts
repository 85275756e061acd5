import { describe, expect, test } from "vitest";
import { startingLogits } from "../audit/estimators.ts";
import type { Game, Policy } from "../games/index.ts";
import { rosterOf } from "../opponents/index.ts";
import { playEpisodes } from "../play/episodes.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { foldIn, seedKey } from "../random.ts";
import { type Decided, type KeyedPolicy, ValuedMatchup } from "./action-values.ts";
import { expectation, softmaxPolicy } from "./expectation.ts";

const opponentNamed = (name: string, opponent: string): Policy => {
  const { pools } = rosterOf(name);
  return Object.values(pools)
    .flat()
    .find((policy) => policy.name === opponent)!;
};

const softmax = (logits: readonly number[]): number[] => {
  const weights = logits.map(Math.exp);
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
};

const play = async (
  game: Game,
  agent: Policy,
  opponent: Policy,
  count: number,
): Promise<(readonly (Decided & { readonly view: unknown })[])[]> => {
  const episodes = await playEpisodes(
    Array.from({ length: count }, (_, i) => ({
      game,
      agent: scriptedPlayer(agent),
      opponent: scriptedPlayer(opponent),
      pool: "train" as const,
      scenario: foldIn(seedKey(5), "scenario", i),
      sampling: foldIn(seedKey(5), "sampling", i),
      id: String(i),
    })),
  );
  return episodes.map(({ decisions }) => decisions);
};

describe("what the agent expects is what the chain says", () => {
  for (const name of ["ipd", "auction", "split", "kuhn"])
    test(name, async () => {
      const roster = rosterOf(name);
      const { game } = roster;
      const logits = startingLogits(roster);
      const agent = softmaxPolicy(game, { key: (view) => game.abstraction(view), logits });
      const keyed: KeyedPolicy = (key) => softmax(logits.get(key)!);
      for (const opponent of roster.pools.train) {
        const values = new ValuedMatchup(game, opponent).values(keyed);
        const { totals } = expectation(game, agent, opponent);
        values.totals.forEach((total, i) => expect(total).toBeCloseTo(totals[i], 9));
        // Within a round of one decision, what is expected of the actions before any of them is known is the mean over what is then known.
        const episodes = await play(game, agent, opponent, 400);
        const first = episodes.map((decisions) => {
          const [actions] = values.along(decisions);
          return agent.act(decisions[0].view).reduce((sum, [, p], a) => sum + p * actions[a][0], 0);
        });
        const mean = first.reduce((a, b) => a + b, 0) / first.length;
        const deviation = Math.sqrt(first.reduce((sum, x) => sum + (x - mean) ** 2, 0) / first.length);
        // 400 keyed episodes; in Kuhn poker hands that end before the agent acts are not among the first decisions.
        if (name !== "kuhn") expect(Math.abs(mean - totals[0])).toBeLessThan((4 * deviation) / 20 + 1e-9);
      }
    });
});

describe("Kuhn poker, chips of the hand, against the equilibrium that bluffs J with 1/3 and always bets K", () => {
  const { game } = rosterOf("kuhn", { options: { hands: 2 } });
  const opponent = opponentNamed("kuhn", "equilibrium");
  const agent = opponentNamed("kuhn", "uniform");
  const keyed: KeyedPolicy = (_key, _round, legal) => legal.map(() => 1 / legal.length);
  /** Q(a) - Q(b) of r at the first decision of this information state. */
  const difference = async (state: string, a: string, b: string): Promise<number> => {
    const values = new ValuedMatchup(game, opponent).values(keyed);
    for (const decisions of await play(game, agent, opponent, 400)) {
      const at = decisions.findIndex(({ view }) => game.abstraction(view) === state);
      if (at < 0) continue;
      const legal = game.legal(decisions[at].view);
      const rewards = values.along(decisions)[at];
      return rewards[legal.indexOf(a)][0] - rewards[legal.indexOf(b)][0];
    }
    throw new Error(`${state} was not met`);
  };

  test("a bet is from J with probability (1/3) / (1/3 + 1), so that Q neither wins nor loses by calling", async () => {
    expect(await difference("Q:B", "CALL", "FOLD")).toBeCloseTo(2 * 0.25 - 2 * 0.75 + 1, 12);
  });
  test("K wins 2 instead of losing the ante", async () => {
    expect(await difference("K:B", "CALL", "FOLD")).toBeCloseTo(3, 12);
    expect(await difference("J:B", "CALL", "FOLD")).toBeCloseTo(-1, 12);
  });
  test("after a pass, which K never does and J with 2/3, Q holds Q against J alone: betting wins no more than passing", async () => {
    // J folds to a bet, and loses the showdown otherwise: 1 chip either way.
    expect(await difference("Q:P", "BET", "PASS")).toBeCloseTo(0, 12);
  });
});

test("what the opponent never does is refused", async () => {
  const { game } = rosterOf("ipd");
  const [agent, other] = [opponentNamed("ipd", "always-cooperate"), opponentNamed("ipd", "always-defect")];
  const [decisions] = await play(game, agent, opponentNamed("ipd", "tit-for-tat"), 1);
  const values = new ValuedMatchup(game, other).values(() => [0.5, 0.5]);
  expect(() => values.along(decisions)).toThrow(/always-defect never leads to what the player knows/);
});
