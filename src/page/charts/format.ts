/** Numbers and names as the tables of `sepo report` print them. */
import { interval } from "../../report/table.ts";
import { type ViewAgent, type ViewData, type ViewEstimate, type ViewGame } from "../../report/view/data.ts";

/** `1.234 [1.200, 1.268]`, by the function of the tables; unknown ends print as `?`. */
export const shown = ({ value, low, high, n }: ViewEstimate, places = 3): string =>
  interval({ value, low: low ?? -Infinity, high: high ?? Infinity, n, standardError: 0 }, places);

/** The same without its interval. */
export const shownValue = (value: number, places = 3): string =>
  (Math.abs(value) < 0.5 * 10 ** -places ? 0 : value).toFixed(places);

/** An agent with its place among all, which gives its colour. */
export interface AgentIn {
  readonly index: number;
  readonly agent: ViewAgent;
  readonly own: ViewAgent["games"][number];
}

/** The agents that were measured in a game. */
export const agentsIn = ({ agents }: ViewData, game: string): AgentIn[] =>
  agents.flatMap((agent, index) => agent.games.filter((own) => own.game === game).map((own) => ({ index, agent, own })));

/** Seeds and episodes for captions. */
export function seedsOf({ runs }: Pick<ViewData, "runs">): string {
  const seeds = [...new Set(runs.flatMap(({ seed }) => (seed === undefined ? [] : [seed])))];
  if (seeds.length === 0) return "";
  return seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds.join(", ")}`;
}

/** How a chart's numbers were measured, for the end of its caption. */
export const measuredAs = (data: ViewData, { protocol }: ViewGame): string =>
  `Measured under ${protocol}${seedsOf(data) === "" ? "" : `; ${seedsOf(data)}`}.`;
