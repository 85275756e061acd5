/**
 * A game in other words: the same rules, knowledge and actions. How an agent plays should not hang on the words, so that the spread of J over
 * wordings is part of what is measured. `standard` is the text that results are about unless they name another.
 */
import { z } from "zod";
import type { Grammar } from "./game.ts";

/** `everyday` tells the game as something that people do for a living; the others are plain paraphrases. */
export const WORDINGS = ["standard", "brief", "formal", "everyday"] as const;
export type WordingName = (typeof WORDINGS)[number];

/** The option `wording` of a game. */
export const wordingOption = z
  .enum(WORDINGS, { error: WORDINGS.join(", ") })
  .default("standard")
  .describe("words of rules and prompts; all say the same");

/** What is said to a player. */
export interface Wording<View> {
  /** Without how to answer. */
  readonly rules: string;
  readonly observation: (view: View) => string;
}

const ANSWER: Readonly<Record<WordingName, (actions: string) => string>> = {
  standard: (actions) => `Think briefly, then end with your action alone on the last line: ${actions}.`,
  brief: (actions) => `Reason in a sentence at most. Last line, nothing but your action: ${actions}.`,
  formal: (actions) =>
    `You may state your reasons first. The final line of your reply must consist of your action only: ${actions}.`,
  everyday: (actions) =>
    `Say shortly why, then write what you do on a last line of its own, without anything else: ${actions}.`,
};

/** How every game's rules end. */
export const howToAnswer = ({ description }: Grammar, wording: WordingName = "standard"): string =>
  ANSWER[wording](description);
