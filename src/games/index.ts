/** The games by name. */
import { auction } from "./auction.ts";
import { type Game, GameError, type Protocol } from "./game.ts";
import { ipd } from "./ipd.ts";
import { kuhn } from "./kuhn.ts";
import { negotiation } from "./negotiation.ts";
import { split } from "./split.ts";

export * from "./game.ts";
export { type NumberList, type WordAndNumber, numberList, wordAndNumber, words } from "./grammar.ts";
export { tokensOf } from "./line.ts";
export { PARSE_FAILURES, type ParseFailureCause, type ParseOptions, type Parsed, parse } from "./parse.ts";
export { auction, ipd, kuhn, negotiation, split };

const MAKERS = { ipd, auction, split, negotiation, kuhn } satisfies Record<string, (o: { protocol: Protocol }) => Game>;
export type GameName = keyof typeof MAKERS;
export const GAME_NAMES: readonly GameName[] = ["ipd", "auction", "split", "negotiation", "kuhn"];

const made = new Map<string, Game>();

/** The same name, as one of those there are; throws `GameError` listing them. */
export function gameName(name: string): GameName {
  const known = GAME_NAMES.find((candidate) => candidate === name);
  if (known === undefined) throw new GameError(`no game is called "${name}"; expected one of ${GAME_NAMES.join(", ")}`);
  return known;
}

/** The game of a name under a protocol; throws `GameError` listing the names there are. */
export function gameNamed(name: string, protocol: Protocol = "corrected"): Game {
  const key = `${protocol} ${name}`;
  const game: Game = made.get(key) ?? MAKERS[gameName(name)]({ protocol });
  made.set(key, game);
  return game;
}
