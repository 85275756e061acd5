/** The rosters by game name, and policies by name. */
import { GameError, type Policy } from "../games/index.ts";
import { ipdRoster } from "./ipd.ts";
import { kuhnRoster } from "./kuhn.ts";
import { POOLS, type Roster } from "./roster.ts";

export * from "./roster.ts";

export const ROSTERS: readonly Roster[] = [ipdRoster, kuhnRoster];

/** The roster of a game; throws `GameError` listing the names there are. */
export function rosterOf(game: string): Roster {
  const roster = ROSTERS.find((candidate) => candidate.game.facts.name === game);
  if (roster === undefined)
    throw new GameError(`no game is called "${game}"; expected one of ${ROSTERS.map((r) => r.game.facts.name).join(", ")}`);
  return roster;
}

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
      `${roster.game.facts.name} has no policy called "${name}"; expected one of ${[...policiesOf(roster).keys()].toSorted().join(", ")}`,
    );
  return policy;
}
