/** What may stand before an action on its line: a closed list, so that "They may DEFECT" is never read. */
import type { Token } from "./game.ts";

/** Stands for the game's own noun: bid, demand. */
const OWN = "§";
const NOUN = `(?:action|answer|move|choice|decision|response|play|${OWN})`;
const NOW = "(?: (?:for|in))?(?: this (?:round|hand|turn))?";
const BECOMES = "(?: (?:[:=-]|→))";
const IS = "(?: is(?: to)?(?: :)?)";
const LABEL = [
  `(?:my |the )?(?:final )?${NOUN}${NOW}${BECOMES}`,
  `(?:my(?: final)?|(?:the )?final) ${NOUN}${NOW}${IS}`,
  `the (?:action|answer|decision)${NOW}${IS}`,
  `(?:final )?${NOUN}${NOW}`,
  `final${BECOMES}`,
].join("|");
const VERB = `(?:choose|select|pick|play|take|go with|opt(?: for)?|decide(?: on)?|${OWN})`;
const SENTENCE = [
  `i(?: now)?(?: (?:${VERB}))?`,
  `(?:i will|i'll|i shall|i am going to|i'm going to)(?: now)?(?: (?:${VERB}))?`,
  "(?:i have decided|i've decided|i decided)(?: on)?",
  VERB,
].join("|");
/** A connective needs a comma, or a label or sentence after it: "So low." is an exclamation. */
const LEAD_IN = new RegExp(
  `^(?: -)?(?: →)?(?: (?:so|thus|therefore|hence|okay|ok)(?: [,:]|(?= )))?` +
    `(?: (?:${LABEL})){0,2}(?: (?:${SENTENCE})(?: to(?: (?:play|choose|${OWN}))?)?(?: :)?)?$`,
);

const BRACKETS = new Set("()[]{}<>【】$");
/** Brackets around an action, and the dollar signs of mathematics, say nothing. */
export const isBracket = ({ text }: Token): boolean => BRACKETS.has(text);

/** Longer than any lead-in. */
const LONGEST = 24;

/**
 * Whether the tokens up to `end` are nothing but decoration and at most a connective ("So,"), a label ("My final answer is:") and the
 * beginning of a sentence in the first person, present or future ("I will play").
 */
export function isLeadIn(tokens: readonly Token[], end: number, noun: string | undefined): boolean {
  if (end === 0) return true;
  if (end > LONGEST) return false;
  let text = "";
  for (let i = 0; i < end; i++) if (!isBracket(tokens[i])) text += ` ${tokens[i].text === noun ? OWN : tokens[i].text}`;
  return LEAD_IN.test(text);
}
