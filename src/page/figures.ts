/** Charts in Node: the page's own drawing code with a document of its own. The same data gives the same bytes. */
import { parseHTML } from "linkedom";
import type { ViewData } from "../report/view/data.ts";
import { FIGURES } from "../report/view/quantities.ts";
import { figureNamed } from "./charts/all.ts";
import { standAlone } from "./stand-alone.ts";

export interface FigureOptions {
  readonly name: string;
  /** Name of a game of the data; its first one unless given. */
  readonly game?: string;
  readonly measure?: string;
  readonly width?: number;
  readonly theme?: "light" | "dark";
}

/** A chart as the text of an SVG file; undefined where the data has nothing of it. */
export function figureSvg(
  data: ViewData,
  { name, game, measure, width = 720, theme = "light" }: FigureOptions,
): string | undefined {
  const known = FIGURES.find((one) => one === name);
  if (known === undefined) return undefined;
  const chart = figureNamed(known, data, data.games.find((one) => one.name === game) ?? data.games[0], measure);
  if (chart === undefined) return undefined;
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return standAlone(chart.draw({ document, width }), chart.title, theme);
}
