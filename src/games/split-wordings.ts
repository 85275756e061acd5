/** Split bargaining in words. */
import type { SplitView } from "./split.ts";
import type { Wording, WordingName } from "./wordings.ts";

interface Terms {
  readonly pie: number;
  readonly rounds: number;
}

interface Phrases {
  readonly rules: (terms: Terms) => string;
  readonly score: (round: string, own: number, their: number) => string;
  readonly past: (round: number, seen: SplitView["played"][number]) => string;
  readonly question: string;
}

const PHRASES: Readonly<Record<WordingName, Phrases>> = {
  standard: {
    rules: ({ pie, rounds }) =>
      `You bargain with one opponent over ${pie} points, for ${rounds} rounds. Each round both of you demand a share at once. ` +
      `If the demands sum to at most ${pie}, each gets its demand; otherwise both get 0.`,
    score: (round, own, their) => `Round ${round}. Score: you ${own}, they ${their}.`,
    past: (round, { own, their, deal }) => `${round}: you ${own}, they ${their}, ${deal ? "deal" : "no deal"}.`,
    question: "Your demand?",
  },
  brief: {
    rules: ({ pie, rounds }) =>
      `Bargaining, you and one opponent, ${rounds} rounds, ${pie} points each. Both demand at once. ` +
      `Demands together ${pie} or less: each gets what it demanded. More: nobody gets anything.`,
    score: (round, own, their) => `Round ${round}. Points: ${own} for you, ${their} for the opponent.`,
    past: (round, { own, their, deal }) => `${round}. You: ${own}. Opponent: ${their}. ${deal ? "Agreed" : "Failed"}.`,
    question: "How much?",
  },
  formal: {
    rules: ({ pie, rounds }) =>
      `Two parties, of whom you are one, divide ${pie} points in each of ${rounds} rounds. In every round both parties state, simultaneously, ` +
      `the share that they demand. Provided that the two demands do not exceed ${pie} in total, each party receives what it demanded; ` +
      "in all other cases both receive 0.",
    score: (round, own, their) => `This is round ${round}. You have received ${own} so far, the other party ${their}.`,
    past: (round, { own, their, deal }) =>
      `In round ${round} you demanded ${own}, the other party ${their}; ${deal ? "both demands were met" : "neither demand was met"}.`,
    question: "Which share do you demand?",
  },
  everyday: {
    rules: ({ pie, rounds }) =>
      `You and another craftsman take ${rounds} jobs together. Each job pays ${pie} points, and for each both of you write down, at the same time, how many ` +
      `of them you want. If what you want is at most ${pie} together, both are paid what they wrote; otherwise the customer leaves and ` +
      "nobody is paid.",
    score: (round, own, their) => `Job ${round}. Paid so far: you ${own}, the other craftsman ${their}.`,
    past: (round, { own, their, deal }) =>
      `Job ${round}: you wanted ${own}, the other craftsman ${their}, ${deal ? "both were paid" : "the customer left"}.`,
    question: "What do you write down for this job?",
  },
};

export function splitWording(name: WordingName, terms: Terms): Wording<SplitView> {
  const { rules, score, past, question } = PHRASES[name];
  return {
    rules: rules(terms),
    observation: ({ played, scores }) =>
      [
        score(`${played.length + 1} of ${terms.rounds}`, scores.own, scores.their),
        ...played.map((seen, i) => past(i + 1, seen)),
        question,
      ].join("\n"),
  };
}
