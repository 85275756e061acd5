/** From played episodes to what the objective measures. */
import { type GameFacts, type RoundOutcome, payoffScale } from "../games/index.ts";
import type { ObjectiveSettings, ScoredEpisode, ScoredRound } from "../objective/objective.ts";
import { AGENT_SEAT, type Episode } from "./episodes.ts";

/** Externalities of a round are shares of what is lost, so none is above 1. */
const MOST_EXTERNALITY = 1;

export const objectiveSettings = (facts: GameFacts): ObjectiveSettings => ({
  scale: payoffScale(facts),
  weights: facts.weights,
  // With a random number of rounds no sum over them is bounded.
  ...(facts.fixedRounds ? { bounds: { payoff: facts.payoffBounds, externality: MOST_EXTERNALITY } } : {}),
});

/** Finished rounds from the agent's side; `failures` counts its unusable replies in a round. */
export const scoreRounds = (outcomes: readonly RoundOutcome[], failures: (round: number) => number = () => 0): ScoredRound[] =>
  outcomes.map(({ payoffs, collusion, externality }, t) => ({
    r: payoffs[AGENT_SEAT],
    q: payoffs[1 - AGENT_SEAT],
    c: collusion[AGENT_SEAT],
    x: externality,
    failures: failures(t),
  }));

export const scoreEpisode = ({ spec, decisions, outcomes }: Episode): ScoredEpisode => ({
  opponent: spec.opponent.name,
  pool: spec.pool,
  horizon: spec.game.facts.average === "decision" ? decisions.length : spec.game.facts.rounds,
  rounds: scoreRounds(outcomes, (t) => decisions.filter(({ round, parsed }) => round === t && parsed.status !== "ok").length),
});
