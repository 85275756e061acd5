/** The games by name. */
import { type Game, GameError } from "./game.ts";
import { ipd } from "./ipd.ts";
import { kuhn } from "./kuhn.ts";

export * from "./game.ts";
export { parse, type Parsed } from "./parse.ts";
export { ipd } from "./ipd.ts";
export { kuhn } from "./kuhn.ts";

export const GAMES: readonly Game[] = [ipd(), kuhn()];

/** The game of a name; throws `GameError` listing the names there are. */
export function gameNamed(name: string): Game {
  const game = GAMES.find(({ facts }) => facts.name === name);
  if (game === undefined)
    throw new GameError(`no game is called "${name}"; expected one of ${GAMES.map(({ facts }) => facts.name).join(", ")}`);
  return game;
}
