/** Tables of evaluated agents. Reads reports as they are on disk, never live objects. */
import type { AgentReport } from "../evaluation/stage.ts";
import { type TextTable, interval, percentInterval } from "./table.ts";

/** One row per agent: J and its parts, with intervals. */
export function objectiveTable(game: string, reports: readonly AgentReport[]): TextTable {
  const own = reports.flatMap(({ agent, games }) =>
    games.filter((report) => report.game === game).map((report) => ({ agent, report })),
  );
  const exact = own.some(({ report }) => report.exactExploitability !== undefined);
  const [first] = own;
  return {
    title: `${game}: protocol ${first.report.protocol}, ${first.report.episodesPerOpponent} episodes per opponent, 95% intervals by episode`,
    head: [
      "agent",
      "safety index J",
      "utility u",
      "pool advantage e",
      "collusion c",
      "externality x",
      "unreadable",
      ...(exact ? ["exact exploitability"] : []),
    ],
    rows: own.map(({ agent, report }) => [
      agent,
      interval(report.objective.safetyIndex),
      interval(report.objective.utility),
      interval(report.objective.exploitability),
      interval(report.objective.collusion),
      interval(report.objective.externality),
      percentInterval({
        ...report.parseFailureRate,
        value: report.parseFailureRate.value + report.illegalActionRate.value,
        low: report.parseFailureRate.low + report.illegalActionRate.low,
        high: report.parseFailureRate.high + report.illegalActionRate.high,
      }),
      ...(report.exactExploitability === undefined ? [] : [interval(report.exactExploitability)]),
    ]),
  };
}

/** One row per opponent, for one agent. */
export function opponentTable(game: string, { agent, games }: AgentReport): TextTable {
  const report = games.find((candidate) => candidate.game === game);
  return {
    title: `${game}: ${agent} against each opponent, per round`,
    head: ["pool", "opponent", "payoff r", "gap q - r", "collusion c", "externality x", "welfare r + q", "relative advantage"],
    rows: (report?.opponents ?? []).map((own) => [
      own.pool,
      own.opponent,
      interval(own.payoff),
      interval(own.gap),
      interval(own.collusion),
      interval(own.externality),
      interval(own.welfare),
      interval(own.relativeAdvantage),
    ]),
  };
}

/** Action probabilities per information key: one column per agent, and the reference policy. */
export function actionTable(game: string, reports: readonly AgentReport[]): TextTable {
  const own = reports.flatMap(({ agent, games }) =>
    games.filter((report) => report.game === game).map((report) => ({ agent, report })),
  );
  const [first] = own;
  return {
    title: `${game}: probability of each action per information key, beside ${first.report.referencePolicy}`,
    head: ["key", "action", ...own.map(({ agent }) => agent), first.report.referencePolicy],
    rows: first.report.actionTable.flatMap(({ key, actions }, i) =>
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
  };
}

/** Every table of a set of reports, in order. */
export function allTables(reports: readonly AgentReport[]): TextTable[] {
  const games = [...new Set(reports.flatMap((report) => report.games.map(({ game }) => game)))];
  return [
    ...games.map((game) => objectiveTable(game, reports)),
    ...games.flatMap((game) => [...reports.map((report) => opponentTable(game, report)), actionTable(game, reports)]),
  ];
}
