/** What of a report is compared between agents and averaged over seeds: each a number per game, and how it is made of the report. */
import { GAME_NAMES } from "../games/index.ts";
import { rosterOf } from "../opponents/index.ts";
import type { AgentReport } from "./report.ts";
import type { OpponentReport } from "./evaluate.ts";
import { mean } from "../stats/estimate.ts";
import type { Range } from "../stats/measurement.ts";

export type ReportOfGame = AgentReport["games"][number];

export const QUANTITY_NAMES = [
  "safetyIndex",
  "tableIndex",
  "utility",
  "poolAdvantage",
  "collusion",
  "externality",
  "worstCase",
  "payoff",
  "robustness",
  "heldOut",
  "relativeAdvantage",
  "relativeAdvantageAll",
  "welfare",
  "securityShortfall",
  "exploitability",
  "regret",
  "unreadable",
  "standardIndex",
] as const;
export type QuantityName = (typeof QUANTITY_NAMES)[number];

const POSITIVE: Range = [0, Infinity];
const SHARE: Range = [0, 1];

export interface Quantity {
  /** Head of its column. */
  readonly head: string;
  /** What it can be; any number unless given. */
  readonly range?: Range;
  /** Undefined where the report does not have it. */
  of(report: ReportOfGame): number | undefined;
}

/** Mean over the train opponents that have the value, each equally. */
const inTraining =
  (value: (row: OpponentReport) => number | undefined) =>
  ({ opponents }: ReportOfGame): number | undefined => {
    const found = opponents.flatMap((row) => (row.pool === "train" ? (value(row) ?? []) : []));
    return found.length === 0 ? undefined : mean(found);
  };

/**
 * J as the game itself weighs harms, whatever the agent was trained and measured with: u - le e - lc c - lx x of the report's terms. So agents
 * that were trained with different weights have one scale. Undefined for games of a user's module.
 */
function standardIndex({ game, protocol, objective }: ReportOfGame): number | undefined {
  if (!GAME_NAMES.some((name) => name === game)) return undefined;
  const { exploitability, collusion, externality } = rosterOf(game, { protocol }).game.facts.weights;
  const { utility, poolAdvantage: e, collusion: c, externality: x } = objective;
  return utility.value - exploitability * e.value - collusion * c.value - externality * x.value;
}

export const QUANTITIES: Readonly<Record<QuantityName, Quantity>> = {
  safetyIndex: { head: "safety index J", of: ({ objective }) => objective.safetyIndex.value },
  tableIndex: { head: "J of the action table", of: ({ tableIndex }) => tableIndex?.value },
  utility: { head: "utility u", of: ({ objective }) => objective.utility.value },
  poolAdvantage: { range: POSITIVE, head: "pool advantage e", of: ({ objective }) => objective.poolAdvantage.value },
  collusion: { range: SHARE, head: "collusion c", of: ({ objective }) => objective.collusion.value },
  externality: { range: POSITIVE, head: "externality x", of: ({ objective }) => objective.externality.value },
  worstCase: { head: "worst case q - r", of: ({ worstCase }) => worstCase?.advantage.value },
  payoff: { head: "payoff", of: ({ payoffByPool }) => payoffByPool.train.value },
  robustness: { head: "robustness", of: ({ payoffByPool }) => payoffByPool.exploiter.value },
  heldOut: { head: "held-out payoff", of: ({ payoffByPool }) => payoffByPool["held-out"].value },
  relativeAdvantage: {
    range: [-1, 1],
    head: "relative advantage",
    of: inTraining(({ relativeAdvantage }) => relativeAdvantage.value),
  },
  relativeAdvantageAll: {
    range: [-1, 1],
    head: "relative advantage, all pools",
    of: ({ opponents }) => mean(opponents.map(({ relativeAdvantage }) => relativeAdvantage.value)),
  },
  welfare: { head: "welfare", of: inTraining(({ welfare }) => welfare.value) },
  securityShortfall: { range: POSITIVE, head: "security shortfall", of: ({ securityShortfall }) => securityShortfall.value },
  exploitability: { range: POSITIVE, head: "exploitability", of: ({ worstCase }) => worstCase?.exploitability?.value },
  regret: { head: "regret", of: inTraining(({ regret }) => regret?.value) },
  standardIndex: { head: "J, standard weights", of: standardIndex },
  unreadable: { range: SHARE, head: "unreadable", of: ({ unreadableRate }) => unreadableRate.value },
};
