/** The games by name. */
import type { z } from "zod";
import { auction, auctionOptions } from "./auction.ts";
import { type Game, GameError, type Protocol } from "./game.ts";
import { ipd, ipdOptions } from "./ipd.ts";
import { kuhn, kuhnOptions } from "./kuhn.ts";
import { negotiation, negotiationOptions } from "./negotiation.ts";
import { type GameSettings, readGameSettings, readOptions, withWeights } from "./settings.ts";
import { split, splitOptions } from "./split.ts";

export { checkFacts } from "./facts.ts";
export * from "./game.ts";
export { type NumberList, type WordAndNumber, numberList, wordAndNumber, words } from "./grammar.ts";
export { tokensOf } from "./line.ts";
export { PARSE_FAILURES, type ParseFailureCause, type ParseOptions, type Parsed, parse } from "./parse.ts";
export { type GameSettings, describeSettings, harmWeightsSchema, readOptions, sameSettings, withWeights } from "./settings.ts";
export { WORDINGS, type Wording, type WordingName, howToAnswer, wordingOption } from "./wordings.ts";
export { auction, ipd, kuhn, negotiation, split };

/** The options of every game: a zod schema with descriptions and the standard game's values as defaults. */
export const GAME_OPTIONS = {
  ipd: ipdOptions,
  auction: auctionOptions,
  split: splitOptions,
  negotiation: negotiationOptions,
  kuhn: kuhnOptions,
} satisfies Record<string, z.ZodObject>;
export type GameName = keyof typeof GAME_OPTIONS;
export const GAME_NAMES: readonly GameName[] = ["ipd", "auction", "split", "negotiation", "kuhn"];

/** Options of a game that were read, with the protocol: what its maker takes. */
export type MakerOptions<Name extends GameName> = z.output<(typeof GAME_OPTIONS)[Name]> & { readonly protocol: Protocol };

/** Something made for a game of given settings, once for each: its game, its roster. */
export interface Makers<Made> {
  readonly make: { readonly [Name in GameName]: (options: MakerOptions<Name>) => Made };
  readonly weigh: (made: Made, weights: GameSettings["weights"]) => Made;
}

/**
 * A function from a game's name and settings to what `make` makes of them; equal settings give the same object. Throws `GameError` when
 * no game has the name, or a setting does not exist or has a wrong value.
 */
export function bySettings<Made>({ make, weigh }: Makers<Made>): (name: string, settings?: GameSettings) => Made {
  const made = new Map<string, Made>();
  const once = (key: string, create: () => Made): Made => {
    const result = made.get(key) ?? create();
    made.set(key, result);
    return result;
  };
  /** Makes the game called `name` without weights of its own. */
  const maker =
    <Name extends GameName>(name: Name, makeOne: Makers<Made>["make"][Name]) =>
    (protocol: Protocol, given: unknown) => {
      const options = readOptions(name, GAME_OPTIONS[name], given);
      const key = JSON.stringify([name, protocol, options]);
      return { key, base: once(key, () => makeOne({ ...options, protocol })) };
    };
  const makers = {
    ipd: maker("ipd", make.ipd),
    auction: maker("auction", make.auction),
    split: maker("split", make.split),
    negotiation: maker("negotiation", make.negotiation),
    kuhn: maker("kuhn", make.kuhn),
  };
  return (name, settings = {}) => {
    const { protocol, options, weights } = readGameSettings(name, settings);
    const { key, base } = makers[gameName(name)](protocol, options);
    const given = Object.entries(weights)
      .filter(([, value]) => value !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return given.length === 0 ? base : once(JSON.stringify([key, given]), () => weigh(base, weights));
  };
}

/** The same name, as one of those there are; throws `GameError` listing them. */
export function gameName(name: string): GameName {
  const known = GAME_NAMES.find((candidate) => candidate === name);
  if (known === undefined) throw new GameError(`no game is called "${name}"; expected one of ${GAME_NAMES.join(", ")}`);
  return known;
}

/** The game of a name: the standard one, or the one of the settings. */
export const gameNamed: (name: string, settings?: GameSettings) => Game = bySettings<Game>({
  make: { ipd, auction, split, negotiation, kuhn },
  weigh: withWeights,
});
