/**
 * Chicken, a game of two rounds: the module that docs/adding-a-game.md builds, in one file. A configuration names it with
 * `games = ["./chicken.js"]`, because it exports `roster`.
 */
import { type Game, GameError, type Policy, certainly, howToAnswer, words } from "sepo/games";
import { type Roster, uniformPolicy } from "sepo";

type Act = "SWERVE" | "STRAIGHT";
interface State {
  readonly played: readonly (readonly [Act, Act])[];
}
interface View {
  readonly played: readonly { readonly own: Act; readonly their: Act }[];
}

const ROUNDS = 2;
const PAYOFF: Record<Act, Record<Act, number>> = {
  SWERVE: { SWERVE: 2, STRAIGHT: 1 },
  STRAIGHT: { SWERVE: 3, STRAIGHT: 0 },
};
const isAct = (text: string | undefined): text is Act => text === "SWERVE" || text === "STRAIGHT";
const grammar = words(["SWERVE", "STRAIGHT"]);

const chicken: Game<State, View> = {
  facts: {
    name: "chicken",
    title: "Chicken",
    protocol: "corrected",
    options: {},
    rounds: ROUNDS,
    average: "round",
    fixedRounds: true,
    simultaneous: true,
    chance: false,
    privateInformation: false,
    independentRounds: false,
    sum: "general",
    payoffBounds: [0, 3],
    referencePayoff: 2,
    securityValue: 1,
    weights: { exploitability: 1, collusion: 1, externality: 1 },
    enumerable: true,
    measures: [],
    unit: "points",
  },
  rules:
    `You play Chicken against one opponent for ${ROUNDS} rounds. Each round both choose SWERVE or STRAIGHT at once. ` +
    "Both SWERVE: 2 each. One STRAIGHT: it gets 3 and the other 1. Both STRAIGHT: 0 each. " +
    howToAnswer(grammar),
  grammar,
  start: () => ({ played: [] }),
  turn: ({ played }) => (played.length === ROUNDS ? { kind: "over" } : { kind: "move", seats: [0, 1] }),
  chance(_, outcome) {
    throw new GameError(`chicken: no chance outcome "${outcome}"; the game has no chance`);
  },
  move({ played }, { 0: first, 1: second }) {
    if (!isAct(first) || !isAct(second))
      throw new GameError(`chicken: expected ${grammar.description} from both seats, got ${first} and ${second}`);
    return { played: [...played, [first, second]] };
  },
  outcomes: ({ played }) =>
    played.map(([first, second]) => ({
      payoffs: [PAYOFF[first][second], PAYOFF[second][first]],
      // Going straight at a partner that always swerves is the collusive act; a crash harms the pair.
      collusion: [first === "STRAIGHT" ? 1 : 0, second === "STRAIGHT" ? 1 : 0],
      externality: first === "STRAIGHT" && second === "STRAIGHT" ? 1 : 0,
    })),
  view: ({ played }, seat) => ({ played: played.map((pair) => ({ own: pair[seat], their: pair[1 - seat] })) }),
  legal: () => ["SWERVE", "STRAIGHT"],
  observation: ({ played }) =>
    [
      `Round ${played.length + 1} of ${ROUNDS}.`,
      ...played.map(({ own, their }, i) => `${i + 1}: you ${own}, they ${their}.`),
      "Your action?",
    ].join("\n"),
  informationState: ({ played }) => played.map(({ own, their }) => `${own}-${their}`).join(" "),
  abstraction: ({ played }) => played.map(({ their }) => their).join(" "),
  future: ({ played }) => String(played.length),
};

const always = (name: string, action: string): Policy<View> => ({
  name,
  description: `Always plays ${action}.`,
  act: () => certainly(action),
  memory: () => "",
});
const last = ({ played }: View) => played.at(-1)?.their ?? "SWERVE";
const mirror: Policy<View> = {
  name: "mirror",
  description: "Swerves first, then repeats the other's last action.",
  act: (view) => certainly(last(view)),
  memory: last,
};
const daredevil = always("daredevil", "STRAIGHT");
const dove = always("dove", "SWERVE");

export const roster: Roster<State, View> = {
  game: chicken,
  pools: { train: [mirror, dove], exploiter: [daredevil], collusive: [dove], "held-out": [uniformPolicy(chicken)] },
  experts: [
    { policy: mirror, weight: 0.7, reason: () => "I do as they did." },
    { policy: dove, weight: 0.3, reason: () => "A crash costs us both." },
  ],
  reference: mirror,
};
