import { expect, test } from "vitest";
import type { Loss, LossResult, PpoExample } from "../engines/engine.ts";
import { TabularEngine } from "../engines/tabular/engine.ts";
import { rosterOf } from "../opponents/index.ts";
import { tableEncoding, tableVocabulary } from "../play/encoding.ts";
import { modelPlayer } from "../play/players/model.ts";
import { seedKey } from "../random.ts";
import { parseConfig } from "../runs/config.ts";
import { rollout } from "./rollout.ts";
import { learn } from "./sepo.ts";
import type { BatchGroup } from "./stream.ts";

const roster = rosterOf("kuhn");
const vocabulary = tableVocabulary([roster.game]);
const encoding = tableEncoding(vocabulary);
const { sepo } = parseConfig({ sepo: { scenarios: 1, groupSize: 4, beta: 0 } });
const sampling = { temperature: 1, maxTokens: 1, stop: encoding.stop };

/** What an engine is asked to learn. */
class Recording extends TabularEngine {
  readonly examples: PpoExample[] = [];
  override accumulate(loss: Loss): Promise<LossResult> {
    if (loss.kind === "ppo") this.examples.push(...loss.examples);
    return super.accumulate(loss);
  }
}
const engineOf = () => new Recording({ rows: vocabulary.rows, vocabularySize: encoding.vocabularySize });

/** Advantages that the engine learns from, by the logprobs array of each decision, which stays the same object. */
async function learned(groups: readonly BatchGroup[], planned: number, rosters = [roster]) {
  const engine = engineOf();
  const agent = { engine, encoding, sampling, rosters };
  await learn(agent, { groups, planned, late: 0, dropped: 0 }, sepo, seedKey(3), { step: 0, gaps: {} });
  return new Map(engine.examples.map(({ logprobs, advantages }) => [logprobs, advantages[0]]));
}

test("groups weigh the same among each other in whichever batch they come, and when exploiters have joined since", async () => {
  const player = modelPlayer("agent", { sampler: engineOf(), encoding, sampling });
  const groups = (await rollout([roster], player, seedKey(1), sepo)).map((group) => ({ ...group, staleness: 0 }));
  const whole = await learned(groups, groups.length);
  const more = { ...roster, pools: { ...roster.pools, exploiter: [...roster.pools.exploiter, ...roster.pools.train] } };
  // Both parts have groups of every pool.
  const parts = [groups.filter((_, i) => i % 2 === 0), groups.filter((_, i) => i % 2 === 1)];
  for (const part of parts)
    for (const rosters of [[roster], [more]]) {
      const own = await learned(part, groups.length, rosters);
      const ratios = [...own]
        .map(([decision, advantage]) => advantage / whole.get(decision)!)
        .filter((x) => Number.isFinite(x));
      expect(ratios.length).toBeGreaterThan(10);
      for (const ratio of ratios) expect(ratio / ratios[0]).toBeCloseTo(1, 9);
      // What is left is common to the part: its root mean square, and its share of decisions with a signal.
    }
});
