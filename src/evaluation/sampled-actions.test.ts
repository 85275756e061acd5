import { describe, expect, test } from "vitest";
import { chatModel } from "../models/adapter.ts";
import { rosterOf } from "../opponents/index.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { foldIn, seedKey, uniform } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { bySamples, scoredActions } from "./sampled-actions.ts";

const { game } = rosterOf("ipd");
const [[, view]] = abstractViews(game, [0]);

const say = (tokens: readonly string[], at: number, top: readonly (readonly [string, number])[]) => ({
  logprobs: tokens.map((token, i) => ({
    token,
    logprob: i === at ? Math.log(top.find(([other]) => other === token)?.[1] ?? 1) : 0,
    top: i === at ? top.map(([other, p]) => ({ token: other, logprob: Math.log(p) })) : [],
  })),
});

describe("probabilities at the token that names the action", () => {
  const legal = ["COOPERATE", "DEFECT"];

  test("are those of the alternatives that begin a legal action, relative to each other", () => {
    const answer = say(["Well.", "\n", "DEF", "ECT"], 2, [
      ["DEF", 0.6],
      ["CO", 0.2],
      ["Hm", 0.2],
    ]);
    // 0.2 : 0.6.
    expect(scoredActions(answer, "DEFECT", legal, 1)?.map((p) => p.toFixed(3))).toEqual(["0.250", "0.750"]);
    // At temperature 1/2 they are squared: 0.04 : 0.36.
    expect(scoredActions(answer, "DEFECT", legal, 0.5)?.map((p) => p.toFixed(3))).toEqual(["0.100", "0.900"]);
  });

  test("take the last mention, and a space before it", () => {
    const answer = say(["COOPERATE", "?", " defect"], 2, [
      [" defect", 0.5],
      [" cooperate", 0.25],
      [" Coop", 0.25],
    ]);
    expect(scoredActions(answer, "DEFECT", legal, 1)).toEqual([0.5, 0.5]);
  });

  test("are unknown where a token could begin several actions, none is given, or nothing is drawn", () => {
    const demand = say(["DEM", "AND 1"], 0, [["DEM", 1]]);
    expect(scoredActions(demand, "DEMAND 1", ["DEMAND 1", "DEMAND 2"], 1)).toBeUndefined();
    expect(scoredActions({}, "DEFECT", legal, 1)).toBeUndefined();
    expect(scoredActions(say(["DEFECT"], 0, [["DEFECT", 1]]), "DEFECT", legal, 0)).toBeUndefined();
  });
});

describe("probabilities by repeated answers", () => {
  const positions = Array.from({ length: 50 }, (_, i) => ({ game, view, key: foldIn(seedKey(1), i) }));

  test("count what was done, every sample asked for by itself", async () => {
    let asked = 0;
    const player = chatPlayer(chatModel(() => (uniform(seedKey(2), asked++) < 0.25 ? "DEFECT" : "COOPERATE")));
    const measured = await bySamples(player, { samples: 8 })(positions);
    expect(asked).toBe(400);
    const mean = measured.reduce((sum, { probabilities }) => sum + probabilities[game.legal(view).indexOf("DEFECT")], 0) / 50;
    // Standard error of 400 draws: sqrt(0.25 * 0.75 / 400) = 0.022.
    expect(Math.abs(mean - 0.25)).toBeLessThan(4 * 0.022);
  });

  test("know what is drawn where nothing can be read", async () => {
    const player = chatPlayer(chatModel(() => "no idea"));
    const measured = await bySamples(player, { samples: 2 })(positions.slice(0, 3));
    for (const { probabilities } of measured) expect(probabilities).toEqual([0.5, 0.5]);
  });
});
