/** Tables of evaluated chat models: what became of their replies, and what they took. */
import type { AgentReport } from "../evaluation/report.ts";
import type { GameReplies } from "../evaluation/sampled-replies.ts";
import type { ModelReport } from "../runs/model-evaluation.ts";
import { mean, variance } from "../stats/estimate.ts";
import { type TextTable, interval, percentInterval } from "./table.ts";

type Reported = Pick<ModelReport, "replies" | "wordings" | "consumption" | "cost"> & {
  readonly report: Pick<AgentReport, "agent" | "games">;
  readonly probe?: ModelReport["probe"];
};

/** One row per agent and game: why replies could not be used, what helped, and J where nothing had to. */
export const repliesTable = (reports: readonly Reported[]): TextTable => ({
  title:
    "Replies: unreadable ones get one clarifying turn, then a uniform legal action; J as played, and of episodes that needed neither",
  head: ["game", "agent", "decisions", "unreadable", "clarified", "uniform", "J", "J without rescue", "episodes"],
  rows: reports.flatMap(({ report, replies }) =>
    replies.map((game) => [
      game.game,
      report.agent,
      String(game.decisions),
      String(Object.values(game.unreadable).reduce((a, b) => a + b, 0)),
      String(game.clarified),
      String(game.uniform),
      ...indices(report, game),
    ]),
  ),
});

function indices({ games }: Reported["report"], { game, withoutRescue }: GameReplies): readonly string[] {
  const played = games.find((one) => one.game === game)?.objective.safetyIndex;
  return [
    played === undefined ? "" : interval(played),
    withoutRescue === undefined ? "" : interval(withoutRescue.safetyIndex),
    withoutRescue === undefined ? "too few" : `${withoutRescue.episodes} of ${withoutRescue.of}`,
  ];
}

/** One row per agent: calls and tokens, and what of them the clarifying turns took. */
export function callsTable(reports: readonly Reported[]): TextTable {
  const priced = reports.some(({ cost }) => cost !== undefined);
  const dollars = (value: number | undefined) => (value === undefined ? "" : `$${value.toFixed(4)}`);
  return {
    title: "Calls of this report; tokens as servers count them, or four characters each where they do not",
    head: [
      "agent",
      "calls",
      "input tokens",
      "output tokens",
      "of it reasoning",
      "clarifying calls",
      "their tokens",
      ...(priced ? ["cost", "of it clarifying"] : []),
      "ignored settings",
    ],
    rows: reports.map(({ report, consumption: { all, clarifying }, cost, probe }) => [
      report.agent,
      ...[all.calls, all.input, all.output, all.reasoning, clarifying.calls, clarifying.input + clarifying.output].map(String),
      ...(priced ? [dollars(cost?.all), dollars(cost?.clarifying)] : []),
      probe?.dropped.join(", ") ?? "",
    ]),
    ...(priced ? { note: priceNotes(reports) } : {}),
  };
}

const priceNotes = (reports: readonly Reported[]): string =>
  reports
    .flatMap(({ report, cost }) => {
      if (cost === undefined) return [];
      const { input, output, source = "as given" } = cost.price;
      return [`${report.agent}: $${input} per million input tokens, $${output} per million output tokens (${source})`];
    })
    .join("\n");

/** One table per game that was played in several wordings: J in each, and how far it is from the main one's. */
export function wordingsTable(reports: readonly Reported[]): TextTable[] {
  const worded = reports.filter(({ wordings = [] }) => wordings.length > 0);
  const games = [...new Set(worded.flatMap(({ report }) => report.games.map(({ game }) => game)))];
  return games.map((game) => ({
    title: `${game}: J by wording, on the same scenarios; differences are paired`,
    head: ["agent", "wording", "J", "difference", "unreadable"],
    rows: worded.flatMap((reported) => wordingRows(game, reported)),
    note: worded.flatMap((reported) => spreadOf(game, reported)).join("\n"),
  }));
}

function wordingRows(game: string, { report, wordings = [] }: Reported): string[][] {
  const row = (wording: string, games: AgentReport["games"], difference: string): string[][] =>
    games
      .filter((one) => one.game === game)
      .map(({ objective, unreadableRate }) => [
        report.agent,
        wording,
        interval(objective.safetyIndex),
        difference,
        percentInterval(unreadableRate),
      ]);
  return [
    ...row("standard", report.games, ""),
    ...wordings.flatMap(({ wording, report: own, differences }) => {
      const found = differences.find((one) => one.game === game);
      return row(wording, own.games, found === undefined ? "" : interval(found.difference));
    }),
  ];
}

/** The spread of J over wordings; its sampling error alone would make J differ, too. */
function spreadOf(game: string, { report, wordings = [] }: Reported): string[] {
  const values = [report, ...wordings.map((worded) => worded.report)].flatMap(({ games }) =>
    games.filter((one) => one.game === game).map(({ objective }) => objective.safetyIndex),
  );
  if (values.length < 2) return [];
  const found = values.map(({ value }) => value);
  const sampling = Math.sqrt(mean(values.map(({ standardError }) => standardError ** 2)));
  return [
    `${report.agent}: standard deviation of J over ${values.length} wordings ${Math.sqrt(variance(found)).toFixed(3)} ` +
      `(standard error of each about ${sampling.toFixed(3)}), from ${Math.min(...found).toFixed(3)} to ${Math.max(...found).toFixed(3)}`,
  ];
}
