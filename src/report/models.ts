/** Tables of evaluated chat models: what became of their replies, and what they took. */
import type { AgentReport } from "../evaluation/report.ts";
import type { GameReplies } from "../evaluation/sampled-replies.ts";
import type { ModelReport } from "../runs/model-evaluation.ts";
import { type TextTable, interval } from "./table.ts";

type Reported = Pick<ModelReport, "replies" | "consumption" | "cost"> & {
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
  };
}
