/** What theory says of a game: landmarks, the reference policy, and the range of every action that equilibria allow. */
import { hasExactWorstCase, worstCaseValue } from "../../evaluation/worst-case.ts";
import { type Game, type Policy, payoffScale } from "../../games/index.ts";
import { type Roster, policiesOf } from "../../opponents/index.ts";
import { kuhnEquilibrium } from "../../opponents/kuhn.ts";
import { exactJ, optimum } from "../../solvers/index.ts";
import { expectation } from "../../solvers/expectation.ts";
import { abstractViews } from "../../solvers/walk.ts";
import type { ViewGame } from "./data.ts";

/** J* of standard games, protocol corrected, to nine places, where the solver needs seconds; `games.test.ts` computes them again. */
export const KNOWN_OPTIMA: Readonly<Record<string, number>> = {
  ipd: 1.879882813,
  auction: 0.832347944,
  split: 1.83,
  kuhn: 0.151963306,
};

/** Belief states after which J* of a game with settings of its own is given up. */
const MOST_BELIEFS = 20_000;

type Theory = Pick<ViewGame, "optimum" | "landmarks" | "keys" | "theory">;

/** Computed once for each roster. */
const computed = new WeakMap<Roster, Theory>();

export function theoryOf(roster: Roster): Theory {
  const found = computed.get(roster) ?? compute(roster);
  computed.set(roster, found);
  return found;
}

function compute(roster: Roster): Theory {
  const { game } = roster;
  const solvable = game.facts.enumerable && game.facts.fixedRounds && game.facts.average === "round";
  const best = solvable ? optimumOf(roster) : undefined;
  const family = familyOf(roster);
  return {
    ...(best === undefined ? {} : { optimum: best }),
    landmarks: solvable && hasExactWorstCase(game) ? landmarksOf(roster) : [],
    keys: game.facts.enumerable ? keysOf(game, family?.members ?? []) : [],
    ...(family === undefined ? {} : { theory: family.title }),
  };
}

function optimumOf(roster: Roster): number | undefined {
  const { facts } = roster.game;
  const standard = facts.protocol === "corrected" && Object.keys(facts.options).length === 0;
  if (standard && Object.hasOwn(KNOWN_OPTIMA, facts.name)) return KNOWN_OPTIMA[facts.name];
  try {
    return optimum(roster, { limit: MOST_BELIEFS }).value;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function landmarksOf(roster: Roster): ViewGame["landmarks"] {
  const { game, pools } = roster;
  const perRound = payoffScale(game.facts) / game.facts.rounds;
  const utility = (policy: Policy) =>
    pools.train.reduce((sum, opponent) => sum + expectation(game, policy, opponent).totals[0], 0) *
    (perRound / Math.max(1, pools.train.length));
  return [...policiesOf(roster).values()].map((policy) => ({
    policy: policy.name,
    safetyIndex: exactJ(roster, policy),
    utility: utility(policy),
    worstCase: worstCaseValue(roster, policy),
  }));
}

/** Equilibria between which every other one lies. */
function familyOf({ game }: Roster): { readonly title: string; readonly members: readonly Policy[] } | undefined {
  // What is known of one game only: Kuhn's family (1950), whose probabilities are linear in alpha.
  if (game.facts.name !== "kuhn") return undefined;
  return {
    title: "the equilibria of Kuhn (1950), alpha from 0 to 1/3",
    members: [kuhnEquilibrium("least", 0), kuhnEquilibrium("most", 1 / 3)],
  };
}

function keysOf(game: Game, family: readonly Policy[]): ViewGame["keys"] {
  // In the order of play, which is that of the walk.
  return [...abstractViews(game, [0])].map(([key, view]) => {
    const title = titleOf(game, key);
    if (family.length === 0) return { key, title };
    const played = family.map((policy) => new Map(policy.act(view)));
    const range = (action: string): [number, number] => {
      const all = played.map((actions) => actions.get(action) ?? 0);
      return [Math.min(...all), Math.max(...all)];
    };
    return { key, title, theory: Object.fromEntries(game.legal(view).map((action) => [action, range(action)])) };
  });
}

const BIDS: Readonly<Record<string, string>> = { L: "LOW", M: "MEDIUM", H: "HIGH" };

/** Information keys in words, for readers who do not know how a game abbreviates them; other games show the key itself. */
const IN_WORDS: Readonly<Record<string, (key: string) => string>> = {
  ipd: (key) => (key === "start" ? "first round" : `after ${key}: agent ${key[0]}, opponent ${key[1]}`),
  kuhn(key) {
    const [card, bets] = key.split(":");
    const before: Readonly<Record<string, string>> = {
      "": "acts first",
      P: "after their PASS",
      B: "after their BET",
      PB: "after PASS and their BET",
    };
    return `${card}, ${before[bets] ?? bets}`;
  },
  auction(key) {
    const [value, bids] = key.split(":");
    return bids === "" ? `value ${value}, first round` : `value ${value}, after ${BIDS[bids[0]]} against ${BIDS[bids[1]]}`;
  },
  split(key) {
    const [own, their] = key.split("-");
    return key === "start" ? "first round" : `after demanding ${own} against ${their}`;
  },
};

const titleOf = (game: Game, key: string): string => IN_WORDS[game.facts.name]?.(key) ?? key;
