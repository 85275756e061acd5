/** What the agents do at each information key, beside the reference policy and the range that equilibria allow. */
import * as Plot from "@observablehq/plot";
import type { ViewData, ViewEstimate, ViewGame } from "../../report/view/data.ts";
import { actionColour, agentColour, colour } from "../theme.ts";
import { type Chart, type DrawOptions, fitted, plot, withLegend } from "./chart.ts";
import { type AgentIn, agentsIn, measuredAs, shown, shownValue } from "./format.ts";

/** Of two actions the one whose probability is drawn, where readers know the game by it; else the first. */
const KNOWN_BY = ["COOPERATE", "BET", "CALL"];

/** Keys drawn unless all are asked for. */
const FEW_KEYS = 8;

interface Row {
  readonly key: string;
  readonly title: string;
  readonly actions: readonly string[];
  readonly theory?: Readonly<Record<string, readonly [number, number]>> | undefined;
}

export interface PolicyOptions {
  /** Every key, also where there are many. */
  readonly all?: boolean;
}

/** Undefined where no action table was measured. */
export function policyChart(data: ViewData, game: ViewGame, { all = false }: PolicyOptions = {}): Chart | undefined {
  const agents = agentsIn(data, game.name).filter(({ own }) => own.actionTable.length > 0);
  if (agents.length === 0) return undefined;
  const rows = rowsOf(game, agents);
  const binary = rows.every(({ actions }) => actions.length === 2);
  const drawn = all || binary ? rows : mostMet(rows, agents).slice(0, FEW_KEYS);
  const band = game.theory === undefined ? "" : `; the grey band is the range of ${game.theory}`;
  const left =
    drawn.length < rows.length
      ? ` ${drawn.length} of ${rows.length} keys are drawn, those that most agents met; the table has all.`
      : "";
  return {
    id: "policy",
    title: `${game.title}: action probabilities beside ${game.reference}`,
    caption: binary
      ? `Dots are each agent's probability of the action named, by what it knows; whiskers are 95% intervals over the positions shown. ` +
        `The bar is ${game.reference}${band}. Hollow dots: the agent never met this key in play. ${measuredAs(data, game)}`
      : `Shares of each action by what the agent knows, ${game.reference} below the agents.${left} ` +
        `Pale rows: the agent never met this key in play. ${measuredAs(data, game)}`,
    table: tableOf(game, agents, rows),
    draw: (options) => (binary ? dots(options, agents, drawn, game) : bars(options, agents, drawn, game)),
  };
}

/** The keys that most agents met, in the order of play. */
function mostMet(rows: readonly Row[], agents: readonly AgentIn[]): Row[] {
  const met = ({ key }: Row): number => agents.filter((one) => isMet(one, key)).length;
  const most = Math.max(...rows.map(met));
  const by = rows.toSorted((a, b) => met(b) - met(a));
  return most === 0 ? [...rows] : by.filter((row) => met(row) > 0);
}

const isMet = ({ own }: AgentIn, key: string): boolean => own.actionTable.find((row) => row.key === key)?.met ?? false;

function rowsOf({ keys }: ViewGame, agents: readonly AgentIn[]): Row[] {
  const rows = agents[0].own.actionTable.map(({ key, actions }): Row => {
    const known = keys.find((one) => one.key === key);
    return { key, title: known?.title ?? key, actions: actions.map(({ action }) => action), theory: known?.theory };
  });
  const place = new Map(keys.map(({ key }, i) => [key, i]));
  return rows.toSorted((a, b) => (place.get(a.key) ?? 0) - (place.get(b.key) ?? 0));
}

interface Probability {
  readonly probability: ViewEstimate;
  readonly reference: number;
  readonly met: boolean;
}

function probabilityOf({ own }: AgentIn, key: string, action: string): Probability | undefined {
  const row = own.actionTable.find((one) => one.key === key);
  const found = row?.actions.find((one) => one.action === action);
  return row && found && { probability: found.probability, reference: found.reference, met: row.met };
}

const tableOf = (game: ViewGame, agents: readonly AgentIn[], rows: readonly Row[]): Chart["table"] => ({
  title: `${game.title}: probability of each action per information key`,
  head: [
    "key",
    "action",
    ...agents.map(({ agent }) => agent.label),
    game.reference,
    ...(game.theory === undefined ? [] : ["equilibria"]),
  ],
  rows: rows.flatMap(({ key, actions, theory }) =>
    actions.map((action) => [
      key,
      action,
      ...agents.map((one) => {
        const found = probabilityOf(one, key, action);
        return found === undefined ? "" : `${shown(found.probability, 2)}${found.met ? "" : " (not met)"}`;
      }),
      shownValue(probabilityOf(agents[0], key, action)?.reference ?? 0, 2),
      ...(game.theory === undefined ? [] : [theory?.[action]?.map((end) => shownValue(end, 2)).join(" to ") ?? ""]),
    ]),
  ),
});

const legendOf = (agents: readonly AgentIn[]) =>
  agents.map(({ index, agent }) => ({ name: agent.label, colour: agentColour(index) }));

/** Probabilities of one of two actions on a line from 0 to 1. */
function dots(options: DrawOptions, agents: readonly AgentIn[], rows: readonly Row[], game: ViewGame): SVGSVGElement {
  const step = 7;
  const height = 34 + step * agents.length;
  const lanes = rows.map(({ key, title, actions, theory }) => {
    const action = actions.find((one) => KNOWN_BY.includes(one)) ?? actions[0];
    return {
      key,
      label: title.replace(/ [A-Z]+ or [A-Z]+\?$/, ""),
      action: `P(${action})`,
      chosen: action,
      reference: probabilityOf(agents[0], key, action)?.reference ?? 0,
      theory: theory?.[action],
    };
  });
  const top = (height - step * agents.length) / 2 - 1;
  const offset = (i: number): number => top / 2 + (i - (agents.length - 1) / 2) * step + 2;
  const points = agents.map(({ index }, i) => ({
    index,
    dy: offset(i),
    found: lanes.flatMap(({ key, chosen }) => {
      const one = probabilityOf(agents[i], key, chosen);
      if (one === undefined) return [];
      const { value, low, high } = one.probability;
      return [{ key, value, low: low ?? value, high: high ?? value, met: one.met }];
    }),
  }));
  const reach = (step * agents.length) / 2 + 3;
  const bands = lanes.flatMap(({ key, theory }) =>
    theory === undefined ? [] : [{ key, least: theory[0] - 0.004, most: theory[1] + 0.004 }],
  );
  const picture = plot(options, {
    height: lanes.length * height + 24,
    marginLeft: 8,
    marginRight: 8,
    marginTop: 0,
    marginBottom: 22,
    x: { domain: [0, 1], label: null },
    y: { domain: lanes.map(({ key }) => key), axis: null, padding: 0 },
    marks: [
      Plot.axisX([0, 0.25, 0.5, 0.75, 1], {
        tickFormat: (p: number) => String(p),
        tickSize: 0,
        label: null,
        color: colour("muted"),
        fontSize: 11,
      }),
      Plot.gridX([0, 0.25, 0.5, 0.75, 1], { stroke: colour("rule"), strokeOpacity: 1 }),
      Plot.ruleY(bands, {
        y: "key",
        x1: "least",
        x2: "most",
        stroke: colour("band"),
        strokeWidth: 2 * reach,
        strokeOpacity: 0.8,
        dy: top / 2 + 2,
      }),
      Plot.tickX(lanes, {
        x: "reference",
        y: "key",
        stroke: colour("ink"),
        strokeWidth: 1.5,
        insetTop: top + 4,
        insetBottom: 2,
      }),
      ...points.flatMap(({ index, dy, found }) => [
        Plot.ruleY(found, { y: "key", x1: "low", x2: "high", stroke: agentColour(index), strokeWidth: 2, dy }),
        Plot.dot(found, {
          y: "key",
          x: "value",
          stroke: agentColour(index),
          fill: ({ met }: { met: boolean }) => (met ? agentColour(index) : colour("paper")),
          r: 3.5,
          dy,
        }),
      ]),
      Plot.text(lanes, {
        y: "key",
        text: ({ label }: { label: string }) => fitted(label, options.width - 110),
        frameAnchor: "left",
        textAnchor: "start",
        dx: -6,
        dy: -height / 2 + 12,
        fill: colour("ink"),
      }),
      Plot.text(lanes, {
        y: "key",
        text: "action",
        frameAnchor: "right",
        textAnchor: "end",
        dx: 6,
        dy: -height / 2 + 12,
        fill: colour("muted"),
      }),
    ],
  });
  return withLegend(options, [...legendOf(agents), { name: game.reference, colour: colour("ink") }], picture);
}

/** Shares of several actions as bars that sum to 1, a group of bars for each key. */
function bars(options: DrawOptions, agents: readonly AgentIn[], rows: readonly Row[], game: ViewGame): SVGSVGElement {
  const actions = rows[0]?.actions ?? [];
  const who = [...agents.map(({ agent }) => agent.label), game.reference];
  const domain = rows.flatMap(({ key }) => [`${key}\u0000`, ...who.map((name) => `${key}\u0000${name}`)]);
  const pieces = rows.flatMap(({ key, actions: own }) =>
    own.flatMap((action, i) => [
      ...agents.flatMap((one) => {
        const found = probabilityOf(one, key, action);
        if (found === undefined) return [];
        const { value } = found.probability;
        return [
          {
            lane: `${key}\u0000${one.agent.label}`,
            value,
            fill: actionColour(i, own.length),
            opacity: found.met ? 1 : 0.3,
            action,
          },
        ];
      }),
      {
        lane: `${key}\u0000${game.reference}`,
        value: probabilityOf(agents[0], key, action)?.reference ?? 0,
        fill: actionColour(i, own.length),
        opacity: 1,
        action,
      },
    ]),
  );
  const marginLeft = Math.min(options.width * 0.34, 14 + 6.4 * Math.max(...who.map((name) => name.length)));
  const picture = plot(options, {
    height: 17 * domain.length + 24,
    marginLeft,
    marginRight: 8,
    marginTop: 0,
    marginBottom: 22,
    x: { domain: [0, 1], label: null },
    y: { domain, axis: null, padding: 0.14 },
    marks: [
      Plot.axisX([0, 0.25, 0.5, 0.75, 1], {
        tickFormat: (p: number) => String(p),
        tickSize: 0,
        label: null,
        color: colour("muted"),
        fontSize: 11,
      }),
      Plot.barX(pieces, {
        y: "lane",
        x: "value",
        fill: "fill",
        fillOpacity: "opacity",
        title: ({ lane, action, value }: (typeof pieces)[number]) =>
          `${lane.split("\u0000")[1]}: ${action} ${shownValue(value, 2)}`,
      }),
      Plot.text(rows, {
        y: ({ key }: Row) => `${key}\u0000`,
        text: ({ title }: Row) => fitted(title, options.width - 10),
        frameAnchor: "left",
        textAnchor: "start",
        dx: -marginLeft,
        dy: 2,
        fill: colour("ink"),
        fontWeight: 600,
      }),
      Plot.text(
        rows.flatMap(({ key }) => who.map((name) => ({ lane: `${key}\u0000${name}`, name }))),
        {
          y: "lane",
          text: ({ name }: { name: string }) => fitted(name, marginLeft - 10),
          frameAnchor: "left",
          textAnchor: "end",
          dx: -8,
          fill: colour("muted"),
        },
      ),
    ],
  });
  return withLegend(
    options,
    actions.map((name, i) => ({ name, colour: actionColour(i, actions.length) })),
    picture,
  );
}
