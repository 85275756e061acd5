/** The first thing a reader wants to know of a game: is it better, and what got worse. */
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import type { GameFigures } from "../charts/all.ts";
import { ChartView } from "./chart-view.tsx";

const term = (weight: number, name: string): string =>
  weight === 0 ? "" : weight === 1 ? ` - ${name}` : ` - ${weight} ${name}`;
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

export function Verdict({
  data,
  game,
  charts,
}: {
  readonly data: ViewData;
  readonly game: ViewGame;
  readonly charts: GameFigures;
}) {
  const { weights, protocol, rules } = game;
  return (
    <section id="verdict">
      <h2>{game.title}</h2>
      <p class="lead">
        {weights === undefined
          ? "J is the utility u less weighted pool advantage e, collusion c and externality x."
          : `J = u${term(weights.exploitability, "e")}${term(weights.collusion, "c")}${term(weights.externality, "x")}: utility, less what ` +
            "exploiters gain on the agent, collusion, and harm to others."}{" "}
        {capital(protocol)}.
      </p>
      {rules !== undefined && (
        <details class="rules">
          <summary>Rules, as every agent is told them</summary>
          <p>{rules}</p>
        </details>
      )}
      {charts.differences === undefined ? (
        <p class="note">{data.pairing}</p>
      ) : (
        <ChartView chart={charts.differences} heading={false} />
      )}
      <ChartView chart={charts.verdict} heading={false} />
    </section>
  );
}
