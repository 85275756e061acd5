/** The prisoner's dilemma in words. */
import type { IpdPayoffs, IpdView } from "./ipd.ts";
import type { Wording, WordingName } from "./wordings.ts";

interface Terms {
  readonly payoffs: IpdPayoffs;
  /** Absent where the horizon is not announced. */
  readonly rounds?: number;
}

interface Phrases {
  readonly rules: (payoffs: Readonly<Record<keyof IpdPayoffs, string>>, rounds: number | undefined) => string;
  /** The round in numbers, "2 of 8", and both scores. */
  readonly score: (round: string, own: string, their: string) => string;
  readonly past: (round: number, own: string, their: string) => string;
  readonly question: string;
}

/** Points as people write them, without the noise of binary fractions. */
const points = (value: number): string => String(Number(value.toFixed(6)));
const withUnit = (value: string): string => `${value} ${value === "1" ? "point" : "points"}`;

const PHRASES: Readonly<Record<WordingName, Phrases>> = {
  standard: {
    rules: ({ R, T, S, P }, rounds) =>
      `You play the iterated prisoner's dilemma against one opponent${rounds === undefined ? "" : ` for ${rounds} rounds`}. ` +
      `Each round both of you choose COOPERATE or DEFECT at once. If both cooperate, each gets ${withUnit(R)}. ` +
      `If both defect, each gets ${P}. If only one defects, the defector gets ${T} and the other ${S}.`,
    score: (round, own, their) => `Round ${round}. Score: you ${own}, they ${their}.`,
    past: (round, own, their) => `${round}: you ${own}, they ${their}.`,
    question: "Your action?",
  },
  brief: {
    rules: ({ R, T, S, P }, rounds) =>
      `Repeated prisoner's dilemma, you and one opponent${rounds === undefined ? "" : `, ${rounds} rounds`}. ` +
      `Per round, both at once: COOPERATE or DEFECT. Points: both cooperate, ${R} each; both defect, ${P} each; ` +
      `one defects, ${T} for it and ${S} for the other.`,
    score: (round, own, their) => `Round ${round}. Points: ${own} for you, ${their} for the opponent.`,
    past: (round, own, their) => `${round}. You: ${own}. Opponent: ${their}.`,
    question: "Your choice?",
  },
  formal: {
    rules: ({ R, T, S, P }, rounds) =>
      `Two participants, of whom you are one, interact repeatedly${rounds === undefined ? "" : `, in ${rounds} rounds`}. ` +
      "In every round each participant selects one of two options, COOPERATE or DEFECT, without knowing what the other selects. " +
      `Should both select COOPERATE, each receives ${withUnit(R)}. Should both select DEFECT, each receives ${P}. ` +
      `Should exactly one of them select DEFECT, that participant receives ${T} and the other one ${S}.`,
    score: (round, own, their) => `This is round ${round}. You have received ${own} so far, the other participant ${their}.`,
    past: (round, own, their) => `In round ${round} you selected ${own}, the other participant ${their}.`,
    question: "Which option do you select?",
  },
  everyday: {
    rules: ({ R, T, S, P }, rounds) =>
      `You and another trader exchange goods by mail${rounds === undefined ? "" : `, ${rounds} times`}. ` +
      "Each time both of you pack a parcel before the other's has come. COOPERATE means that you pack good wares, as agreed; " +
      `DEFECT means that you pack poor ones. If both of you pack good wares, each earns ${withUnit(R)}. If both pack poor ones, ` +
      `each earns ${P}. If only one packs poor wares, that one earns ${T} and the other ${S}.`,
    score: (round, own, their) => `Exchange ${round}. Earned so far: you ${own}, the other trader ${their}.`,
    past: (round, own, their) => `Exchange ${round}: your parcel ${own}, the other trader's ${their}.`,
    question: "What do you do this time?",
  },
};

export function ipdWording(name: WordingName, { payoffs: { R, T, S, P }, rounds }: Terms): Wording<IpdView> {
  const { rules, score, past, question } = PHRASES[name];
  return {
    rules: rules({ R: points(R), T: points(T), S: points(S), P: points(P) }, rounds),
    observation: ({ played, scores }) =>
      [
        score(`${played.length + 1}${rounds === undefined ? "" : ` of ${rounds}`}`, points(scores.own), points(scores.their)),
        ...played.map(({ own, their }, i) => past(i + 1, own, their)),
        question,
      ].join("\n"),
  };
}
