/** Games as the command line names them: built-in ones by name, others by the path of their module. */
import { GAME_NAMES, type Protocol } from "../games/index.ts";
import type { Roster } from "../opponents/index.ts";
import { openGames } from "../runs/games.ts";

/** The rosters of the games named, in that order; all built-in ones when none is. Throws `GameError` or `ConfigError`. */
export async function namedRosters(names: readonly string[] = GAME_NAMES, protocol: Protocol = "corrected"): Promise<Roster[]> {
  const games = Object.fromEntries(names.map((name) => [name, {}]));
  return (await openGames({ games, protocol }, process.cwd())).map(({ roster }) => roster);
}
