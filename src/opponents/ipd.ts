/** Opponents and experts of the iterated prisoner's dilemma; the strategies' names are those of the literature. */
import { type Distribution, type MakerOptions, type Policy, certainly, either, ipd, uniformly } from "../games/index.ts";
import { IPD_ACTIONS, type IpdAction, type IpdPayoffs, type IpdState, type IpdView } from "../games/ipd.ts";
import type { Expert, Roster } from "./roster.ts";

type IpdPolicy = Policy<IpdView>;
const last = (view: IpdView) => view.played[view.played.length - 1];
const lastPair = (view: IpdView): string => (view.played.length === 0 ? "" : `${last(view).own[0]}${last(view).their[0]}`);
const everDefected = (view: IpdView): boolean => view.played.some(({ their }) => their === "DEFECT");
const cooperate = (probability: number): Distribution<IpdAction> => either("COOPERATE", probability, "DEFECT");

/** A memory-one policy: probabilities of cooperating first and after (own, their) = CC, CD, DC, DD. */
export function memoryOne(
  name: string,
  description: string,
  first: number,
  after: { readonly CC: number; readonly CD: number; readonly DC: number; readonly DD: number },
): IpdPolicy {
  const table: Record<string, number> = { "": first, ...after };
  return { name, description, act: (view) => cooperate(table[lastPair(view)]), memory: lastPair };
}

const always = (name: string, action: IpdAction): IpdPolicy => ({
  name,
  description: `Always plays ${action}.`,
  act: () => certainly(action),
  memory: () => "",
});

const random = (name: string, probability: number): IpdPolicy => ({
  name,
  description: `Cooperates with probability ${probability}, whatever happened.`,
  act: () => cooperate(probability),
  memory: () => "",
});

export const titForTat = memoryOne("tit-for-tat", "Cooperates first, then repeats the other's last action.", 1, {
  CC: 1,
  CD: 0,
  DC: 1,
  DD: 0,
});
const generousTitForTat = memoryOne("generous-tit-for-tat", "Tit-for-tat that forgives a defection with probability 0.25.", 1, {
  CC: 1,
  CD: 0.25,
  DC: 1,
  DD: 0.25,
});
const suspiciousTitForTat = memoryOne("suspicious-tit-for-tat", "Defects first, then repeats the other's last action.", 0, {
  CC: 1,
  CD: 0,
  DC: 1,
  DD: 0,
});
const winStayLoseShift = ({ R, T, S, P }: IpdPayoffs): IpdPolicy =>
  memoryOne("win-stay-lose-shift", `Repeats its action after ${R} or ${T} points, changes it after ${S} or ${P}.`, 1, {
    CC: 1,
    CD: 0,
    DC: 0,
    DD: 1,
  });

/**
 * Press and Dyson (PNAS 2012): a policy whose own surplus over P is in the long run `factor` times the other's. After each pair of actions
 * p - (1, 1, 0, 0) = phi ((own payoff - P) - factor (their payoff - P)), with the largest phi that leaves probabilities.
 */
export function extortioner({ R, T, S, P }: IpdPayoffs, factor = 2): IpdPolicy {
  const [loss, gain] = [P - S, T - P];
  /** 1 / phi: after CD the probability is at least 0, after DC at most 1; after CC it is then positive, because R < T. */
  const least = Math.max(loss + factor * gain, factor * loss + gain);
  return memoryOne("zd-extortioner", `Zero-determinant extortion with factor ${factor} (Press and Dyson 2012).`, 0, {
    CC: (least - (factor - 1) * (R - P)) / least,
    CD: (least - (loss + factor * gain)) / least,
    DC: (factor * loss + gain) / least,
    DD: 0,
  });
}

const grimTrigger: IpdPolicy = {
  name: "grim-trigger",
  description: "Cooperates until the other defects once, then defects for ever.",
  act: (view) => certainly(everDefected(view) ? "DEFECT" : "COOPERATE"),
  memory: (view) => (everDefected(view) ? "triggered" : ""),
};

const titForTwoTats: IpdPolicy = {
  name: "tit-for-two-tats",
  description: "Defects only after two defections in a row.",
  act: (view) => certainly(theirDefections(view) >= 2 ? "DEFECT" : "COOPERATE"),
  memory: (view) => String(theirDefections(view)),
};

/** Length of the other's present run of defections, at most 2. */
function theirDefections({ played }: IpdView): number {
  const run = played.slice(-2).toReversed();
  const end = run.findIndex(({ their }) => their === "COOPERATE");
  return end === -1 ? run.length : end;
}

const alternatingDefect: IpdPolicy = {
  name: "alternating-defect",
  description: "Defects in rounds 1, 3, 5 and so on, and cooperates between.",
  act: (view) => certainly(view.played.length % 2 === 0 ? "DEFECT" : "COOPERATE"),
  memory: (view) => String(view.played.length % 2),
};

const alwaysDefect = always("always-defect", "DEFECT");
const alwaysCooperate = always("always-cooperate", "COOPERATE");

/** What they did: in the last round, and before it where that tells more. */
const history = (view: IpdView): string => {
  if (view.played.length === 0) return "Nothing has happened yet.";
  if (!everDefected(view)) return "They have never defected.";
  return last(view).their === "DEFECT" ? "They defected last round." : "They have defected before. They cooperated last round.";
};

const EXPERTS: readonly Expert<IpdView>[] = [
  { policy: titForTat, weight: 0.33, reason: history },
  { policy: alwaysDefect, weight: 0.27, reason: () => "Defecting pays more within a round." },
  { policy: grimTrigger, weight: 0.22, reason: history },
  { policy: random("random", 0.5), weight: 0.08, reason: () => "Both actions are legal." },
  { policy: alwaysCooperate, weight: 0.05, reason: () => "Mutual cooperation pays us most together." },
  { policy: generousTitForTat, weight: 0.05, reason: history },
];

/** Experts who also say that a round is the last one: what an action may depend on, whoever gives it. */
const inView = (rounds: number): readonly Expert<IpdView>[] =>
  EXPERTS.map((expert) => ({
    ...expert,
    reason: (view) =>
      view.played.length + 1 === rounds ? `This is the last round. ${expert.reason(view)}` : expert.reason(view),
  }));

export const ipdRoster = (options: MakerOptions<"ipd">): Roster<IpdState, IpdView> => ({
  game: ipd(options),
  pools: {
    train: [titForTat, generousTitForTat, random("mixed", 0.5), grimTrigger],
    exploiter: [alwaysDefect, alternatingDefect],
    collusive: [alwaysCooperate],
    "held-out": [
      winStayLoseShift(options.payoffs),
      suspiciousTitForTat,
      titForTwoTats,
      extortioner(options.payoffs),
      random("random-0.3", 0.3),
    ],
  },
  experts: inView(options.continuation === undefined ? options.rounds : Infinity),
  reference: titForTat,
});

/** The policy that plays every legal action equally often. */
export const ipdUniform: IpdPolicy = { ...random("uniform", 0.5), act: () => uniformly(IPD_ACTIONS) };
