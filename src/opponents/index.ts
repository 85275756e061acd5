/** The rosters by game name, and policies by name. */
import {
  GAME_NAMES,
  GameError,
  type GameSettings,
  type Policy,
  type Protocol,
  bySettings,
  listed,
  withWeights,
} from "../games/index.ts";
import { auctionRoster } from "./auction.ts";
import { ipdRoster } from "./ipd.ts";
import { kuhnRoster } from "./kuhn.ts";
import { negotiationRoster } from "./negotiation.ts";
import { POOLS, type Roster } from "./roster.ts";
import { splitRoster } from "./split.ts";

export { checkRoster } from "./check.ts";
export * from "./roster.ts";

/** The roster of a game: of the standard one, or of the one of the settings. */
export const rosterOf: (name: string, settings?: GameSettings) => Roster = bySettings<Roster>({
  make: { ipd: ipdRoster, auction: auctionRoster, split: splitRoster, negotiation: negotiationRoster, kuhn: kuhnRoster },
  weigh(roster, weights) {
    const game = withWeights(roster.game, weights);
    const { round, cycle } = roster;
    if (game === roster.game) return roster;
    return {
      ...roster,
      game,
      ...(round === undefined ? {} : { round: withWeights(round, weights) }),
      ...(cycle === undefined ? {} : { cycle: withWeights(cycle, weights) }),
    };
  },
});

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
