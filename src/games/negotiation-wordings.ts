/** Item negotiation in words. */
import type { Bundle, NegotiationView } from "./negotiation.ts";
import type { Wording, WordingName } from "./wordings.ts";

interface Phrases {
  readonly rules: (rounds: number) => string;
  readonly score: (round: string, score: number, deals: number) => string;
  readonly past: (round: number, own: string, their: string, deal: boolean, payoff: number) => string;
  readonly question: (pool: string, values: string) => string;
}

const PHRASES: Readonly<Record<WordingName, Phrases>> = {
  standard: {
    rules: (rounds) =>
      `You divide books, hats and balls with one opponent, ${rounds} rounds over the same pool. Each of you has private values per item. ` +
      "Each round both demand some of each item at once. If no item is demanded more than there is, each gets its demand times its own " +
      "values; otherwise both get 0.",
    score: (round, score, deals) => `Round ${round}. Your score: ${score}. Deals: ${deals}.`,
    past: (round, own, their, deal, payoff) =>
      `${round}: you ${own}, they ${their}, ${deal ? `deal, you got ${payoff}` : "no deal"}.`,
    question: (pool, values) => `Pool ${pool}. Your values ${values}. Your demand?`,
  },
  brief: {
    rules: (rounds) =>
      `Items to divide: books, hats, balls. You and one opponent, ${rounds} rounds, the same items each round, private values per item. Both demand ` +
      "some of each at once. Enough of every item for both demands: each gets its demand times its own values. Not enough of one: both get 0.",
    score: (round, score, deals) => `Round ${round}. Points: ${score}. Agreed: ${deals}.`,
    past: (round, own, their, deal, payoff) =>
      `${round}. You: ${own}. Opponent: ${their}. ${deal ? `Agreed, ${payoff} for you` : "Failed"}.`,
    question: (pool, values) => `Items: ${pool}. Your values: ${values}. Your demand?`,
  },
  formal: {
    rules: (rounds) =>
      `Two parties, of whom you are one, negotiate about a stock of books, hats and balls in ${rounds} rounds; the stock is the same in every round. ` +
      "Each party attaches its own value to each kind of item and does not disclose it. In every round both parties state, simultaneously, how many items of each kind they " +
      "demand. Provided that the stock suffices for both demands in every kind, each party receives its demand times its own values; in all other " +
      "cases both receive 0.",
    score: (round, score, deals) => `This is round ${round}. You have received ${score} so far. Agreements: ${deals}.`,
    past: (round, own, their, deal, payoff) =>
      `In round ${round} you demanded ${own}, the other party ${their}; ${deal ? `there was an agreement and you received ${payoff}` : "there was no agreement"}.`,
    question: (pool, values) => `The stock is ${pool}. Your values are ${values}. Which demand do you state?`,
  },
  everyday: {
    rules: (rounds) =>
      "You buy for a school. A supplier sends books, hats and balls to your school and to one other, the same delivery " +
      `${rounds} times. What an item is worth to a school only its own buyer knows. For each delivery both buyers send in, at the same time, how many of each item they ` +
      "want. If the delivery holds enough of every item for both, each school gets what its buyer asked for and earns the number of items times " +
      "what they are worth to it; otherwise the delivery goes back and both earn 0.",
    score: (round, score, deals) => `Delivery ${round}. Your school earned ${score} so far. Deliveries kept: ${deals}.`,
    past: (round, own, their, deal, payoff) =>
      `Delivery ${round}: you asked for ${own}, the other buyer for ${their}, ${deal ? `it was kept and you earned ${payoff}` : "it went back"}.`,
    question: (pool, values) => `The delivery holds ${pool}. To your school one is worth ${values}. What do you ask for?`,
  },
};

export function negotiationWording(
  name: WordingName,
  rounds: number,
  text: (bundle: Bundle) => string,
): Wording<NegotiationView> {
  const { rules, score, past, question } = PHRASES[name];
  return {
    rules: rules(rounds),
    // Their score would reveal their values, so the deals are told instead.
    observation: ({ pool, values, played }) =>
      [
        score(
          `${played.length + 1} of ${rounds}`,
          played.reduce((sum, { payoff }) => sum + payoff, 0),
          played.filter(({ deal }) => deal).length,
        ),
        ...played.map(({ own, their, deal, payoff }, i) => past(i + 1, text(own), text(their), deal, payoff)),
        question(text(pool), text(values)),
      ].join("\n"),
  };
}
