/** A chart: how it is drawn, what it says in words, and the same as a table. */
import * as Plot from "@observablehq/plot";
import type { TextTable } from "../../report/table.ts";

export interface Chart {
  /** Part of links and names of files. */
  readonly id: string;
  readonly title: string;
  /** What is shown, units, protocol, episodes and seeds: enough to read the picture alone. */
  readonly caption: string;
  readonly table: TextTable;
  /** Draws into a document, as wide as asked; colours are the variables of `theme.ts`. */
  readonly draw: (options: DrawOptions) => SVGSVGElement;
}

export interface DrawOptions {
  readonly document: Document;
  readonly width: number;
}

const SVG = "http://www.w3.org/2000/svg";

/** Plots in one style, without what Plot adds around a picture. */
export function plot({ document, width }: DrawOptions, options: Plot.PlotOptions): SVGSVGElement {
  const style = { background: "none", color: "var(--ink)", fontFamily: "inherit", fontSize: "12px", overflow: "visible" };
  const made = Plot.plot({ ...options, document, width, style });
  made.querySelector("style")?.remove();
  if (!isSvg(made)) throw new Error(`expected a plot without a legend, got ${made.tagName}`);
  return made;
}

/** Also of a document that is not the browser's. */
const isSvg = (element: Element): element is SVGSVGElement => element.tagName.toLowerCase() === "svg";

export interface Panel {
  readonly title: string;
  /** A shorter remark after the title. */
  readonly note?: string;
  readonly draw: (options: DrawOptions) => SVGSVGElement;
}

const TITLE = 20;
const GAP = 28;

/** Panels side by side, as many as there is room for, in one picture. */
export function panels(options: DrawOptions, all: readonly Panel[], { least = 300, most = 3 } = {}): SVGSVGElement {
  const { document, width } = options;
  const columns = Math.max(1, Math.min(most, all.length, Math.floor((width + GAP) / (least + GAP))));
  const each = Math.floor((width - GAP * (columns - 1)) / columns);
  const parts = all.map((panel) => ({ panel, svg: panel.draw({ document, width: each }) }));
  const svg = document.createElementNS(SVG, "svg");
  let y = 0;
  for (let row = 0; row < parts.length; row += columns) {
    const own = parts.slice(row, row + columns);
    own.forEach(({ panel, svg: inner }, column) => {
      const x = column * (each + GAP);
      svg.append(text(document, panel.title, { x, y: y + 13, "font-weight": "600" }));
      if (panel.note !== undefined)
        svg.append(text(document, panel.note, { x: x + each, y: y + 13, "text-anchor": "end", fill: "var(--muted)" }));
      inner.setAttribute("x", String(x));
      inner.setAttribute("y", String(y + TITLE));
      svg.append(inner);
    });
    y += TITLE + Math.max(...own.map(({ svg: inner }) => Number(inner.getAttribute("height")))) + GAP / 2;
  }
  return sized(svg, width, y - GAP / 2);
}

/** A picture with names of colours above it. */
export function withLegend(
  { document, width }: DrawOptions,
  names: readonly { readonly name: string; readonly colour: string }[],
  picture: SVGSVGElement,
): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  let [x, y] = [0, 12];
  for (const { name, colour } of names) {
    const room = 28 + 7.2 * name.length;
    if (x > 0 && x + room > width) [x, y] = [0, y + 18];
    const mark = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ x, y: y - 9, width: 10, height: 10, rx: 2, fill: colour }))
      mark.setAttribute(key, String(value));
    svg.append(mark, text(document, name, { x: x + 15, y }));
    x += room;
  }
  picture.setAttribute("y", String(y + 12));
  svg.append(picture);
  return sized(svg, width, y + 12 + Number(picture.getAttribute("height")));
}

function sized(svg: SVGSVGElement, width: number, height: number): SVGSVGElement {
  for (const [key, value] of Object.entries({
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    "font-size": 12,
    fill: "currentColor",
  }))
    svg.setAttribute(key, String(value));
  svg.setAttribute("style", "font-family: inherit; color: var(--ink); overflow: visible");
  return svg;
}

function text(document: Document, content: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(SVG, "text");
  const all: Readonly<Record<string, string | number>> = { fill: "var(--ink)", ...attributes };
  for (const [key, value] of Object.entries(all)) element.setAttribute(key, String(value));
  element.textContent = content;
  return element;
}

/** A domain that holds all values; where they are the same one, it still has a width. */
export function domainOf(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? [least, least + 1] : [least, most];
}

/** Text that fits into so many pixels of the charts' type, at its end an ellipsis where it was cut. */
export const fitted = (content: string, pixels: number): string => {
  const most = Math.max(4, Math.floor(pixels / 6.4));
  return content.length <= most ? content : `${content.slice(0, most - 1)}…`;
};
