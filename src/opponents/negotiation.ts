/** Opponents and experts of item negotiation. */
import { type MakerOptions, type Policy, certainly, negotiation } from "../games/index.ts";
import {
  type Bundle,
  ITEMS,
  type NegotiationState,
  type NegotiationView,
  bundleOf,
  demandText,
  sumOf,
  worth,
} from "../games/negotiation.ts";
import { type Expert, type Roster, uniformPolicy } from "./roster.ts";

type NegotiationPolicy = Policy<NegotiationView>;
const lastRound = (view: NegotiationView) => view.played[view.played.length - 1];

/** A policy that always demands one bundle, found from its view. `memory` must cover what the demand depends on. */
const demanding = (
  name: string,
  description: string,
  demand: (view: NegotiationView) => Bundle,
  memory: (view: NegotiationView) => string = () => "",
): NegotiationPolicy => ({ name, description, act: (view) => certainly(demandText(demand(view))), memory });

const half = ({ pool }: NegotiationView): Bundle => bundleOf((item) => Math.floor(pool[item] / 2));
const allBut = ({ pool }: NegotiationView, less: number): Bundle => bundleOf((item) => Math.max(0, pool[item] - less));
const twoThirds = ({ pool }: NegotiationView): Bundle => bundleOf((item) => Math.floor((2 * pool[item]) / 3));
/** What the other's last demand leaves of the pool. */
const leftover = (view: NegotiationView): Bundle =>
  bundleOf((item) => Math.max(0, view.pool[item] - lastRound(view).their[item]));
const theirLast = (view: NegotiationView): string => (view.played.length === 0 ? "" : lastRound(view).their.join(""));

const itemsByValue = ({ values }: NegotiationView): (0 | 1 | 2)[] =>
  ([0, 1, 2] as const).toSorted((a, b) => values[b] - values[a] || a - b);

/** Adds units of the most valued items first, as long as `fits` the bundle with one more. */
function takeByValue(view: NegotiationView, fits: (bundle: Bundle) => boolean): Bundle {
  let taken: Bundle = [0, 0, 0];
  for (const best of itemsByValue(view))
    while (taken[best] < view.pool[best]) {
      const more = bundleOf((item) => taken[item] + (item === best ? 1 : 0));
      if (!fits(more)) break;
      taken = more;
    }
  return taken;
}

const upTo = (view: NegotiationView, share: number): Bundle =>
  takeByValue(view, (bundle) => worth(view.values, bundle) <= share * worth(view.values, view.pool));
const bestHalf = (view: NegotiationView): Bundle => takeByValue(view, (bundle) => 2 * sumOf(bundle) <= sumOf(view.pool));

const fair = demanding("fair", "Half of each item, rounded down.", half);
const reciprocal = demanding(
  "reciprocal",
  "Two thirds of each first, then what the other left last round.",
  (view) => (view.played.length === 0 ? twoThirds(view) : leftover(view)),
  theirLast,
);
const conceder = demanding(
  "conceder",
  "Everything first, then one less of each per round, at most two less.",
  (view) => allBut(view, Math.min(2, view.played.length)),
  (view) => String(Math.min(2, view.played.length)),
);
const greedy = demanding(
  "greedy",
  "What it values most first, up to 3/4 of its own total value.",
  (view) => upTo(view, 3 / 4),
  (view) => upTo(view, 3 / 4).join(""),
);
const hardball = demanding("hardball", "All but one of each item.", (view) => allBut(view, 1));
const valueAware = demanding("value-aware-fair", "Half of the units, those it values most.", bestHalf, (view) =>
  bestHalf(view).join(""),
);

/** Repeats its last accepted demand with one unit more of what it values most. */
function grownDemand(view: NegotiationView): Bundle {
  const accepted = view.played.findLast(({ deal }) => deal)?.own;
  if (accepted === undefined) return half(view);
  const wanted = itemsByValue(view).find((item) => accepted[item] < view.pool[item]);
  return bundleOf((item) => accepted[item] + (item === wanted ? 1 : 0));
}
const opportunist = demanding(
  "opportunist",
  "Half of each first; then its last accepted demand plus one unit.",
  grownDemand,
  (view) => `${itemsByValue(view).join("")} ${view.played.findLast(({ deal }) => deal)?.own.join("") ?? ""}`,
);
const proportional = demanding(
  "proportional",
  "What it values most, up to half of its own total value.",
  (view) => upTo(view, 1 / 2),
  (view) => upTo(view, 1 / 2).join(""),
);
const conservative: NegotiationPolicy = { ...fair, name: "conservative" };
const adaptive = demanding(
  "adaptive",
  "Like proportional first, then what the other left last round.",
  (view) => (view.played.length === 0 ? upTo(view, 1 / 2) : leftover(view)),
  (view) => (view.played.length === 0 ? upTo(view, 1 / 2).join("") : theirLast(view)),
);
const brokeDown = (view: NegotiationView): boolean => view.played.length > 0 && !lastRound(view).deal;
const defensive = demanding(
  "defensive",
  "Two thirds of each, but half of each after a breakdown.",
  (view) => (brokeDown(view) ? half(view) : twoThirds(view)),
  (view) => String(brokeDown(view)),
);

/** Insists on what it values most, up to a share of its own total value. */
const responder = (share: number): NegotiationPolicy =>
  demanding(
    `insists-on-${share}`,
    `What it values most, up to ${share} of its own total value.`,
    (view) => upTo(view, share),
    (view) => upTo(view, share).join(""),
  );

/** What the other left, first in every reason: an action may depend on it, whoever gives it. */
const left = (view: NegotiationView): string => (view.played.length === 0 ? "" : `They left ${demandText(leftover(view))}. `);
const favourite = (view: NegotiationView): string => `${left(view)}I value ${ITEMS[itemsByValue(view)[0]]} most.`;
const halves = (view: NegotiationView): string => `${left(view)}Half of each is ${demandText(half(view))}.`;

export const negotiationRoster = (options: MakerOptions<"negotiation">): Roster<NegotiationState, NegotiationView> => {
  const experts: readonly Expert<NegotiationView>[] = [
    { policy: proportional, weight: 0.35, reason: favourite },
    { policy: conservative, weight: 0.25, reason: halves },
    { policy: adaptive, weight: 0.25, reason: favourite },
    { policy: defensive, weight: 0.15, reason: favourite },
  ];
  const game = negotiation(options);
  return {
    game,
    pools: {
      train: [fair, reciprocal, conceder],
      exploiter: [greedy, hardball],
      collusive: [fair],
      "held-out": [valueAware, opportunist, uniformPolicy(game)],
    },
    experts,
    traceOpponents: [
      [fair, 0.25],
      [reciprocal, 0.25],
      [conceder, 0.2],
      [greedy, 0.2],
      [hardball, 0.1],
    ],
    reference: proportional,
    responders: [1 / 4, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1].map(responder),
  };
};
