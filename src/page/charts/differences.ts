/** Paired differences in J: who is better, or that no difference is shown. */
import * as Plot from "@observablehq/plot";
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { agentColour, colour } from "../theme.ts";
import { type Chart, domainOf, fitted, plot } from "./chart.ts";
import { measuredAs, placeOf, shown, shownValue } from "./format.ts";

/** Undefined where no difference was paired. */
export function differencesChart(data: ViewData, game: ViewGame): Chart | undefined {
  const visible = (agent: number): boolean => data.agents[agent]?.games.length > 0;
  const rows = data.comparisons
    .filter((one) => one.game === game.name && visible(one.first) && visible(one.second))
    .map(({ first, second, value, low, high, p, words }) => ({
      label: `${data.agents[first].label} minus ${data.agents[second].label}`,
      colour: words === "no difference shown" ? colour("muted") : agentColour(placeOf(data, value > 0 ? first : second)),
      value,
      low: low ?? value,
      high: high ?? value,
      text: shown({ value, low, high, n: 0 }),
      words,
      p: p < 0.001 ? "< 0.001" : shownValue(p),
    }));
  if (rows.length === 0) return undefined;
  return {
    id: "differences",
    title: `${game.title}: paired differences in J`,
    caption: `Above zero the first of the two is better. ${data.pairing} ${measuredAs(data, game)}`,
    table: {
      title: `${game.title}: paired differences in J`,
      head: ["difference", "J first - J second", "p", "verdict"],
      rows: rows.map(({ label, text, p, words }) => [label, text, p, words]),
    },
    draw: (options) => {
      const ends = [0, ...rows.flatMap(({ low, high }) => [low, high])];
      const numbers = Math.min(
        options.width * 0.5,
        6.6 * Math.max(...rows.map(({ text, words }) => Math.max(text.length, words.length))) + 14,
      );
      return plot(options, {
        height: 40 * rows.length + 26,
        marginLeft: 6,
        marginRight: numbers,
        marginTop: 2,
        marginBottom: 22,
        x: { domain: domainOf(ends), nice: true, label: null, inset: 6 },
        y: { domain: rows.map(({ label }) => label), axis: null, padding: 0.5 },
        marks: [
          Plot.axisX({ ticks: 5, tickSize: 0, label: null, color: colour("muted"), fontSize: 11 }),
          Plot.gridX({ ticks: 5, stroke: colour("rule"), strokeOpacity: 1 }),
          Plot.ruleX([0], { stroke: colour("ink") }),
          Plot.ruleY(rows, { y: "label", x1: "low", x2: "high", stroke: "colour", strokeWidth: 2, dy: 8 }),
          Plot.dot(rows, { y: "label", x: "value", fill: "colour", r: 4.5, dy: 8 }),
          Plot.text(rows, {
            y: "label",
            text: ({ label }: { label: string }) => fitted(label, options.width - numbers - 8),
            frameAnchor: "left",
            textAnchor: "start",
            dy: -9,
            fill: colour("ink"),
            stroke: colour("paper"),
            strokeWidth: 4,
          }),
          Plot.text(rows, {
            y: "label",
            text: "text",
            frameAnchor: "right",
            textAnchor: "end",
            dx: numbers,
            dy: 8,
            fill: colour("ink"),
            fontVariant: "tabular-nums",
          }),
          Plot.text(rows, {
            y: "label",
            text: "words",
            frameAnchor: "right",
            textAnchor: "end",
            dx: numbers,
            dy: -9,
            fill: "colour",
            fontWeight: 600,
          }),
        ],
      });
    },
  };
}
