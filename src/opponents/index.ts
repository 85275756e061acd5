/** The rosters by game name, and policies by name. */
import { type GameName, GAME_NAMES, GameError, type Policy, type Protocol, gameName, listed } from "../games/index.ts";
import { auctionRoster } from "./auction.ts";
import { ipdRoster } from "./ipd.ts";
import { kuhnRoster } from "./kuhn.ts";
import { negotiationRoster } from "./negotiation.ts";
import { POOLS, type Roster } from "./roster.ts";
import { splitRoster } from "./split.ts";

export * from "./roster.ts";

const MAKERS: Record<GameName, (protocol: Protocol) => Roster> = {
  ipd: ipdRoster,
  auction: auctionRoster,
  split: splitRoster,
  negotiation: negotiationRoster,
  kuhn: kuhnRoster,
};

const made = new Map<string, Roster>();

/** The roster of a game under a protocol; throws `GameError` listing the names there are. */
export function rosterOf(game: string, { protocol = "corrected" }: { readonly protocol?: Protocol } = {}): Roster {
  const key = `${protocol} ${game}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const roster = MAKERS[gameName(game)](protocol);
  made.set(key, roster);
  return roster;
}

/** The rosters of every game. */
export const allRosters = (protocol: Protocol = "corrected"): readonly Roster[] =>
  GAME_NAMES.map((name) => rosterOf(name, { protocol }));

/** Every scripted policy of a roster by name: opponents of all pools, then experts. */
export function policiesOf(roster: Roster): ReadonlyMap<string, Policy> {
  const all = [...POOLS.flatMap((pool) => roster.pools[pool]), ...roster.experts.map(({ policy }) => policy)];
  return new Map(all.toReversed().map((policy) => [policy.name, policy]));
}

/** A roster's policy by name; throws `GameError` listing the names there are. */
export function policyNamed(roster: Roster, name: string): Policy {
  const policy = policiesOf(roster).get(name);
  if (policy === undefined)
    throw new GameError(
      `${roster.game.facts.name} has no policy called "${name}"; expected one of ${listed([...policiesOf(roster).keys()].toSorted())}`,
    );
  return policy;
}
