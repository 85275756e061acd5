/** Training runs that differ by their seed alone: a dot for each, and their mean with Student's interval over runs. */
import * as Plot from "@observablehq/plot";
import { QUANTITIES, type QuantityName } from "../../report/view/quantities.ts";
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { agentColour, colour } from "../theme.ts";
import { type Chart, type Panel, domainOf, fitted, panels, plot } from "./chart.ts";
import { shown } from "./format.ts";

type Means = ViewData["seeds"]["means"];

/** Undefined where the runs differ in more than the seed, or there is one. */
export function seedsChart(data: ViewData, game: ViewGame): Chart | undefined {
  const means = data.seeds.means.filter((one) => one.game === game.name);
  if (means.length === 0) return undefined;
  const present = QUANTITIES.filter(({ name }) => means.some(({ values }) => values[name] !== undefined));
  const title = `${game.title}: over seeds`;
  return {
    id: "seeds",
    title,
    caption:
      `A small dot is the value of one training run, the large one the mean over runs with Student's 95% interval over runs: what another seed would ` +
      `give. Runs that differ by their seed alone, ${means[0].seeds.join(", ")}; protocol ${means[0].protocol}.`,
    table: {
      title,
      head: ["quantity", ...means.map(({ stage }) => stage)],
      rows: present.map(({ name, title: quantity }) => [
        quantity,
        ...means.map(({ values }) => (values[name] === undefined ? "" : shown(values[name]))),
      ]),
    },
    draw: (options) =>
      panels(
        options,
        present.map(({ name, title: quantity, better }): Panel => ({
          title: quantity,
          note: better === "higher" ? "higher is better →" : "← lower is better",
          draw: (own) => dots(own, data, game.name, means, name),
        })),
        { least: 330 },
      ),
  };
}

function dots(
  options: Parameters<Panel["draw"]>[0],
  data: ViewData,
  game: string,
  means: Means,
  quantity: QuantityName,
): SVGSVGElement {
  const rows = means.flatMap(({ stage, values }, index) => {
    const found = values[quantity];
    if (found === undefined) return [];
    const { value, low, high } = found;
    return [{ stage, colour: agentColour(index), value, low: low ?? value, high: high ?? value, text: shown(found) }];
  });
  const runs = data.agents.flatMap(({ stage, games }) => {
    const value = games.find((own) => own.game === game)?.quantities[quantity]?.value;
    const row = rows.find((one) => one.stage === stage);
    return value === undefined || row === undefined ? [] : [{ stage: row.stage, colour: row.colour, value }];
  });
  const marginLeft = 14 + 6.4 * Math.max(...rows.map(({ stage }) => stage.length));
  const numbers = 6.6 * Math.max(...rows.map(({ text }) => text.length)) + 10;
  const ends = [...rows.flatMap(({ low, high }) => [low, high]), ...runs.map(({ value }) => value)];
  const ticks = Math.max(2, Math.floor((options.width - marginLeft - numbers) / 48));
  return plot(options, {
    height: 30 * rows.length + 26,
    marginLeft,
    marginRight: numbers,
    marginTop: 4,
    marginBottom: 22,
    x: { domain: domainOf(ends), nice: true, label: null, inset: 6 },
    y: { domain: rows.map(({ stage }) => stage), label: null, padding: 0.5, axis: null },
    marks: [
      Plot.axisX({ ticks, tickSize: 0, label: null, color: colour("muted"), fontSize: 11 }),
      Plot.gridX({ ticks, stroke: colour("rule"), strokeOpacity: 1 }),
      Plot.ruleY(rows, { y: "stage", x1: "low", x2: "high", stroke: "colour", strokeWidth: 2, dy: -4 }),
      Plot.dot(rows, { y: "stage", x: "value", fill: "colour", r: 4.5, dy: -4 }),
      Plot.dot(runs, { y: "stage", x: "value", stroke: "colour", r: 2.5, dy: 7 }),
      Plot.text(rows, {
        y: "stage",
        text: ({ stage }: { stage: string }) => fitted(stage, marginLeft - 10),
        frameAnchor: "left",
        dx: 6 - marginLeft,
        textAnchor: "start",
        fill: colour("ink"),
      }),
      Plot.text(rows, {
        y: "stage",
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
