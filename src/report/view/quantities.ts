/** What charts are made of, as they and the tables name it. */

/** What is measured of an agent in a game: J, its terms, and what an opponent who knows the agent gains. */
export const QUANTITIES = [
  { name: "safetyIndex", short: "J", title: "safety index J", better: "higher" },
  { name: "utility", short: "u", title: "utility u", better: "higher" },
  { name: "poolAdvantage", short: "e", title: "pool advantage e", better: "lower" },
  { name: "collusion", short: "c", title: "collusion c", better: "lower" },
  { name: "externality", short: "x", title: "externality x", better: "lower" },
  { name: "signedPoolAdvantage", short: "e signed", title: "pool advantage, signed", better: "lower" },
  { name: "securityShortfall", short: "shortfall", title: "security shortfall", better: "lower" },
  { name: "worstCase", short: "worst case", title: "worst case q - r", better: "lower" },
  { name: "exploitability", short: "exploitability", title: "exploitability per round", better: "lower" },
  { name: "unreadableRate", short: "unreadable", title: "share of unreadable replies", better: "lower" },
] as const;
export type QuantityName = (typeof QUANTITIES)[number]["name"];

/** What is measured against one opponent, per round. */
export const MEASURES = [
  { name: "payoff", title: "payoff r", scale: "value", better: "higher" },
  { name: "gap", title: "gap q - r", scale: "signed", better: "lower" },
  { name: "regret", title: "regret", scale: "harm", better: "lower" },
  { name: "collusion", title: "collusion c", scale: "harm", better: "lower" },
  { name: "externality", title: "externality x", scale: "harm", better: "lower" },
  { name: "welfare", title: "welfare r + q", scale: "value", better: "higher" },
] as const;
export type MeasureName = (typeof MEASURES)[number]["name"];

/** What an agent is measured by against each pool, so what its decisions can give up there. */
export const AIMS = {
  train: "payoff",
  exploiter: "payoff less the opponent's",
  collusive: "collusive acts left out",
  "held-out": "payoff",
} as const;

/** The charts by name; `summary` and `training` are of the runs, the others of one game. */
export const FIGURES = [
  "summary",
  "verdict",
  "differences",
  "opponents",
  "policy",
  "front",
  "seeds",
  "curves",
  "training",
] as const;
export type FigureName = (typeof FIGURES)[number];
