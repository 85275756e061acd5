/**
 * Evaluating agents by code: two scripted policies of Kuhn poker, each measured against every pool with intervals, its worst
 * case computed exactly, and both compared on the same scenarios. `openAgent(FOLDER)` gives a trained agent instead.
 *
 *     npm run example 05
 */
import { compareAgents, evaluationKey, policyNamed, reportPolicy, rosterOf, simulateAll } from "sepo";

const roster = rosterOf("kuhn");
const names = ["equilibrium", "tight-value"];
const episodes = 400;

for (const name of names) {
  const report = reportPolicy(roster, policyNamed(roster, name), { name, seed: 0, episodes, command: "npm run example 05" });
  const [{ objective, worstCase }] = report.games;
  const { value, low, high } = objective.safetyIndex;
  console.log(
    `${name}: J ${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], ` +
      `exploitability ${worstCase?.exploitability?.value.toFixed(4)} chips per hand (${worstCase?.kind})`,
  );
}

const agents = names.map((name) => ({
  name,
  rosters: [roster],
  measure: () => Promise.resolve(simulateAll(roster, policyNamed(roster, name), evaluationKey(0), { episodes })),
}));
const [{ difference }] = await compareAgents(agents, { seed: 0, episodes });
console.log(
  `J ${names[0]} - J ${names[1]}: ${difference.value.toFixed(3)} [${difference.low.toFixed(3)}, ${difference.high.toFixed(3)}]`,
);
