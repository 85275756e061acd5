/** Numbers and names as the tables of `sepo report` print them. */
import { interval } from "../../report/table.ts";
import { type ViewAgent, type ViewData, type ViewEstimate, type ViewGame } from "../../report/view/data.ts";

/** `1.234 [1.200, 1.268]`, by the function of the tables; unknown ends print as `?`. */
export const shown = ({ value, low, high, n }: ViewEstimate, places = 3): string =>
  interval({ value, low: low ?? -Infinity, high: high ?? Infinity, n, standardError: 0 }, places);

/** The same without its interval. */
export const shownValue = (value: number, places = 3): string =>
  (Math.abs(value) < 0.5 * 10 ** -places ? 0 : value).toFixed(places);

/**
 * The place that gives an agent its colour: among all agents, or among those of its run where no game has agents of two runs, so that
 * base, SFT and SEPO have the same colours in every game.
 */
export function placeOf({ agents }: Pick<ViewData, "agents">, index: number): number {
  return areApart({ agents }) ? agents.slice(0, index).filter(({ run }) => run === agents[index].run).length : index;
}

/** An agent's name in a chart of one game: its stage says enough where all the game's agents are of one run. */
const nameIn = (data: Pick<ViewData, "agents">, { label, stage }: ViewAgent): string =>
  stage !== undefined && areApart(data) ? stage : label;

/** Whether there are several runs, and no game has agents of two of them. */
function areApart({ agents }: Pick<ViewData, "agents">): boolean {
  const games = new Set(agents.flatMap((agent) => agent.games.map(({ game }) => game)));
  const runsOf = (game: string) =>
    new Set(agents.flatMap(({ run, games: own }) => (own.some((one) => one.game === game) ? [run] : [])));
  return new Set(agents.map(({ run }) => run)).size > 1 && [...games].every((game) => runsOf(game).size === 1);
}

/** An agent with the place that gives its colour. */
export interface AgentIn {
  readonly index: number;
  /** Its name where a game is named beside it. */
  readonly name: string;
  readonly agent: ViewAgent;
  readonly own: ViewAgent["games"][number];
}

/** The agents that were measured in a game. */
export const agentsIn = (data: ViewData, game: string): AgentIn[] =>
  data.agents.flatMap((agent, i) =>
    agent.games
      .filter((own) => own.game === game)
      .map((own) => ({ index: placeOf(data, i), name: nameIn(data, agent), agent, own })),
  );

/** Seeds and episodes for captions. */
export function seedsOf({ runs }: Pick<ViewData, "runs">): string {
  const seeds = [...new Set(runs.flatMap(({ seed }) => (seed === undefined ? [] : [seed])))];
  if (seeds.length === 0) return "";
  return seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds.join(", ")}`;
}

/** How a chart's numbers were measured, for the end of its caption. */
export const measuredAs = (data: ViewData, { protocol }: ViewGame): string =>
  `Measured under ${protocol}${seedsOf(data) === "" ? "" : `; ${seedsOf(data)}`}.`;
