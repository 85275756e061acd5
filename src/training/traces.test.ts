import { describe, expect, test } from "vitest";
import { parse } from "../games/index.ts";
import { allRosters } from "../opponents/index.ts";
import { seedKey } from "../random.ts";
import { expertTraces } from "./traces.ts";

describe("supervised traces", () => {
  for (const roster of allRosters())
    test(`${roster.game.facts.name}: legal answers, split by episode, experts in their shares, no held-out opponent`, async () => {
      const { game, pools, experts } = roster;
      const traces = await expertTraces(roster, seedKey(3), { examples: 4000, actions: "experts" });
      expect(traces.length).toBeGreaterThanOrEqual(4000);
      const heldOut = new Set(pools["held-out"].map(({ name }) => name));
      const splits = new Map<number, string>();
      for (const { messages, view, action, episode, split, opponent } of traces) {
        // An opponent may have the name of a held-out one only if it plays in another pool too.
        if (heldOut.has(opponent)) expect(pools.train.map(({ name }) => name)).toContain(opponent);
        expect(splits.get(episode) ?? split).toBe(split);
        splits.set(episode, split);
        const parsed = parse(messages[2].content, game.grammar, game.legal(view));
        expect(parsed).toEqual({ status: "ok", action });
      }
      const episodes = new Map(traces.map(({ episode, expert }) => [episode, expert]));
      for (const { policy, weight } of experts) {
        const share = [...episodes.values()].filter((name) => name === policy.name).length / episodes.size;
        // Four standard errors of a share of at least 400 episodes.
        expect(Math.abs(share - weight)).toBeLessThan(4 * Math.sqrt((weight * (1 - weight)) / episodes.size));
      }
      const validation = [...splits.values()].filter((split) => split === "validation").length / splits.size;
      expect(Math.abs(validation - 0.2)).toBeLessThan(4 * Math.sqrt(0.16 / splits.size));
    });
});
