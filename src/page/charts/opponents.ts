/** Agents by opponents, one measure at a time, the opponents by pool. */
import * as Plot from "@observablehq/plot";
import type { ViewData, ViewEstimate, ViewGame } from "../../report/view/data.ts";
import { MEASURES, type MeasureName } from "../../report/view/quantities.ts";
import { colour } from "../theme.ts";
import { type Chart, fitted, plot } from "./chart.ts";
import { agentsIn, measuredAs, shown, shownValue } from "./format.ts";

const POOL_TITLES: Readonly<Record<string, string>> = {
  train: "train pool",
  exploiter: "exploiter pool",
  collusive: "collusive pool",
  "held-out": "held-out pool, never trained on",
};

const SHADES: Readonly<Record<MeasureName, string>> = {
  payoff: "more payoff is darker",
  gap: "red where the opponent earns more than the agent, blue where the agent does",
  regret: "payoff that the exact best reply would add; darker is worse",
  collusion: "share of rounds with a collusive act; darker is worse",
  externality: "harm to others; darker is worse",
  welfare: "payoff of both together; more is darker",
};

interface Cell {
  readonly row: string;
  readonly agent: string;
  readonly found: ViewEstimate;
  readonly href: string | null;
}

/** `link` makes the address that a cell leads to, such as the episodes it was made from. */
export function opponentChart(
  data: ViewData,
  game: ViewGame,
  measure: MeasureName,
  link?: (where: { readonly agent: string; readonly opponent: string; readonly pool: string }) => string,
): Chart {
  const agents = agentsIn(data, game.name);
  const { title, scale } = MEASURES.find(({ name }) => name === measure)!;
  const opponents =
    agents[0]?.own.opponents.map(({ pool, opponent }) => ({ pool, opponent, row: `${pool}/${opponent}` })) ?? [];
  const find = (agent: (typeof agents)[number], pool: string, opponent: string) =>
    agent.own.opponents.find((one) => one.pool === pool && one.opponent === opponent)?.values[measure];
  const cells = opponents.flatMap(({ pool, opponent, row }) =>
    agents.flatMap((one): Cell[] => {
      const found = find(one, pool, opponent);
      const { label } = one.agent;
      return found === undefined ? [] : [{ row, agent: label, found, href: link?.({ agent: label, opponent, pool }) ?? null }];
    }),
  );
  return {
    id: `opponents-${measure}`,
    title: `${game.title}: ${title} against each opponent`,
    caption:
      `Mean ${title} per round${scale === "harm" && measure !== "regret" ? "" : `, in ${game.unit}`}; ${SHADES[measure]}. ` +
      `95% intervals are in the table. ${measuredAs(data, game)}`,
    table: {
      title: `${game.title}: ${title} per round`,
      head: ["pool", "opponent", ...agents.map(({ agent }) => agent.label)],
      rows: opponents.map(({ pool, opponent }) => [
        pool,
        opponent,
        ...agents.map((one) => {
          const found = find(one, pool, opponent);
          return found === undefined ? "" : shown(found);
        }),
      ]),
    },
    draw: (options) =>
      heatMap(
        options,
        agents.map(({ agent }) => agent.label),
        opponents,
        cells,
        scale,
      ),
  };
}

function heatMap(
  options: Parameters<Chart["draw"]>[0],
  agents: readonly string[],
  opponents: readonly { readonly pool: string; readonly opponent: string; readonly row: string }[],
  cells: readonly Cell[],
  scale: (typeof MEASURES)[number]["scale"],
): SVGSVGElement {
  const pools = [...new Set(opponents.map(({ pool }) => pool))];
  const domain = pools.flatMap((pool) => [
    `pool ${pool}`,
    ...opponents.filter((one) => one.pool === pool).map(({ row }) => row),
  ]);
  const values = cells.map(({ found }) => found.value);
  const most = Math.max(1e-9, ...values.map(Math.abs));
  const least = scale === "value" ? Math.min(0, ...values) : 0;
  /** 0 to 1: how dark. */
  const shade = ({ found: { value } }: Cell): number =>
    scale === "value" ? (value - least) / Math.max(1e-9, most - least) : Math.abs(value) / most;
  const fill = ({ found: { value } }: Cell): string =>
    scale === "value" || (scale === "signed" && value < 0) ? colour("good") : colour("harm");
  const marginLeft = Math.min(options.width * 0.42, 18 + 6.4 * Math.max(...opponents.map(({ opponent }) => opponent.length)));
  const room = (options.width - marginLeft) / Math.max(1, agents.length);
  return plot(options, {
    height: 26 * domain.length + 26,
    marginLeft,
    marginTop: 24,
    marginRight: 0,
    marginBottom: 2,
    x: { domain: agents, axis: null, padding: 0.03 },
    y: { domain, axis: null, padding: 0.08 },
    marks: [
      Plot.text(agents, {
        x: (agent: string) => agent,
        text: (agent: string) => fitted(agent, room),
        frameAnchor: "top",
        dy: -12,
        fill: colour("ink"),
        fontWeight: 600,
      }),
      Plot.text(pools, {
        y: (pool: string) => `pool ${pool}`,
        text: (pool: string) => POOL_TITLES[pool] ?? pool,
        frameAnchor: "left",
        dx: -marginLeft,
        dy: 4,
        textAnchor: "start",
        fill: colour("muted"),
      }),
      Plot.text(opponents, {
        y: "row",
        text: ({ opponent }: { opponent: string }) => fitted(opponent, marginLeft - 10),
        frameAnchor: "left",
        dx: -8,
        textAnchor: "end",
        fill: colour("ink"),
      }),
      Plot.cell(cells, {
        x: "agent",
        y: "row",
        fill,
        fillOpacity: (cell: Cell) => 0.06 + 0.5 * shade(cell),
        rx: 3,
        href: "href",
        title: ({ agent, row, found }: Cell) => `${agent} against ${row.split("/").slice(1).join("/")}: ${shown(found)}`,
      }),
      Plot.text(cells, {
        x: "agent",
        y: "row",
        text: ({ found }: Cell) => shownValue(found.value, 2),
        fill: colour("ink"),
        fontVariant: "tabular-nums",
        pointerEvents: "none",
      }),
    ],
  });
}
