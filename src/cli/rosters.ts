/** Games as the command line names them: built-in ones by name, others by the path of their module. */
import { GAME_NAMES, type Protocol, type WordingName } from "../games/index.ts";
import type { Roster } from "../opponents/index.ts";
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
