/**
 * A transcript put back on the game's tree: at every decision the positions that the agent could not tell apart, and what each action
 * was worth against this opponent. The text of what the agent saw holds all that it knew, so the states that show it are its information
 * set.
 */
import { type Action, type Game, type Policy, type RoundOutcome, type Seat, otherSeat } from "../../games/index.ts";
import { type Pool, uniformPolicy } from "../../opponents/index.ts";
import { type Possible, stepsFrom } from "../../solvers/belief.ts";
import { responderTo } from "../../solvers/best-response.ts";

export interface TracedDecision {
  /** Information key of the action table. */
  readonly key: string;
  /** Expected reward from here to the end of the episode after each legal action, with best replies after it. */
  readonly worth?: readonly { readonly action: string; readonly value: number }[];
}

/** What of an episode is needed. */
interface Played {
  readonly decisions: readonly { readonly observation: string; readonly action: string }[];
}

/** A decision, and the positions of the agent's next one by its action. */
interface Step {
  readonly decision: TracedDecision;
  readonly after: (action: Action) => readonly Possible[];
}

const SEAT: Seat = 0;
/** Positions that one observation may stand for before it is given up. */
const MOST_POSITIONS = 5000;
/** Steps kept; a server that follows a run for days must not remember every episode. */
const MOST_REMEMBERED = 20_000;

type Reward = (outcome: RoundOutcome) => number;

/** What the agent is measured by against a pool (`AIMS`): payoff, payoff less the opponent's, or collusive acts left out. */
export const rewardOf: Readonly<Record<Pool, Reward>> = {
  train: ({ payoffs }) => payoffs[SEAT],
  exploiter: ({ payoffs }) => payoffs[SEAT] - payoffs[otherSeat(SEAT)],
  collusive: ({ collusion }) => -collusion[SEAT],
  "held-out": ({ payoffs }) => payoffs[SEAT],
};

/**
 * A function that gives the decisions of an episode, or undefined where they do not follow the game's rules as they are now. Without a policy
 * of the opponent or a reward, only the keys are told.
 */
export function tracer(game: Game, opponent: Policy | undefined, reward: Reward | undefined) {
  const responder =
    reward !== undefined && opponent !== undefined && game.facts.fixedRounds
      ? responderTo(game, [{ policy: opponent, weight: 1, reward }], SEAT)
      : undefined;
  const policy = opponent ?? uniformPolicy(game);
  /** The same beginning of an episode is traced once. */
  const known = new Map<string, Step | undefined>();

  /** Positions at which the agent moves next; undefined where they are too many. */
  const advance = (from: readonly Possible[]): Possible[] | undefined => {
    const found: Possible[] = [];
    const open = [...from];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const turn = game.turn(next.state);
      if (turn.kind === "move" && turn.seats.includes(SEAT)) found.push(next);
      else open.push(...stepsFrom(game, policy, SEAT, next));
      if (found.length + open.length > MOST_POSITIONS) return undefined;
    }
    return found;
  };

  /** One position for all with the same future, as the agent cannot tell them apart; probabilities sum to 1. */
  const merged = (group: readonly Possible[]): readonly Possible[] => {
    const total = group.reduce((sum, { probability }) => sum + probability, 0);
    const found = new Map<string, Possible>();
    for (const one of group) {
      const key = `${game.future(one.state)} ${policy.memory(game.view(one.state, otherSeat(SEAT)))}`;
      found.set(key, { ...one, probability: one.probability / total + (found.get(key)?.probability ?? 0) });
    }
    return [...found.values()];
  };

  const stepAt = (group: readonly Possible[]): Step => {
    const own = merged(group);
    const view = game.view(own[0].state, SEAT);
    const worth = responder?.worth(own.map(({ state, probability }) => ({ type: 0, state, weight: probability })));
    return {
      decision: {
        key: game.abstraction(view),
        ...(worth === undefined ? {} : { worth: worth.map(([action, value]) => ({ action, value })) }),
      },
      after: (action) =>
        game.legal(view).includes(action) ? own.flatMap((one) => stepsFrom(game, policy, SEAT, one, action)) : [],
    };
  };

  const stepOf = (path: string, waiting: readonly Possible[], observation: string): Step | undefined => {
    const id = `${path}\u0000${observation}`;
    if (known.has(id)) return known.get(id);
    const group = waiting.filter(({ state }) => game.observation(game.view(state, SEAT)) === observation);
    const found = group.length === 0 ? undefined : stepAt(group);
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(id, found);
    return found;
  };

  return ({ decisions }: Played): TracedDecision[] | undefined => {
    const traced: TracedDecision[] = [];
    let path = "";
    let waiting = advance([{ state: game.start(), probability: 1 }]);
    for (const { observation, action } of decisions) {
      const step = waiting && stepOf(path, waiting, observation);
      if (step === undefined) return undefined;
      traced.push(step.decision);
      path = `${path}\u0000${observation}\u0000${action}`;
      waiting = advance(step.after(action));
    }
    return traced;
  };
}

/** What the decisions of an episode gave up against best replies, summed; undefined where that was not computed. */
export const lostBy = (traced: readonly TracedDecision[], { decisions }: Played): number | undefined => {
  if (traced.some(({ worth }) => worth === undefined)) return undefined;
  return traced.reduce((sum, { worth = [] }, i) => {
    const best = worth.reduce((most, { value }) => Math.max(most, value), -Infinity);
    const chosen = worth.find(({ action }) => action === decisions[i].action)?.value ?? best;
    return sum + (best - chosen);
  }, 0);
};
