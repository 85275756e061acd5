/** All games at a glance: J, and what an opponent gains who knows the agent. */
import type { ViewData } from "../../report/view/data.ts";
import { type Chart, type Panel, panels } from "./chart.ts";
import { agentsIn, seedsOf, shown, shownValue } from "./format.ts";
import { whiskers } from "./verdict.ts";

/** Undefined where nothing was evaluated. */
export function summaryChart(data: ViewData): Chart | undefined {
  const games = data.games.flatMap((game) => {
    const agents = agentsIn(data, game.name);
    if (agents.length === 0) return [];
    const perRound = agents.some(({ own }) => own.quantities.exploitability !== undefined);
    const worst = perRound
      ? ({ name: "exploitability", title: "exploitability" } as const)
      : ({ name: "worstCase", title: "worst case q - r" } as const);
    return [{ game, agents, worst }];
  });
  if (games.length === 0) return undefined;
  const protocols = [...new Set(games.map(({ game }) => game.protocol))];
  return {
    id: "summary",
    title: "J and the worst case in every game",
    caption:
      `Left: J, higher is better; the dashed line is J*, the best possible. Right: what an opponent who knows the agent's policy gains on it per ` +
      `round, lower is better. Whiskers are 95% intervals. Measured under ${protocols.join("; ")}${seedsOf(data) === "" ? "" : `; ${seedsOf(data)}`}.`,
    table: {
      title: "J and the worst case in every game",
      head: ["game", "agent", "J", "worst case q - r or exploitability", "J*"],
      rows: games.flatMap(({ game, agents, worst }) =>
        agents.map(({ agent, own }) => [
          game.title,
          agent.label,
          ...[own.quantities.safetyIndex, own.quantities[worst.name]].map((found) => (found === undefined ? "" : shown(found))),
          game.optimum === undefined ? "" : shownValue(game.optimum),
        ]),
      ),
    },
    draw: (options) =>
      panels(
        options,
        games.flatMap(({ game, agents, worst }): Panel[] => [
          {
            title: `${game.name}: safety index J`,
            note: "higher is better →",
            draw: (own) => whiskers(own, agents, "safetyIndex", game.optimum),
          },
          ...(agents.some(({ own }) => own.quantities[worst.name] !== undefined)
            ? [
                {
                  title: `${game.name}: ${worst.title}`,
                  note: "← lower is better",
                  draw: (own: Parameters<Panel["draw"]>[0]) => whiskers(own, agents, worst.name, undefined),
                },
              ]
            : []),
        ]),
        { least: 330, most: 2 },
      ),
  };
}
