/** Games as the command line names them: built-in ones by name, others by the path of their module. */
import { GAME_NAMES, type Protocol, type WordingName } from "../games/index.ts";
import type { Roster } from "../opponents/index.ts";
import { ConfigError, assign, parseConfig } from "../runs/config.ts";
import { type RunGame, openGames } from "../runs/games.ts";

/** The games named, in that order; all built-in ones when none is. Throws `GameError` or `ConfigError`. */
export function namedGames(
  names: readonly string[] = GAME_NAMES,
  protocol: Protocol = "corrected",
  wording: WordingName = "standard",
): Promise<RunGame[]> {
  const section = wording === "standard" ? {} : { wording };
  return openGames({ games: Object.fromEntries(names.map((name) => [name, section])), protocol }, process.cwd());
}

/** The rosters of the games named. */
export const namedRosters = async (...named: Parameters<typeof namedGames>): Promise<Roster[]> =>
  (await namedGames(...named)).map(({ roster }) => roster);

/** The same with keys of the games' sections set, as in a configuration: `games.kuhn.weights.collusion=0`. */
export async function rostersWith(
  assignments: readonly string[],
  names: readonly string[] = GAME_NAMES,
  protocol: Protocol = "corrected",
): Promise<Roster[]> {
  const content: Record<string, unknown> = { games: Object.fromEntries(names.map((name) => [name, {}])), protocol };
  for (const assignment of assignments) {
    if (!names.some((name) => assignment.startsWith(`games.${name}.`)))
      throw new ConfigError(`--set ${assignment}: expected a key of the games played, as games.${names[0]}.KEY=VALUE`);
    assign(content, assignment);
  }
  return (await openGames(parseConfig(content), process.cwd())).map(({ roster }) => roster);
}
