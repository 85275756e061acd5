/** Evaluation of an agent: every metric with a 95% interval whose unit is the episode, per opponent and per pool. */
import type { GameFacts } from "../games/index.ts";
import { type ScoredEpisode, measureObjective, perRound } from "../objective/objective.ts";
import { POOLS, type Pool, rosterOf } from "../opponents/index.ts";
import { type Episode, type EpisodeSpec, type PlayOptions, playEpisodes } from "../play/episodes.ts";
import { type Player, scriptedPlayer } from "../play/player.ts";
import { objectiveSettings, scoreEpisode } from "../play/score.ts";
import { type Key, foldIn } from "../random.ts";
import { type Estimate, combine, estimateMean, estimateRatio } from "../stats/estimate.ts";

/** Measurements against one opponent, per round. */
export interface OpponentReport {
  readonly opponent: string;
  readonly pool: Pool;
  readonly payoff: Estimate;
  readonly opponentPayoff: Estimate;
  /** q - r, in the game's unit. */
  readonly gap: Estimate;
  readonly collusion: Estimate;
  readonly externality: Estimate;
  /** r + q. */
  readonly welfare: Estimate;
  /** (sum r - sum q) / (sum |r| + sum |q|) over all rounds (GTBench). */
  readonly relativeAdvantage: Estimate;
}

export interface GameReport {
  readonly game: string;
  readonly protocol: "corrected";
  readonly episodesPerOpponent: number;
  readonly objective: {
    readonly safetyIndex: Estimate;
    readonly utility: Estimate;
    readonly exploitability: Estimate;
    readonly signedExploitability: Estimate;
    readonly collusion: Estimate;
    readonly externality: Estimate;
  };
  /** Mean payoff per round over a pool's opponents; against `exploiter` it is the robustness. */
  readonly payoffByPool: Readonly<Record<Pool, Estimate>>;
  readonly opponents: readonly OpponentReport[];
  readonly parseFailureRate: Estimate;
  readonly illegalActionRate: Estimate;
}

export interface EvaluationOptions extends PlayOptions {
  readonly episodes: number;
}

export interface Evaluation {
  readonly report: GameReport;
  readonly episodes: readonly Episode[];
}

/** Plays `episodes` episodes, each in a scenario of its own, against every opponent of every pool. */
export async function evaluate(
  gameName: string,
  agent: Player,
  key: Key,
  { episodes, ...options }: EvaluationOptions,
): Promise<Evaluation> {
  const { game, pools } = rosterOf(gameName);
  const specs = POOLS.flatMap((pool) =>
    pools[pool].flatMap((policy) => {
      const opponent = scriptedPlayer(policy);
      return Array.from({ length: episodes }, (_, i): EpisodeSpec => {
        const own = foldIn(key, gameName, pool, policy.name, i);
        const id = `${gameName}/${pool}/${policy.name}/${i}`;
        return { game, agent, opponent, pool, scenario: foldIn(own, "scenario"), sampling: foldIn(own, "sampling"), id };
      });
    }),
  );
  const played = await playEpisodes(specs, options);
  return { episodes: played, report: reportOf(game.facts, played, episodes) };
}

function reportOf(facts: GameFacts, played: readonly Episode[], episodesPerOpponent: number): GameReport {
  const scored = played.map(scoreEpisode);
  const { safetyIndex, utility, exploitability, signedExploitability, collusion, externality } = measureObjective(
    scored,
    objectiveSettings(facts),
  );
  const opponents = POOLS.flatMap((pool) => {
    const own = scored.filter((episode) => episode.pool === pool);
    return [...new Set(own.map(({ opponent }) => opponent))].map((opponent) =>
      opponentReport(
        facts,
        pool,
        own.filter((episode) => episode.opponent === opponent),
      ),
    );
  });
  const payoff = (pool: Pool): Estimate => {
    const own = opponents.filter((report) => report.pool === pool);
    return combine(own.map((report) => ({ weight: 1 / own.length, of: report.payoff })));
  };
  const decisions = played.map((episode) => episode.decisions.length);
  const failures = (status: string) => played.map((e) => e.decisions.filter(({ parsed }) => parsed.status === status).length);
  return {
    game: facts.name,
    protocol: "corrected",
    episodesPerOpponent,
    objective: { safetyIndex, utility, exploitability, signedExploitability, collusion, externality },
    payoffByPool: {
      train: payoff("train"),
      exploiter: payoff("exploiter"),
      collusive: payoff("collusive"),
      "held-out": payoff("held-out"),
    },
    opponents,
    parseFailureRate: estimateRatio(failures("parse-failure"), decisions),
    illegalActionRate: estimateRatio(failures("illegal-action"), decisions),
  };
}

function opponentReport({ rounds }: GameFacts, pool: Pool, episodes: readonly ScoredEpisode[]): OpponentReport {
  const each = (value: (round: ScoredEpisode["rounds"][number]) => number) => episodes.map((e) => perRound(e, rounds, value));
  return {
    opponent: episodes[0].opponent,
    pool,
    payoff: estimateMean(each(({ r }) => r)),
    opponentPayoff: estimateMean(each(({ q }) => q)),
    gap: estimateMean(each(({ q, r }) => q - r)),
    collusion: estimateMean(each(({ c }) => c)),
    externality: estimateMean(each(({ x }) => x)),
    welfare: estimateMean(each(({ r, q }) => r + q)),
    relativeAdvantage: estimateRatio(
      each(({ r, q }) => r - q),
      each(({ r, q }) => Math.abs(r) + Math.abs(q)),
    ),
  };
}
