import { describe, expect, test } from "vitest";
import { assignCredit } from "../objective/credit.ts";
import { type Roster, rosterOf } from "../opponents/index.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { seedKey } from "../random.ts";
import { softmaxPolicy } from "../solvers/expectation.ts";
import { exactObjective } from "./audit.ts";
import { judgeEstimators, startingLogits } from "./estimators.ts";
import { rollout } from "../training/rollout.ts";
import { creditSettings } from "../training/decision-credit.ts";

const agentOf = (roster: Roster) => ({ key: (view: unknown) => roster.game.abstraction(view), logits: startingLogits(roster) });

describe("the gradient of J", () => {
  for (const game of ["ipd", "kuhn"])
    test(`${game}: enumeration agrees with central differences of J`, () => {
      const roster = rosterOf(game);
      const agent = agentOf(roster);
      const { gradient } = exactObjective(roster, agent);
      for (const [key, row] of agent.logits) {
        const at = row[0];
        row[0] = at + 1e-5;
        const above = exactObjective(roster, agent).value;
        row[0] = at - 1e-5;
        const below = exactObjective(roster, agent).value;
        row[0] = at;
        expect(gradient.get(key)?.[0] ?? 0).toBeCloseTo((above - below) / 2e-5, 6);
      }
    });

  // `sepo audit --game ipd --batches 300` prints the same with more rollouts.
  for (const [game, batches] of [
    ["ipd", 60],
    ["kuhn", 400],
  ] as const)
    test(
      `${game}: of the sampled estimators only the objective points along it, and the expected credit does with less noise`,
      { timeout: 120_000 },
      async () => {
        const rows = new Map((await judgeEstimators(rosterOf(game), batches)).map((row) => [row.name, row]));
        expect(rows.get("objective")?.cosine).toBeGreaterThanOrEqual(0.99);
        expect(rows.get("payoff")?.cosine).toBeLessThan(0.95);
        // Mean of squared z scores: 1 when the expectation is zero; 5 or more free parameters, so 4 is beyond chance.
        expect(rows.get("paper, penalty part alone")?.significance).toBeLessThan(4);
        expect(rows.get("objective, harms alone")?.significance).toBeGreaterThan(20);
        expect(rows.get("expected")?.cosine).toBeGreaterThanOrEqual(0.999);
        expect(rows.get("expected")?.significance).toBeGreaterThan(1.5 * (rows.get("objective")?.significance ?? 0));
      },
    );
});

describe("credit", () => {
  const groupsOf = (roster: Roster) =>
    rollout([roster], scriptedPlayer(softmaxPolicy(roster.game, agentOf(roster))), seedKey(4), { scenarios: 2, groupSize: 8 });

  for (const game of ["ipd", "kuhn"])
    test(`${game}: shared equals payoff only, and le cancels in group-normalized`, async () => {
      const groups = await groupsOf(rosterOf(game));
      const settings = creditSettings(rosterOf(game).game.facts, 0);
      const close = (a: ReturnType<typeof assignCredit>, b: ReturnType<typeof assignCredit>) =>
        a.forEach((rows, g) => rows.forEach((row, i) => row.forEach((x, t) => expect(x).toBeCloseTo(b[g][i][t], 9))));
      close(assignCredit(groups, settings, { credit: "shared" }), assignCredit(groups, settings, { credit: "payoff" }));
      const withWeight = (exploitability: number, credit: "group-normalized" | "objective") =>
        assignCredit(groups, { ...settings, weights: { ...settings.weights, exploitability } }, { credit });
      close(withWeight(0.5, "group-normalized"), withWeight(8, "group-normalized"));
      expect(withWeight(0.5, "objective")).not.toEqual(withWeight(8, "objective"));
    });

  test("a group has the same share of J in whichever batch it comes", async () => {
    const groups = await groupsOf(rosterOf("ipd"));
    const settings = creditSettings(rosterOf("ipd").game.facts, 1);
    const count = (name: string) => groups.filter(({ pool }) => pool === name).length;
    const sizes = { train: count("train"), exploiter: count("exploiter"), collusive: count("collusive") };
    const gaps = new Map(groups.map(({ opponent }) => [opponent, 1]));
    const whole = assignCredit(groups, settings, { gaps });
    const parts = [groups.slice(0, 3), groups.slice(3)].flatMap((part) =>
      assignCredit(part, settings, { gaps, sizes: part.map(() => sizes) }),
    );
    expect(parts).toEqual(whole);
    expect(assignCredit(groups.slice(0, 3), settings, { gaps })).not.toEqual(whole.slice(0, 3));
  });

  test("a soft hinge charges half at a gap of zero, and the hinge itself is its limit", async () => {
    const groups = (await groupsOf(rosterOf("ipd"))).filter(({ pool }) => pool === "exploiter");
    const settings = creditSettings(rosterOf("ipd").game.facts, 0);
    const charged = (gap: number, hingeWidth: number) =>
      assignCredit(groups, settings, {
        terms: ["exploitability"],
        gaps: new Map(groups.map(({ opponent }) => [opponent, gap])),
        hingeWidth,
      }).flat(2);
    const open = charged(1, 0);
    charged(0, 0.2).forEach((x, i) => expect(x).toBeCloseTo(open[i] / 2, 6));
    charged(1, 1e-3).forEach((x, i) => expect(x).toBeCloseTo(open[i], 9));
    for (const x of charged(-1, 1e-3)) expect(x).toBeCloseTo(0, 9);
    for (const x of charged(-1, 0)) expect(x).toBeCloseTo(0, 12);
  });

  test("leave-one-out baselines sum to zero over a group", async () => {
    const groups = await groupsOf(rosterOf("ipd"));
    for (const rows of assignCredit(groups, creditSettings(rosterOf("ipd").game.facts, 0)))
      for (let t = 0; t < 8; t++) expect(rows.reduce((sum, row) => sum + row[t], 0)).toBeCloseTo(0, 12);
  });
});
