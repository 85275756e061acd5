/**
 * A game of your own: the Chicken of docs/adding-a-game.md as one module. The same file can be named in a configuration
 * (`games = ["./chicken.js"]`); here it is solved and a table is trained on it.
 *
 *     npm run example 03
 */
import { TabularEngine, modelPlayer, reportAgent, sepo, tableEncoding, tableVocabulary, seedKey } from "sepo";
import { exactJ, optimum } from "sepo/solvers";
import { parseConfig } from "sepo/runs";
import { roster } from "./chicken.ts";

console.log(
  `J* ${optimum(roster).value.toFixed(3)}, J of ${roster.reference.name} ${exactJ(roster, roster.reference).toFixed(3)}`,
);

const vocabulary = tableVocabulary([roster.game]);
const encoding = tableEncoding(vocabulary);
const engine = new TabularEngine({ rows: vocabulary.rows, vocabularySize: encoding.vocabularySize });
const sampling = { temperature: 1, maxTokens: 1, stop: encoding.stop };
const settings = parseConfig({
  engine: { kind: "tabular" },
  sepo: { steps: 40, groupSize: 8, learningRate: 0.1, beta: 0 },
}).sepo;

for await (const { state, metrics } of sepo({ engine, encoding, sampling, rosters: [roster] }, settings, seedKey(0)))
  if (state.step % 10 === 0) console.log(`step ${state.step}: J of the rollout ${metrics["chicken/safety_index"].toFixed(3)}`);

const model = { sampler: engine, encoding, sampling };
const report = await reportAgent(
  [roster],
  { player: modelPlayer("table", model), model },
  {
    name: "table",
    seed: 0,
    episodes: 200,
    command: "npm run example 03",
  },
);
console.log(`J after training ${report.games[0].objective.safetyIndex.value.toFixed(3)}`);
