/** Tables of evaluated agents. Reads reports as they are on disk, never live objects. */
import { FAILURE_CAUSES } from "../evaluation/episodes.ts";
import type { ActionRow, AgentReport } from "../evaluation/report.ts";
import { type Estimate, mean } from "../stats/estimate.ts";
import { type TextTable, interval, percentInterval } from "./table.ts";

type GameOfAgent = { readonly agent: string; readonly report: AgentReport["games"][number] };

/** The reports of one game, by agent. */
const reportsOf = (game: string, reports: readonly AgentReport[]): GameOfAgent[] =>
  reports.flatMap(({ agent, games }) => games.filter((report) => report.game === game).map((report) => ({ agent, report })));

/** Protocol, settings and sample size, which every table of measurements names; each is told per agent where they differ. */
function protocolOf(own: readonly GameOfAgent[]): string {
  const protocols = new Set(own.map(({ report }) => `protocol ${report.protocol}`));
  const settings = [...new Set(own.map(({ report }) => report.settings))].filter((text) => text !== "");
  const sizes = new Set(own.map(({ report }) => `${report.episodesPerOpponent} episodes per opponent`));
  const mixed = protocols.size > 1 ? " (WARNING: different protocols are not comparable)" : "";
  const set = settings.length === 0 ? "" : `, ${settings.join(" and ")}`;
  return `${[...protocols].join(" and ")}${set}, ${[...sizes].join(" and ")}, 95% intervals by episode${mixed}`;
}

/** The same of one game, for captions. */
export const protocolIn = (game: string, reports: readonly AgentReport[]): string => protocolOf(reportsOf(game, reports));

/** One row per agent: J and its parts, with intervals. */
export function objectiveTable(game: string, reports: readonly AgentReport[]): TextTable {
  const own = reportsOf(game, reports);
  const unreadable = own.some(({ report }) => report.unreadableRate.value > 0);
  const tables = own.some(({ report }) => report.tableIndex !== undefined);
  return {
    title: `${game}: ${protocolOf(own)}`,
    head: [
      "agent",
      "safety index J",
      ...(tables ? ["J of the action table"] : []),
      ...(unreadable ? ["J, unreadable forfeited"] : []),
      "utility u",
      "pool advantage e",
      "collusion c",
      "externality x",
      "unreadable",
    ],
    rows: own.map(({ agent, report: { objective, tableIndex, forfeitedIndex, unreadableRate } }) => [
      agent,
      interval(objective.safetyIndex),
      ...(tables ? [tableIndex === undefined ? "" : interval(tableIndex)] : []),
      ...(unreadable ? [interval(forfeitedIndex)] : []),
      interval(objective.utility),
      interval(objective.poolAdvantage),
      interval(objective.collusion),
      interval(objective.externality),
      `${percentInterval(unreadableRate)}${isUnreliable(unreadableRate) ? " !" : ""}`,
    ]),
    ...(own.some(({ report }) => isUnreliable(report.unreadableRate)) ? { note: UNRELIABLE } : {}),
  };
}

/** Share of unreadable replies above which J says little of the agent. */
const TOO_MANY = 0.05;
const isUnreliable = ({ value }: Estimate): boolean => value > TOO_MANY;
const UNRELIABLE =
  "! more than 5% of the replies could not be read: J counts actions that were drawn in their place; see the column where those rounds are forfeited";

/** One row per agent: why replies could not be used, as shares of all replies. */
export function failureTable(game: string, reports: readonly AgentReport[]): TextTable {
  const own = reportsOf(game, reports);
  const causes = FAILURE_CAUSES.filter((cause) => own.some(({ report }) => report.unreadable[cause].value > 0));
  return {
    title: `${game}: replies without a legal action, by cause`,
    head: ["agent", ...causes],
    rows: own.map(({ agent, report }) => [agent, ...causes.map((cause) => percentInterval(report.unreadable[cause]))]),
  };
}

/** One row per agent: how far it can be exploited, measured three ways. */
export function exploitabilityTable(game: string, reports: readonly AgentReport[]): TextTable {
  const own = reportsOf(game, reports);
  const perHand = own.some(({ report }) => report.worstCase?.exploitability !== undefined);
  return {
    title: `${game}: exploitability three ways; ${protocolOf(own)}`,
    head: [
      "agent",
      "pool, clipped",
      "pool, signed",
      "security shortfall",
      "worst case q - r",
      "how",
      ...(perHand ? ["exploitability per round"] : []),
    ],
    rows: own.map(({ agent, report: { objective, securityShortfall, worstCase } }) => [
      agent,
      interval(objective.poolAdvantage),
      interval(objective.signedPoolAdvantage),
      interval(securityShortfall),
      worstCase === undefined ? "" : interval(worstCase.advantage),
      worstCase?.kind ?? "",
      ...(perHand ? [worstCase?.exploitability === undefined ? "" : interval(worstCase.exploitability)] : []),
    ]),
  };
}

/** One row per opponent, for one agent. */
export function opponentTable(game: string, report: AgentReport): TextTable {
  const [{ agent, report: own }] = reportsOf(game, [report]);
  const measures = own.opponents[0]?.measures.map(({ name }) => name) ?? [];
  const regret = own.opponents.some((row) => row.regret !== undefined);
  const actions = own.opponents.some((row) => row.actions.length > 0);
  return {
    title: `${game}: ${agent} against each opponent, per round`,
    head: [
      "pool",
      "opponent",
      "payoff r",
      "gap q - r",
      ...(regret ? ["regret"] : []),
      "collusion c",
      "externality x",
      "welfare r + q",
      "relative advantage",
      ...measures,
      ...(actions ? ["actions"] : []),
    ],
    rows: own.opponents.map((row) => [
      row.pool,
      row.opponent,
      interval(row.payoff),
      interval(row.gap),
      ...(regret ? [row.regret === undefined ? "" : interval(row.regret)] : []),
      interval(row.collusion),
      interval(row.externality),
      interval(row.welfare),
      interval(row.relativeAdvantage),
      ...row.measures.map(({ value }) => interval(value)),
      ...(actions
        ? [
            row.actions
              .slice(0, SHOWN_ACTIONS)
              .map(({ action, share }) => `${action} ${percentInterval(share)}`)
              .join(", "),
          ]
        : []),
    ]),
  };
}

/** Actions listed per opponent, the most frequent ones. */
const SHOWN_ACTIONS = 4;

/** Action probabilities per information key: one column per agent, and the reference policy. */
export function actionTable(game: string, reports: readonly AgentReport[]): TextTable {
  const own = reportsOf(game, reports).filter(({ report }) => report.actionTable.length > 0);
  const [first] = own;
  return {
    title: `${game}: probability of each action per information key, beside ${first.report.referencePolicy}`,
    head: ["key", "action", ...own.map(({ agent }) => agent), first.report.referencePolicy],
    rows: [
      ...first.report.actionTable.flatMap(({ key, actions }, i) =>
        actions.slice(1).map(({ action, reference }, j) => [
          key,
          action,
          ...own.map(({ report }) => {
            const row = report.actionTable[i];
            return `${interval(row.actions[j + 1].probability, 2)}${row.met ? "" : " (not met)"}`;
          }),
          reference.toFixed(2),
        ]),
      ),
      ["keys met", "mean distance", ...own.map(({ report }) => distanceToReference(report.actionTable).toFixed(2)), "0.00"],
    ],
  };
}

/** Total variation distance between the agent's and the reference's action probabilities, averaged over the keys met in play. */
export function distanceToReference(rows: readonly ActionRow[]): number {
  const met = rows.filter((row) => row.met);
  const distances = met.map(({ actions }) =>
    actions.reduce((sum, { probability, reference }) => sum + Math.abs(probability.value - reference) / 2, 0),
  );
  return met.length === 0 ? 0 : mean(distances);
}

/** Every table of a set of reports, in order. */
export function allTables(reports: readonly AgentReport[]): TextTable[] {
  const games = [...new Set(reports.flatMap((report) => report.games.map(({ game }) => game)))];
  const inGame = (game: string) => reports.filter(({ games: own }) => own.some((report) => report.game === game));
  const hasActions = (game: string) => reportsOf(game, reports).some(({ report }) => report.actionTable.length > 0);
  return [
    ...games.flatMap((game) => [objectiveTable(game, reports), exploitabilityTable(game, reports)]),
    ...games.flatMap((game) => [
      ...(reportsOf(game, reports).some(({ report }) => report.unreadableRate.value > 0) ? [failureTable(game, reports)] : []),
      ...inGame(game).map((report) => opponentTable(game, report)),
      ...(hasActions(game) ? [actionTable(game, reports)] : []),
    ]),
  ];
}
