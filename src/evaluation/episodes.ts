/** What an evaluation keeps of each episode, whoever played it. */
import { type EpisodeMeans, meansOf, perRound } from "../objective/objective.ts";
import { POOLS, type Roster } from "../opponents/index.ts";
import { PARSE_FAILURES, type Parsed, type Policy, type RoundOutcome } from "../games/index.ts";
import { AGENT_SEAT, type Episode, type EpisodeSpec, type PlayOptions, playEpisodes } from "../play/episodes.ts";
import type { Player } from "../play/player.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { scoreEpisode, scoreRounds } from "../play/score.ts";
import { simulateEpisode } from "../play/simulate.ts";
import { type Key, foldIn } from "../random.ts";
import { createChain } from "../solvers/chain.ts";
import { Positions } from "./positions.ts";

/** Why a reply could not be used: it was not read, or names an action that is not legal there. */
export const FAILURE_CAUSES = [...PARSE_FAILURES, "illegal"] as const;
export type FailureCause = (typeof FAILURE_CAUSES)[number];

/** One value for each cause. */
export const byCause = <T>(value: (cause: FailureCause) => T): Record<FailureCause, T> => ({
  cut: value("cut"),
  refused: value("refused"),
  negated: value("negated"),
  "out-of-range": value("out-of-range"),
  ambiguous: value("ambiguous"),
  missing: value("missing"),
  illegal: value("illegal"),
});

/** Means per round of one episode, with what the tables show besides J. */
export interface MeasuredEpisode extends EpisodeMeans {
  /** Number of the episode; the same number against the same opponent is the same scenario for every agent. */
  readonly index: number;
  /** |r| + |q|. */
  readonly magnitude: number;
  readonly decisions: number;
  /** Replies from which no legal action could be read, by cause. */
  readonly failures: Readonly<Record<FailureCause, number>>;
  /** Mean payoff per round if every round with such a reply paid the least that the game can pay. */
  readonly forfeited: number;
  /** The game's further measures of the agent's seat. */
  readonly measures: readonly number[];
  /** How often the agent chose each action; empty where that is not kept. */
  readonly actions: Readonly<Record<string, number>>;
}

export interface EvaluationOptions extends PlayOptions {
  /** Episodes per opponent, each in a scenario of its own. */
  readonly episodes: number;
  /** Given every episode that goes through the referee, with its number among those of its opponent. */
  readonly onEpisode?: (episode: Episode, index: number) => void;
}

/** The keys of one episode against an opponent. They do not depend on the agent, so agents are compared on the same scenarios. */
function keysOf(opponent: Key, index: number) {
  const own = foldIn(opponent, index);
  return { scenario: foldIn(own, "scenario"), sampling: foldIn(own, "sampling") };
}

const opponentsOf = ({ game, pools }: Roster) =>
  POOLS.flatMap((pool) => pools[pool].map((policy) => ({ pool, policy, path: `${game.facts.name}/${pool}/${policy.name}` })));

/** Episodes played before they are reduced to what is kept of them: prompts and replies of a whole evaluation would fill memory. */
const CHUNK = 2048;

export interface PlayedAll {
  readonly measured: readonly MeasuredEpisode[];
  /** Positions at which the agent decided. */
  readonly met: Positions;
}

/** Plays a player against every opponent of every pool, through the referee. */
export async function playAll(
  roster: Roster,
  agent: Player,
  key: Key,
  { episodes, onProgress, onEpisode, ...options }: EvaluationOptions,
): Promise<PlayedAll> {
  const specs = opponentsOf(roster).flatMap(({ pool, policy, path }) => {
    const opponent = scriptedPlayer(policy);
    const own = foldIn(key, path);
    return Array.from({ length: episodes }, (_, index): EpisodeSpec => ({
      game: roster.game,
      agent,
      opponent,
      pool,
      ...keysOf(own, index),
      id: `${path}/${index}`,
    }));
  });
  const measured: MeasuredEpisode[] = [];
  const met = new Positions(foldIn(key, roster.game.facts.name, "positions"));
  for (let from = 0; from < specs.length; from += CHUNK) {
    const progress = onProgress && { onProgress: (finished: number) => onProgress(from + finished) };
    for (const episode of await playEpisodes(specs.slice(from, from + CHUNK), { ...options, ...progress })) {
      const index = measured.length % episodes;
      measured.push(measurePlayed(episode, index));
      onEpisode?.(episode, index);
      addPositions(met, episode);
    }
  }
  return { measured, met };
}

/** Adds the positions of an episode at which its agent decided. */
function addPositions(met: Positions, { spec, decisions }: Episode): void {
  for (const { view, round } of decisions)
    met.add(spec.game.abstraction(view), `${spec.pool}/${spec.opponent.name}`, round, view);
}

/** The positions of played episodes. */
export function positionsOf(episodes: readonly Episode[], key: Key): Positions {
  const met = new Positions(key);
  for (const episode of episodes) addPositions(met, episode);
  return met;
}

/** Plays a scripted policy against every opponent of every pool; the same episodes as through the referee, much faster. */
export const simulateAll = (
  roster: Roster,
  agent: Policy,
  key: Key,
  { episodes }: EvaluationOptions,
): readonly MeasuredEpisode[] => simulatorOf(roster, agent)(key, episodes);

/** The same for many keys: what the policies do is worked out once. Returns episodes per opponent from a key. */
export function simulatorOf(roster: Roster, agent: Policy): (key: Key, episodes: number) => readonly MeasuredEpisode[] {
  const { game } = roster;
  const matchups = opponentsOf(roster).map((opponent) => ({ ...opponent, chain: createChain(game, [agent, opponent.policy]) }));
  return (key, episodes) =>
    matchups.flatMap(({ pool, policy, path, chain }) => {
      const own = foldIn(key, path);
      return Array.from({ length: episodes }, (_, index): MeasuredEpisode => {
        const { scenario, sampling } = keysOf(own, index);
        const { outcomes, decisions, certain } = simulateEpisode(chain, scenario, sampling);
        const horizon = game.facts.average === "decision" ? decisions : game.facts.rounds;
        const scored = { opponent: policy.name, pool, horizon, rounds: scoreRounds(outcomes) };
        const means = measure(scored, outcomes, index);
        return { ...means, certain, decisions, failures: NO_FAILURES, forfeited: means.r, actions: {} };
      });
    });
}

const NO_FAILURES = byCause(() => 0);

const causeOf = (parsed: Parsed): FailureCause | undefined =>
  parsed.status === "parse-failure" ? parsed.cause : parsed.status === "illegal-action" ? "illegal" : undefined;

function measurePlayed(episode: Episode, index: number): MeasuredEpisode {
  const { decisions, outcomes } = episode;
  const actions: Record<string, number> = {};
  for (const { action } of decisions) actions[action] = (actions[action] ?? 0) + 1;
  const scored = scoreEpisode(episode);
  const [least] = episode.spec.game.facts.payoffBounds;
  return {
    ...measure(scored, outcomes, index),
    decisions: decisions.length,
    failures: byCause((cause) => decisions.filter(({ parsed }) => causeOf(parsed) === cause).length),
    forfeited: perRound(scored, ({ r, failures }) => (failures > 0 ? least : r)),
    actions,
  };
}

function measure(scored: Parameters<typeof meansOf>[0], outcomes: readonly RoundOutcome[], index: number) {
  const { rounds, horizon } = scored;
  const first = outcomes[0]?.measures?.[AGENT_SEAT] ?? [];
  return {
    ...meansOf(scored),
    index,
    magnitude: rounds.reduce((sum, { r, q }) => sum + Math.abs(r) + Math.abs(q), 0) / horizon,
    measures: first.map((_, i) => outcomes.reduce((sum, { measures }) => sum + (measures?.[AGENT_SEAT][i] ?? 0), 0) / horizon),
  };
}
