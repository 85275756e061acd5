/** The charts of a page or of `sepo figure`, by name. */
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { type FigureName, MEASURES } from "../../report/view/quantities.ts";
import type { Chart } from "./chart.ts";
import { termCurves, trainingCurves } from "./curves.ts";
import { differencesChart } from "./differences.ts";
import { frontChart } from "./front.ts";
import { opponentChart } from "./opponents.ts";
import { policyChart } from "./policy.ts";
import { seedsChart } from "./seeds.ts";
import { summaryChart } from "./summary.ts";
import { verdictChart } from "./verdict.ts";

export interface GameFigures {
  readonly verdict: Chart;
  readonly differences: Chart | undefined;
  readonly seeds: Chart | undefined;
  readonly curves: Chart | undefined;
}

export const figuresOf = (data: ViewData, game: ViewGame): GameFigures => ({
  verdict: verdictChart(data, game),
  differences: differencesChart(data, game),
  seeds: seedsChart(data, game),
  curves: termCurves(data, game),
});

export { summaryChart, trainingCurves };

/** A figure by name; undefined where the data has nothing of it. */
export function figureNamed(
  name: FigureName,
  data: ViewData,
  game: ViewGame | undefined,
  measure = "payoff",
): Chart | undefined {
  if (name === "training") return trainingCurves(data);
  if (name === "summary") return summaryChart(data);
  if (game === undefined) return undefined;
  const measured = data.agents.some(({ games }) => games.some((own) => own.game === game.name));
  switch (name) {
    case "verdict":
      return measured ? verdictChart(data, game) : undefined;
    case "differences":
      return differencesChart(data, game);
    case "opponents": {
      const known = MEASURES.find((one) => one.name === (measure ?? "payoff"));
      return measured && known !== undefined ? opponentChart(data, game, known.name) : undefined;
    }
    case "policy":
      return policyChart(data, game);
    case "front":
      return frontChart(data, game, measure === "utility" ? "utility" : "safetyIndex");
    case "seeds":
      return seedsChart(data, game);
    case "curves":
      return termCurves(data, game);
  }
}
