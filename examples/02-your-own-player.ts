/**
 * A player of your own: anything that answers a view with an action can sit at the table, be it a rule, a program or a call
 * to a service. This one is "generous": it forgives every third defection. It is measured like any other agent.
 *
 *     npm run example 02
 */
import { type Decision, type DecisionRequest, type Player, reportAgent, rosterOf } from "sepo";
import { parse } from "sepo/games";
import type { IpdView } from "sepo/games/ipd";

const isIpd = (view: unknown): view is IpdView => typeof view === "object" && view !== null && "played" in view;

function decide({ game, view }: DecisionRequest): Decision {
  const defections = isIpd(view) ? view.played.filter(({ their }) => their === "DEFECT").length : 0;
  const last = isIpd(view) ? view.played.at(-1)?.their : undefined;
  const reply = last === "DEFECT" && defections % 3 !== 0 ? "They defected.\nDEFECT" : "I stay friendly.\nCOOPERATE";
  // `parse` is the only bridge from text to an action; what it cannot read it explains.
  const parsed = parse(reply, game.grammar, game.legal(view));
  if (parsed.status !== "ok") throw new Error(parsed.reason);
  return { action: parsed.action, parsed };
}

const player: Player = { name: "forgives every third", decide: (requests) => Promise.resolve(requests.map(decide)) };

const report = await reportAgent(
  [rosterOf("ipd")],
  { player },
  {
    name: player.name,
    seed: 0,
    episodes: 200,
    command: "npm run example 02",
  },
);
const [{ objective, worstCase }] = report.games;
const shown = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
console.log(`J ${shown(objective.safetyIndex)}`);
if (worstCase !== undefined) console.log(`worst case q - r ${shown(worstCase.advantage)} (${worstCase.kind})`);
