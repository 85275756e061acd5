/** J and its terms of every agent as dots with whiskers, a panel for each. */
import * as Plot from "@observablehq/plot";
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { QUANTITIES, type QuantityName } from "../../report/view/quantities.ts";
import { agentColour, colour } from "../theme.ts";
import { type Chart, type Panel, domainOf, fitted, panels, plot } from "./chart.ts";
import { type AgentIn, agentsIn, measuredAs, shown, shownValue } from "./format.ts";

export function verdictChart(data: ViewData, game: ViewGame): Chart {
  const agents = agentsIn(data, game.name);
  const present = QUANTITIES.filter(({ name }) => agents.some(({ own }) => own.quantities[name] !== undefined)).filter(
    ({ name }) => name !== "unreadableRate" || agents.some(({ own }) => (own.quantities[name]?.value ?? 0) > 0),
  );
  const star = game.optimum === undefined ? "" : ` The dashed line is J* = ${shownValue(game.optimum)}, the best possible J.`;
  return {
    id: "verdict",
    title: `${game.title}: J and its terms`,
    caption:
      `Each dot is an agent's mean per round, in ${game.unit} for the worst case and exploitability and scaled so that ` +
      `the reference payoff is 3 in J, u and e; whiskers are 95% intervals over episodes.${star} ${measuredAs(data, game)}`,
    table: {
      title: `${game.title}: J and its terms`,
      head: ["quantity", "better", ...agents.map(({ agent }) => agent.label)],
      rows: present.map(({ name, title, better }) => [
        title,
        better,
        ...agents.map(({ own }) => (own.quantities[name] === undefined ? "" : shown(own.quantities[name]))),
      ]),
    },
    draw: (options) =>
      panels(
        options,
        present.map(({ name, title, better }): Panel => ({
          title,
          note: better === "higher" ? "higher is better →" : "← lower is better",
          draw: (own) => whiskers(own, agents, name, name === "safetyIndex" ? game.optimum : undefined),
        })),
        { least: 330 },
      ),
  };
}

/** One quantity of every agent as dots with whiskers and numbers; `mark` is a dashed line. */
export function whiskers(
  options: Parameters<Panel["draw"]>[0],
  agents: readonly AgentIn[],
  quantity: QuantityName,
  mark: number | undefined,
): SVGSVGElement {
  const rows = agents.flatMap(({ index, name, own }) => {
    const found = own.quantities[quantity];
    if (found === undefined) return [];
    const { value, low, high } = found;
    return [{ label: name, colour: agentColour(index), value, low: low ?? value, high: high ?? value, text: shown(found) }];
  });
  const longest = Math.max(...rows.map(({ label }) => label.length));
  const marginLeft = Math.min(options.width * 0.3, 14 + 6.4 * longest);
  const numbers = 6.6 * Math.max(...rows.map(({ text }) => text.length)) + 10;
  const ticks = Math.max(2, Math.floor((options.width - marginLeft - numbers) / 48));
  const ends = [0, ...(mark === undefined ? [] : [mark]), ...rows.flatMap(({ low, high }) => [low, high])];
  return plot(options, {
    height: 22 * rows.length + 26,
    marginLeft,
    marginRight: numbers,
    marginTop: 4,
    marginBottom: 22,
    x: { domain: domainOf(ends), nice: true, label: null, inset: 4 },
    y: { domain: rows.map(({ label }) => label), label: null, padding: 0.5, axis: null },
    marks: [
      Plot.axisX({ ticks, tickSize: 0, label: null, color: colour("muted"), fontSize: 11 }),
      Plot.gridX({ ticks, stroke: colour("rule"), strokeOpacity: 1 }),
      Plot.ruleX([0], { stroke: colour("faint") }),
      ...(mark === undefined ? [] : [Plot.ruleX([mark], { stroke: colour("ink"), strokeDasharray: "3 3" })]),
      Plot.ruleY(rows, { y: "label", x1: "low", x2: "high", stroke: "colour", strokeWidth: 2 }),
      Plot.dot(rows, { y: "label", x: "value", fill: "colour", r: 4.5 }),
      Plot.text(rows, {
        y: "label",
        text: ({ label }: { label: string }) => fitted(label, marginLeft - 10),
        frameAnchor: "left",
        dx: 6 - marginLeft,
        textAnchor: "start",
        fill: colour("ink"),
      }),
      Plot.text(rows, {
        y: "label",
        text: "text",
        frameAnchor: "right",
        textAnchor: "end",
        dx: numbers,
        fill: colour("ink"),
        fontVariant: "tabular-nums",
      }),
    ],
  });
}
