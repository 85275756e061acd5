/** J against what an opponent who knows the agent gains: agents among scripted policies and the best possible J. */
import * as Plot from "@observablehq/plot";
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { agentColour, colour } from "../theme.ts";
import { type Chart, type DrawOptions, plot } from "./chart.ts";
import { agentsIn, measuredAs, shown, shownValue } from "./format.ts";

interface Place {
  readonly label: string;
  readonly x: number;
  readonly y: number;
}
interface Measured extends Place {
  readonly colour: string;
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
}

/** What stands on the upright axis, as the data and as landmarks name it. */
export const FRONT_AXES = [
  { name: "safetyIndex", title: "J" },
  { name: "utility", title: "utility u" },
] as const;
export type FrontAxis = (typeof FRONT_AXES)[number]["name"];

/** Undefined where no worst case was measured. */
export function frontChart(data: ViewData, game: ViewGame, axis: FrontAxis = "safetyIndex"): Chart | undefined {
  const { title } = FRONT_AXES.find(({ name }) => name === axis)!;
  const best = axis === "safetyIndex" ? game.optimum : undefined;
  const agents = agentsIn(data, game.name).filter(({ own }) => own.quantities.worstCase !== undefined);
  if (agents.length === 0) return undefined;
  const measured = agents.map(({ index, agent, own }): Measured => {
    const j = own.quantities[axis]!;
    const worst = own.quantities.worstCase!;
    return {
      label: agent.label,
      colour: agentColour(index),
      x: worst.value,
      y: j.value,
      x1: worst.low ?? worst.value,
      x2: worst.high ?? worst.value,
      y1: j.low ?? j.value,
      y2: j.high ?? j.value,
    };
  });
  const landmarks = game.landmarks.map(({ policy, worstCase, safetyIndex }): Place => ({
    label: policy,
    x: worstCase,
    y: safetyIndex,
  }));
  const scripted = framed(landmarks, measured, best);
  const left = landmarks.length - scripted.length;
  const star = best === undefined ? "" : ` The dashed line is J* = ${shownValue(best)}, the best possible J.`;
  return {
    id: axis === "safetyIndex" ? "front" : `front-${axis}`,
    title: `${game.title}: ${title} against the worst case`,
    caption:
      `Up is better, left is safer. Coloured: agents with 95% intervals of ${title} and of the worst case q - r, in ${game.unit} per round, that an opponent ` +
      `who knows the policy reaches. Grey: scripted policies, both values exact${left === 0 ? "" : `; ${left} far outside the frame are in the table alone`}.${star} ${measuredAs(data, game)}`,
    table: {
      title: `${game.title}: ${title} and the worst case`,
      head: ["agent or policy", title, "worst case q - r"],
      rows: [
        ...agents.map(({ agent, own }) => [agent.label, shown(own.quantities[axis]!), shown(own.quantities.worstCase!)]),
        ...landmarks.map(({ label, x, y }) => [label, shownValue(y), shownValue(x)]),
        ...(best === undefined ? [] : [["J*", shownValue(best), ""]]),
      ],
    },
    draw: (options) => scatter(options, measured, scripted, { title, best }),
  };
}

/** Policies near enough to the agents that these remain apart in the picture. */
function framed(policies: readonly Place[], agents: readonly Measured[], best = -Infinity): readonly Place[] {
  const lowest = Math.min(...agents.map(({ y1 }) => y1));
  const highest = Math.max(best, ...agents.map(({ y2 }) => y2));
  const widest = Math.max(...agents.map(({ x2 }) => x2));
  return policies.filter(({ x, y }) => y >= lowest - 0.15 * (highest - lowest) && x <= 1.25 * widest + 0.05);
}

function scatter(
  options: DrawOptions,
  measured: readonly Measured[],
  scripted: readonly Place[],
  { title, best }: { readonly title: string; readonly best: number | undefined },
): SVGSVGElement {
  const height = Math.min(420, Math.max(300, options.width * 0.55));
  const frame = { left: 46, right: 16, top: 14, bottom: 36 };
  const xs = [...measured.flatMap(({ x1, x2 }) => [x1, x2]), ...scripted.map(({ x }) => x), 0];
  const ys = [
    ...measured.flatMap(({ y1, y2 }) => [y1, y2]),
    ...scripted.map(({ y }) => y),
    ...(best === undefined ? [] : [best]),
  ];
  const pad = (values: readonly number[]): [number, number] => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const room = 0.05 * Math.max(1e-6, most - least);
    return [least - room, most + room];
  };
  const [xDomain, yDomain] = [pad(xs), pad(ys)];
  const at = ({ x, y }: Place): readonly [number, number] => [
    frame.left + ((x - xDomain[0]) / (xDomain[1] - xDomain[0])) * (options.width - frame.left - frame.right),
    height - frame.bottom - ((y - yDomain[0]) / (yDomain[1] - yDomain[0])) * (height - frame.top - frame.bottom),
  ];
  const labels = placed([...measured, ...scripted], at, options.width - frame.right);
  const textOf = (own: readonly Place[], strong: boolean) =>
    labels
      .filter(({ place }) => own.includes(place))
      .map(({ place, dx, dy, anchor }) =>
        Plot.text([place], {
          x: "x",
          y: "y",
          text: "label",
          dx,
          dy,
          textAnchor: anchor,
          fill: strong ? colour("ink") : colour("muted"),
          fontWeight: strong ? 600 : 400,
          fontSize: strong ? 12 : 11,
          stroke: colour("paper"),
          strokeWidth: 3,
        }),
      );
  return plot(options, {
    height,
    marginLeft: frame.left,
    marginRight: frame.right,
    marginTop: frame.top,
    marginBottom: frame.bottom,
    x: { domain: xDomain, label: null },
    y: { domain: yDomain, label: null },
    marks: [
      Plot.axisX({
        ticks: 5,
        tickSize: 0,
        label: "worst case q - r per round →",
        labelArrow: "none",
        color: colour("muted"),
        fontSize: 11,
      }),
      Plot.axisY({ ticks: 5, tickSize: 0, label: `↑ ${title}`, labelArrow: "none", color: colour("muted"), fontSize: 11 }),
      Plot.gridX({ ticks: 5, stroke: colour("rule"), strokeOpacity: 1 }),
      Plot.gridY({ ticks: 5, stroke: colour("rule"), strokeOpacity: 1 }),
      ...(best === undefined
        ? []
        : [
            Plot.ruleY([best], { stroke: colour("ink"), strokeDasharray: "3 3" }),
            Plot.text(["J*"], { y: () => best, frameAnchor: "right", textAnchor: "end", dy: -7, fill: colour("ink") }),
          ]),
      Plot.dot(scripted, { x: "x", y: "y", r: 3, fill: colour("faint"), title: "label" }),
      ...textOf(scripted, false),
      Plot.ruleY(measured, { y: "y", x1: "x1", x2: "x2", stroke: "colour", strokeWidth: 2 }),
      Plot.ruleX(measured, { x: "x", y1: "y1", y2: "y2", stroke: "colour", strokeWidth: 2 }),
      Plot.dot(measured, { x: "x", y: "y", r: 5.5, fill: "colour" }),
      ...textOf(measured, true),
    ],
  });
}

interface Label {
  readonly place: Place;
  readonly dx: number;
  readonly dy: number;
  readonly anchor: "start" | "end" | "middle";
}

/** Labels where they touch neither another label nor a dot; those that find no room are left to the table. */
function placed(places: readonly Place[], at: (place: Place) => readonly [number, number], right: number): Label[] {
  const taken: (readonly [number, number, number, number])[] = places.map((place) => {
    const [x, y] = at(place);
    return [x - 5, y - 5, x + 5, y + 5];
  });
  const found: Label[] = [];
  for (const [i, place] of places.entries()) {
    const [x, y] = at(place);
    const width = 6.3 * place.label.length;
    const tries: readonly (Label & { readonly left: number })[] = [
      { place, dx: 9, dy: 0, anchor: "start", left: x + 9 },
      { place, dx: -9, dy: 0, anchor: "end", left: x - 9 - width },
      { place, dx: 0, dy: -13, anchor: "middle", left: x - width / 2 },
      { place, dx: 0, dy: 13, anchor: "middle", left: x - width / 2 },
      { place, dx: 8, dy: -11, anchor: "start", left: x + 8 },
      { place, dx: 8, dy: 11, anchor: "start", left: x + 8 },
    ];
    const label = tries.find(({ left, dy }) => {
      const box = [left, y + dy - 7, left + width, y + dy + 7] as const;
      if (box[0] < 30 || box[2] > right) return false;
      return taken.every(([x1, y1, x2, y2], j) => j === i || box[2] < x1 || box[0] > x2 || box[3] < y1 || box[1] > y2);
    });
    if (label === undefined) continue;
    taken.push([label.left, y + label.dy - 7, label.left + width, y + label.dy + 7]);
    found.push(label);
  }
  return found;
}
