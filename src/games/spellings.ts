/** Ways to write an action on the last line of a reply: those that state it, and those after which none may be read. */
import type { Action } from "./game.ts";

type Writer = (text: string) => string;

const within = (open: string, close = open): Writer => {
  return (text) => open + text + close;
};
const before = (beginning: string): Writer => within(beginning, "");
const after = (ending: string): Writer => within("", ending);
const asItIs: Writer = (text) => text;

/** An action like "DEMAND 5" with its word and its number rewritten; other actions as they are. */
const wordAnd = (write: (word: string, number: string) => string): Writer => {
  return (action) => action.replace(/^(\w+) (\d+)$/, (_, word: string, number: string) => write(word, number));
};

/** Decorations that state the action. */
export const DECORATIONS: readonly Writer[] = [
  asItIs,
  (action) => action.toLowerCase(),
  ...["**", "*", "_", "__", "`", "``", '"', "'", "'''"].map((mark) => within(mark)),
  ...["“”", "‘’", "«»", "„“", "()", "[]", "{}", "「」"].map(([open, close]) => within(open, close)),
  ...[".", "!", "!!", " .", " ✅", "\n```"].map(after),
  before("✅ "),
  within("**", ".**"),
  within('***"', '"***'),
  within("  ", "\t"),
  within("\\boxed{", "}"),
  within("$\\boxed{\\text{", "}}$"),
  within("<answer>", "</answer>"),
  (action) => `${action} (${action})`,
  wordAnd((word, number) => `${word}: ${number}`),
  wordAnd((word, number) => `${word} = ${number}`),
  wordAnd((word, number) => `${word}=${number}`),
  wordAnd((word, number) => `${word} **${number}**`),
  wordAnd((word, number) => `${word}: **${number}**`),
  wordAnd((word, number) => `${word} [${number}]`),
  wordAnd((word, number) => `${word} (${number})`),
  wordAnd((word, number) => `**${word}** ${number}`),
  wordAnd((word, number) => `_${word}_ ${number}`),
];

/** Beginnings of a sentence that states the action. */
export const LEAD_INS: readonly Writer[] = [
  asItIs,
  ...["Action: ", "action = ", "**Action:** ", "Action - ", "Final answer: ", "My move is ", "My final action is: "].map(
    before,
  ),
  ...["Answer: ", "Decision: ", "Final: ", "The answer is ", "My action this round: ", "Choice → ", "*My action:* "].map(
    before,
  ),
  ...["I choose ", "I will play ", "I'll go with ", "I’ll play ", "So I choose ", "Therefore, my action is "].map(before),
  ...["I choose to play ", "I have decided on ", "I am going to "].map(before),
];

/** What may stand at the very beginning of the line. */
export const LINE_STARTS: readonly Writer[] = ["", "# ", "### ", "> ", "- ", "* ", "• ", "-> ", "→ ", "> - "].map(before);

/** Printable ASCII in its full-width form. */
const fullWidth: Writer = (line) => line.replaceAll(/[!-~]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) + 0xfee0));

/** Other characters that look the same. */
export const HARMLESS_UNICODE: readonly Writer[] = [
  fullWidth,
  (line) => line.replaceAll(" ", "\u00a0"),
  (line) => line.replaceAll(" ", "\u3000"),
  (line) => line.split("").join("\u200b"),
  within("\ufeff", "\u200d"),
];

export interface Distortion {
  /** Whether it names a second action, which must differ from the first. */
  readonly needsOther: boolean;
  readonly write: (action: Action, other: Action) => string;
}

/** The numbers of an action written in another way; an action without numbers is denied instead. */
const numbered = (change: (number: string) => string): Writer => {
  return (action) => (/\d/.test(action) ? action.replace(/\d+/, change) : `not ${action}`);
};

/** Lines that name one action and do not state it. */
const OF_ONE: readonly Writer[] = [
  ...["I will not ", "Never ", "Don't ", "don’t ", "Not ", "I would not ", "I won't ", "Anything but ", "Avoid ", "No "].map(
    before,
  ),
  ...["They may ", "They will surely ", "If I ", "If they ", "You ", "We ", "I might ", "I would ", "Perhaps ", "Maybe "].map(
    before,
  ),
  ...["Probably ", "I think ", "My opponent will ", "The opponent plays ", "Should I ", "I could ", "They ", "1. "].map(before),
  ...["Their action: ", "Opponent: ", "Previously: ", "I refuse to ", "Finally, ", "Then I ", "Before, I chose "].map(before),
  ...["?", "...", "…", " is tempting", ", probably", " unless they change", " or not", " ❌", "-ish", ",", ":"].map(after),
  ...["\nOtherwise I lose.", "\n?", " if they do", " (they may not)"].map(after),
  within("~~"),
  numbered((number) => `${number}.5`),
  numbered((number) => `${number},000`),
  numbered((number) => `-${number}`),
  numbered((number) => `${number}/10`),
  numbered((number) => `${number}%`),
  numbered((number) => `${number}th`),
  numbered((number) => `${number}²`),
  numbered((number) => `${number} or ${Number(number) + 1}`),
  numbered((number) => `${number}-${Number(number) + 1}`),
  numbered((number) => `${number} to 9`),
  numbered((number) => `${number} ${number}`),
  numbered((number) => `about ${number}`),
  numbered(() => "four"),
];

const JOINTS = [" or ", " ", "/", ", ", " -> ", " and ", ", no wait, ", " rather than ", " (not ", " – not ", ", not ", "; "];

/** Lines that name an action, or two, and state none. */
export const DISTORTIONS: readonly Distortion[] = [
  ...OF_ONE.map((write): Distortion => ({ needsOther: false, write })),
  ...JOINTS.map((joint): Distortion => ({ needsOther: true, write: (action, other) => action + joint + other })),
  { needsOther: true, write: (action, other) => `Not ${action} but ${other}` },
  { needsOther: true, write: (action, other) => `If they ${action}, I ${other}` },
];
