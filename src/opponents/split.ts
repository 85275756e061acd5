/** Opponents and experts of split bargaining. */
import { type Distribution, type MakerOptions, type Policy, certainly, split, uniformly } from "../games/index.ts";
import { PIE, type SplitState, type SplitView, demandAction } from "../games/split.ts";
import type { Expert, Roster } from "./roster.ts";

type SplitPolicy = Policy<SplitView>;
const lastRound = (view: SplitView) => view.played[view.played.length - 1];
const demand = (points: number): Distribution<string> => certainly(demandAction(points));
const anyFrom = (least: number, most: number): Distribution<string> =>
  uniformly(Array.from({ length: most - least + 1 }, (_, i) => demandAction(least + i)));
const broke = (view: SplitView): boolean => view.played.length > 0 && !lastRound(view).deal;

const always = (name: string, points: number): SplitPolicy => ({
  name,
  description: `Always demands ${points}.`,
  act: () => demand(points),
  memory: () => "",
});
const random = (name: string, least: number, most: number): SplitPolicy => ({
  name,
  description: `A uniform demand from ${least} to ${most}.`,
  act: () => anyFrom(least, most),
  memory: () => "",
});
/** `first`, and 10 minus the other's last demand from then on. */
const complementOf = (name: string, first: number): SplitPolicy => ({
  name,
  description: `${first} first, then ${PIE} minus the other's last demand.`,
  act: (view) => demand(view.played.length === 0 ? first : PIE - lastRound(view).their),
  memory: (view) => (view.played.length === 0 ? "" : String(lastRound(view).their)),
});

const fair = always("fair", 5);
const conceder: SplitPolicy = {
  name: "conceder",
  description: "Demands 6, and 5 after a breakdown.",
  act: (view) => demand(broke(view) ? 5 : 6),
  memory: (view) => String(broke(view)),
};
const hardball = always("hardball", 8);
const stubborn: SplitPolicy = {
  name: "stubborn-then-fair",
  description: "Demands 7 twice, then 5.",
  act: (view) => demand(view.played.length < 2 ? 7 : 5),
  memory: (view) => String(view.played.length),
};
/** An expert: 6, but gives way to a demand of 7 or more. */
const balancedExpert: SplitPolicy = {
  name: "wary-balanced",
  description: "Demands 6, but 3 after a demand of 7 or more.",
  act: (view) => demand(view.played.length > 0 && lastRound(view).their >= 7 ? 3 : 6),
  memory: (view) => String(view.played.length > 0 && lastRound(view).their >= 7),
};

const theirDemand = (view: SplitView): string =>
  view.played.length === 0 ? "Nothing has been demanded yet." : `They demanded ${lastRound(view).their} last round.`;
const breakdown = (view: SplitView): string => {
  if (view.played.length === 0) return "Nothing has been demanded yet.";
  return broke(view) ? "There was no deal last round." : "There was a deal last round.";
};
const expert = (policy: SplitPolicy, weight: number, reason: (view: SplitView) => string): Expert<SplitView> => ({
  policy,
  weight,
  reason,
});

export const splitRoster = (options: MakerOptions<"split">): Roster<SplitState, SplitView> => {
  const train = [fair, always("balanced", 6), conceder];
  return {
    game: split(options),
    pools: {
      train: options.protocol === "paper" ? [...train, hardball] : train,
      exploiter: [always("selfish", 7), hardball],
      collusive: [fair],
      "held-out": [complementOf("mirror", 5), stubborn, random("uniform", 4, 7)],
    },
    experts: [
      expert({ ...fair, name: "fair" }, 0.32, () => "Half of 10 is 5."),
      expert(balancedExpert, 0.27, theirDemand),
      expert(conceder, 0.18, breakdown),
      expert(complementOf("complement", 5), 0.15, theirDemand),
      expert(random("random", 3, 7), 0.08, () => "Any demand is legal."),
    ],
    reference: fair,
  };
};
