/** Opponents and experts of the repeated first-price auction. */
import { AUCTION_BIDS, AUCTION_PRICES, type AuctionBid, type AuctionState, type AuctionView } from "../games/auction.ts";
import {
  type Distribution,
  type MakerOptions,
  type Policy,
  type Protocol,
  auction,
  certainly,
  uniformly,
} from "../games/index.ts";
import type { Expert, Roster } from "./roster.ts";

type AuctionPolicy = Policy<AuctionView>;
const lastRound = (view: AuctionView) => view.played[view.played.length - 1];

/** A bid for value 2 and one for value 4, each a distribution; nothing else matters to it. */
export const byValue = (
  name: string,
  description: string,
  atTwo: Distribution<AuctionBid>,
  atFour: Distribution<AuctionBid>,
): AuctionPolicy => ({
  name,
  description,
  act: ({ value }) => (value === 4 ? atFour : atTwo),
  memory: ({ value }) => String(value ?? ""),
});

/** `regular` with probability 1 - noise, and a uniform bid otherwise. */
const noisy = (regular: AuctionBid, noise: number): Distribution<AuctionBid> =>
  AUCTION_BIDS.map((bid) => [bid, noise / AUCTION_BIDS.length + (bid === regular ? 1 - noise : 0)] as const);

/** The bid one step above another, at most HIGH. */
const above = (bid: AuctionBid): AuctionBid => AUCTION_BIDS[Math.min(AUCTION_BIDS.indexOf(bid) + 1, AUCTION_BIDS.length - 1)];

const anyBid = uniformly(AUCTION_BIDS);
const halfValue = byValue("half-value", "Bids half its value: LOW at 2, MEDIUM at 4.", certainly("LOW"), certainly("MEDIUM"));
const conservative = byValue("conservative", "Always bids LOW.", certainly("LOW"), certainly("LOW"));
const noisyHalfValue = byValue(
  "noisy-half-value",
  "Half its value, but a uniform bid with probability 0.2.",
  noisy("LOW", 0.2),
  noisy("MEDIUM", 0.2),
);
const aggressive = byValue("aggressive", "Always bids HIGH.", certainly("HIGH"), certainly("HIGH"));
const outbidder: AuctionPolicy = {
  name: "outbidder",
  description: "MEDIUM first, then one above the other's last bid, at most HIGH.",
  act: (view) => certainly(view.played.length === 0 ? "MEDIUM" : above(lastRound(view).their)),
  memory: (view) => (view.played.length === 0 ? "" : lastRound(view).their),
};
/**
 * The symmetric Bayes-Nash equilibrium of one round in undominated bids, repeated: LOW at 2, MEDIUM at 4 (`symmetricEquilibria` finds
 * it and two that bid MEDIUM at 2, which never profits).
 */
const equilibrium = byValue(
  "equilibrium",
  "The symmetric Bayes-Nash equilibrium of a round: LOW at 2, MEDIUM at 4.",
  certainly("LOW"),
  certainly("MEDIUM"),
);
const sniper = byValue("sniper", "HIGH at 4, LOW at 2.", certainly("LOW"), certainly("HIGH"));
const uniform = byValue("uniform", "Every bid equally often.", anyBid, anyBid);
const aggressiveValue: AuctionPolicy = { ...sniper, name: "aggressive-value" };
const valueBid: AuctionPolicy = { ...halfValue, name: "value-bid" };

/** Beats the other's last bid when that leaves a profit, and bids LOW otherwise. */
const adaptive: AuctionPolicy = {
  name: "adaptive",
  description: "One above the other's last bid where that leaves a profit, else LOW; half its value first.",
  act(view) {
    if (view.played.length === 0) return halfValue.act(view);
    const bid = above(lastRound(view).their);
    return certainly(AUCTION_PRICES[bid] < (view.value ?? 0) ? bid : "LOW");
  },
  memory: (view) => `${view.value ?? ""}${view.played.length === 0 ? "" : lastRound(view).their}`,
};

/** What a bidder who does not know its value would draw: the paper's train-pool bidders ignore theirs. */
const ignoringValue = ({ name, description }: AuctionPolicy, bids: Distribution<AuctionBid>): AuctionPolicy =>
  byValue(name, `${description} (paper: whatever its value)`, bids, bids);

const trainPool: Record<Protocol, readonly AuctionPolicy[]> = {
  corrected: [halfValue, conservative, noisyHalfValue],
  paper: [ignoringValue(halfValue, certainly("MEDIUM")), conservative, ignoringValue(noisyHalfValue, noisy("MEDIUM", 0.2))],
};

const valueReason = ({ value }: AuctionView): string => `My value is ${value}.`;
/** What an action may depend on, whoever gives it: a model that learns from reasons without the other's bid never comes to use it. */
const reason = (view: AuctionView): string =>
  view.played.length === 0 ? valueReason(view) : `They last bid ${lastRound(view).their}. ${valueReason(view)}`;
const expert = (policy: AuctionPolicy, weight: number): Expert<AuctionView> => ({ policy, weight, reason });

export const auctionRoster = (options: MakerOptions<"auction">): Roster<AuctionState, AuctionView> => ({
  game: auction(options),
  pools: {
    train: trainPool[options.protocol],
    exploiter: [aggressive, outbidder],
    collusive: [{ ...conservative, name: "cartel" }],
    "held-out": [equilibrium, sniper, uniform],
  },
  experts: [
    expert(valueBid, 0.44),
    expert(aggressiveValue, 0.28),
    expert(adaptive, 0.2),
    expert({ ...uniform, name: "random" }, 0.08),
  ],
  reference: equilibrium,
  round: auction({ ...options, rounds: 1 }),
});
