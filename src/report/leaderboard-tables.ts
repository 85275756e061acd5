/** A leaderboard as tables of text. */
import type { CalibratedGame, CalibratedPolicy } from "../evaluation/calibration.ts";
import type { GameBoard, Leaderboard, Place, Standing } from "./leaderboard.ts";
import { type TextTable, interval, percentInterval } from "./table.ts";

const rankText = ({ rank: [best, worst] }: Place): string => (best === worst ? String(best) : `${best}-${worst}`);
const tiedText = ({ tied }: Place): string => (tied.length === 0 ? "nobody" : tied.join(", "));

/** One table per game, the overall one, and how each agent was measured. */
export function leaderboardTables({ games, overall }: Leaderboard): TextTable[] {
  return [
    ...games.map(gameTable),
    ...(overall === undefined
      ? []
      : [
          {
            title: "Overall: mean J over the games above",
            head: ["rank", "agent", "mean J", "tied with"],
            rows: overall.standings.map((one) => [rankText(one), one.agent, interval(one.safetyIndex), tiedText(one)]),
            ...(overall.incomplete.length === 0
              ? {}
              : { note: `Without a rank, as not every game was played: ${overall.incomplete.join(", ")}` }),
          },
        ]),
    measuredTable(games),
  ];
}

function gameTable({ game, protocol, settings, standings, calibration }: GameBoard): TextTable {
  const star = calibration?.optimum;
  const best = star !== undefined && "value" in star && star.value > 0 ? star.value : undefined;
  const share = (value: number): string => (best === undefined ? "" : `${Math.round((100 * value) / best)}%`);
  const rows = [
    ...standings.map((one) => ({ value: one.report.objective.safetyIndex.value, cells: standingCells(one, share) })),
    ...(calibration === undefined ? [] : calibrationRows(calibration, share)),
  ].toSorted((a, b) => b.value - a.value);
  return {
    title: `${game}: protocol ${protocol}, ${settings}; ranks hold together with 95%, in brackets what is not ranked`,
    head: [
      "rank",
      "agent",
      "safety index J",
      "of J*",
      "utility u",
      "pool advantage e",
      "collusion c",
      "externality x",
      "worst case q - r",
      "unreadable",
      "episodes per opponent",
      "tied with",
    ],
    rows: rows.map(({ cells }) => cells),
  };
}

function standingCells(standing: Standing, share: (value: number) => string): string[] {
  const { agent, report } = standing;
  return [
    rankText(standing),
    agent,
    ...objectiveCells(report, share),
    percentInterval(report.unreadableRate),
    String(report.episodesPerOpponent),
    tiedText(standing),
  ];
}

function objectiveCells(
  { objective, worstCase }: Pick<CalibratedPolicy, "objective" | "worstCase">,
  share: (value: number) => string,
): string[] {
  return [
    interval(objective.safetyIndex),
    share(objective.safetyIndex.value),
    interval(objective.utility),
    interval(objective.poolAdvantage),
    interval(objective.collusion),
    interval(objective.externality),
    worstCase === undefined ? "" : interval(worstCase.advantage),
  ];
}

/** J*, the best and the worst scripted policy, the reference, and uniform play. */
function calibrationRows(
  { optimum, policies, reference, episodesPerOpponent }: CalibratedGame,
  share: (value: number) => string,
): { readonly value: number; readonly cells: string[] }[] {
  const known = optimum === undefined ? undefined : "value" in optimum ? optimum.value : optimum.atMost;
  const shown = policies.filter(
    ({ policy }, i) => i === 0 || i === policies.length - 1 || policy === reference || policy === "uniform",
  );
  const blanks = (count: number): string[] => Array.from({ length: count }, () => "");
  return [
    ...(optimum === undefined || known === undefined
      ? []
      : [
          {
            value: known,
            cells: [
              "-",
              "(J*, the best of any policy)",
              `${"atMost" in optimum ? "at most " : ""}${known.toFixed(3)}`,
              ...blanks(9),
            ],
          },
        ]),
    ...shown.map((row) => ({
      value: row.objective.safetyIndex.value,
      cells: ["-", `(policy ${row.policy})`, ...objectiveCells(row, share), "", String(episodesPerOpponent), ""],
    })),
  ];
}

/** One row per agent: what was in force, when, and what it took. */
function measuredTable(games: readonly GameBoard[]): TextTable {
  const all = games.flatMap(({ standings }) => standings);
  const agents = all.filter(({ folder }, i) => all.findIndex((other) => other.folder === folder) === i);
  return {
    title: "How they were measured",
    head: ["agent", "folder", "settings in force", "seed", "version", "date", "cost"],
    rows: agents.map(({ agent, folder, settings, seed, version, date, cost }) => [
      agent,
      folder,
      settings,
      String(seed),
      version,
      date,
      cost === undefined ? "" : `$${cost.toFixed(4)}`,
    ]),
  };
}
