/** Kuhn poker in words. */
import { listed } from "./game.ts";
import type { KuhnAction, KuhnCard, KuhnHandSeen, KuhnView } from "./kuhn.ts";
import type { Wording, WordingName } from "./wordings.ts";

type Who = "you" | "they";

interface Phrases {
  readonly rules: (hands: number) => string;
  readonly who: Readonly<Record<Who, string>>;
  readonly score: (hand: string, own: string, their: string) => string;
  /** The cards, what was done, and the payoff of a finished hand. */
  readonly past: (hand: number, card: string, their: string | undefined, bets: string, payoff: string) => string;
  readonly opening: (first: boolean) => string;
  readonly question: (card: KuhnCard | undefined, legal: string) => string;
}

const PHRASES: Readonly<Record<WordingName, Phrases>> = {
  standard: {
    rules: (hands) =>
      `You play ${hands} hands of Kuhn poker against one opponent. The deck is J, Q, K; K is highest, J lowest. Each hand both of you ante 1 chip ` +
      "and get one card; you take turns acting first. A player may PASS or BET 1 chip; after a bet the other must CALL or FOLD. " +
      "If nobody folds, the higher card wins the pot.",
    who: { you: "you", they: "they" },
    score: (hand, own, their) => `Hand ${hand}. Score: you ${own}, they ${their}.`,
    past: (hand, card, their = "unknown", bets, payoff) => `${hand}: ${card} against ${their}, ${bets}, ${payoff}.`,
    opening: (first) => (first ? "You act first." : "You act second."),
    question: (card, legal) => `You hold ${card}. ${legal}?`,
  },
  brief: {
    rules: (hands) =>
      `Kuhn poker, you and one opponent, ${hands} hands. Cards from low to high: J, Q, K, one each. Ante 1 chip; who acts first alternates. ` +
      "PASS or BET 1 chip; a bet is answered by CALL or FOLD. Without a fold the higher card takes the pot.",
    who: { you: "you", they: "opponent" },
    score: (hand, own, their) => `Hand ${hand}. Chips: you ${own}, opponent ${their}.`,
    past: (hand, card, their = "?", bets, payoff) => `${hand}. ${card} against ${their}: ${bets}; ${payoff}.`,
    opening: (first) => (first ? "You are first." : "You are second."),
    question: (card, legal) => `Card: ${card}. ${legal}?`,
  },
  formal: {
    rules: (hands) =>
      `Two players, of whom you are one, play ${hands} hands with a deck of the three cards J, Q and K, in ascending order of rank. In every hand each player contributes 1 chip ` +
      "to the pot and is dealt one card in private; the players alternate in acting first. A player may PASS or BET a further chip. When a bet has been made, the " +
      "other player has to CALL, which matches it, or FOLD. Unless a player folds, the card of higher rank wins the pot.",
    who: { you: "you", they: "the other player" },
    score: (hand, own, their) => `This is hand ${hand}. Your balance is ${own}, the other player's ${their}.`,
    past: (hand, card, their = "an unknown card", bets, payoff) =>
      `In hand ${hand} you held ${card} against ${their}; ${bets}; your result was ${payoff}.`,
    opening: (first) => (first ? "You act first in this hand." : "You act second in this hand."),
    question: (card, legal) => `Your card is ${card}. Do you choose ${legal}?`,
  },
  everyday: {
    rules: (hands) =>
      `You are a lawyer and settle ${hands} disputes with one colleague. For each of them both of you pay 1 chip into a deposit and receive one sealed opinion about your case: ` +
      "J is weak, Q is fair, K is strong, and the two opinions are never the same. You take turns speaking first. Whoever speaks may PASS or BET 1 more chip on the " +
      "case; after a bet the other must CALL, which pays the same, or FOLD, which gives up. If nobody gives up, the stronger opinion takes the deposit.",
    who: { you: "you", they: "your colleague" },
    score: (hand, own, their) => `Dispute ${hand}. Result so far: you ${own}, your colleague ${their}.`,
    past: (hand, card, their = "one that stayed sealed", bets, payoff) =>
      `Dispute ${hand}: your opinion ${card} against ${their}, ${bets}, ${payoff}.`,
    opening: (first) => (first ? "You speak first." : "You speak second."),
    question: (card, legal) => `Your opinion is ${card}. ${legal}?`,
  },
};

const signed = (chips: number): string => (chips > 0 ? `+${chips}` : String(chips));
const whoActs = (first: boolean, index: number): Who => ((index % 2 === 0) === first ? "you" : "they");
const capital = (word: string): string => word[0].toUpperCase() + word.slice(1);

export function kuhnWording(
  name: WordingName,
  hands: number,
  legal: (view: KuhnView) => readonly KuhnAction[],
): Wording<KuhnView> {
  const { rules, who, score, past, opening, question } = PHRASES[name];
  const acts = (first: boolean, bets: readonly KuhnAction[]): string[] =>
    bets.map((bet, i) => `${who[whoActs(first, i)]} ${bet}`);
  const line = ({ first, card, their, bets, payoff }: KuhnHandSeen, i: number): string =>
    past(i + 1, card, their, acts(first, bets).join(" "), signed(payoff));
  return {
    rules: rules(hands),
    observation: (view) => {
      const story = acts(view.first, view.bets).join(", ");
      return [
        score(`${view.finished.length + 1} of ${hands}`, signed(view.score), signed(-view.score)),
        ...view.finished.map(line),
        [opening(view.first), ...(story === "" ? [] : [`${capital(story)}.`]), question(view.card, listed(legal(view)))].join(
          " ",
        ),
      ].join("\n");
    },
  };
}
