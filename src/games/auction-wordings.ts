/** The auction in words. */
import type { AuctionRoundSeen, AuctionView } from "./auction.ts";
import type { Wording, WordingName } from "./wordings.ts";

interface Terms {
  readonly rounds: number;
  /** Whether a loss is floored at 0. */
  readonly floored: boolean;
}

interface Phrases {
  readonly rules: (terms: Terms) => string;
  readonly score: (round: string, score: number, won: number, lost: number) => string;
  readonly past: (round: number, seen: AuctionRoundSeen) => string;
  readonly question: (value: number | undefined) => string;
}

const PHRASES: Readonly<Record<WordingName, Phrases>> = {
  standard: {
    rules: ({ rounds, floored }) =>
      `You bid in a first-price sealed-bid auction against one opponent for ${rounds} rounds. Each round each of you privately gets a ` +
      "value of 2 or 4, equally likely, and both bid at once: LOW costs 1, MEDIUM 2, HIGH 3. The higher bid wins; a coin breaks ties. " +
      `The winner gets its value minus its bid${floored ? ", but at least 0" : ", which may be below 0"}; the other gets 0. ` +
      "Bids become public, values do not.",
    score: (round, score, won, lost) => `Round ${round}. Your score: ${score}. Won: you ${won}, they ${lost}.`,
    past: (round, { value, own, their, won, payoff }) =>
      `${round}: value ${value}, you ${own}, they ${their}, ${won ? `you won ${payoff}` : "they won"}.`,
    question: (value) => `Your value is ${value}. Your bid?`,
  },
  brief: {
    rules: ({ rounds, floored }) =>
      `First-price auction with sealed bids, you and one opponent, ${rounds} rounds. Private values per round: 2 or 4, even odds. ` +
      "Both bid at once, LOW = 1, MEDIUM = 2, HIGH = 3; higher bid wins, ties by coin. " +
      `Winner: value minus bid${floored ? ", 0 at least" : ", below 0 if so"}; loser: 0. Bids are shown afterwards, values are not.`,
    score: (round, score, won, lost) => `Round ${round}. Points: ${score}. Wins: you ${won}, opponent ${lost}.`,
    past: (round, { value, own, their, won, payoff }) =>
      `${round}. Value ${value}. You: ${own}. Opponent: ${their}. ${won ? `Won, ${payoff}` : "Lost"}.`,
    question: (value) => `Value: ${value}. Your bid?`,
  },
  formal: {
    rules: ({ rounds, floored }) =>
      `An object is sold in each of ${rounds} rounds to one of two bidders, of whom you are one. In every round each bidder learns, ` +
      "in private, what the object is worth to it: 2 or 4 with equal probability. Both then submit sealed bids simultaneously; " +
      "LOW offers 1, MEDIUM 2 and HIGH 3. The object goes to the higher bid, and between equal bids a fair coin decides. The buyer receives its value less its own " +
      `bid${floored ? ", though never less than 0" : ", which can be negative"}, and the other bidder receives 0. ` +
      "Bids are published after each round; values remain private.",
    score: (round, score, won, lost) =>
      `This is round ${round}. You have received ${score} so far. Objects bought: you ${won}, the other bidder ${lost}.`,
    past: (round, { value, own, their, won, payoff }) =>
      `In round ${round} your value was ${value}; you bid ${own}, the other bidder ${their}; ${won ? `you bought and received ${payoff}` : "the other bidder bought"}.`,
    question: (value) => `The object is worth ${value} to you. Which bid do you submit?`,
  },
  everyday: {
    rules: ({ rounds, floored }) =>
      `You buy advertising space for a shop; one other shop bids for the same space, ${rounds} days in a row. Each day each of you knows ` +
      "for itself what showing its advertisement is worth that day, 2 or 4, one as likely as the other, and both send a bid at once: LOW is 1, MEDIUM 2, HIGH 3. " +
      "The higher bid gets the space and pays itself; if the bids are equal, a coin is tossed. Whoever gets the space earns what it is worth to it minus what it pays" +
      `${floored ? ", but never less than 0" : ", which may be a loss"}; the other shop earns 0. ` +
      "In the evening both see the bids, but not what the space was worth to the other.",
    score: (round, score, won, lost) =>
      `Day ${round}. You earned ${score} so far. Space won: you ${won}, the other shop ${lost}.`,
    past: (round, { value, own, their, won, payoff }) =>
      `Day ${round}: worth ${value} to you, you bid ${own}, the other shop ${their}, ${won ? `you got the space and earned ${payoff}` : "the other shop got the space"}.`,
    question: (value) => `Today it is worth ${value} to you. What is your bid?`,
  },
};

export function auctionWording(name: WordingName, terms: Terms): Wording<AuctionView> {
  const { rules, score, past, question } = PHRASES[name];
  return {
    rules: rules(terms),
    // Their score would reveal their values, so their wins are told instead.
    observation: ({ played, value }) =>
      [
        score(
          `${played.length + 1} of ${terms.rounds}`,
          played.reduce((sum, { payoff }) => sum + payoff, 0),
          played.filter(({ won }) => won).length,
          played.filter(({ won }) => !won).length,
        ),
        ...played.map((seen, i) => past(i + 1, seen)),
        question(value),
      ].join("\n"),
  };
}
