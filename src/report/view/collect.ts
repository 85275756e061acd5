/** Makes the page's data from folders of runs and of models' evaluations. */
import { basename } from "node:path";
import { differenceIn } from "../../evaluation/compare.ts";
import type { AgentReport } from "../../evaluation/report.ts";
import { describeSettings } from "../../games/index.ts";
import type { Pool, Roster } from "../../opponents/index.ts";
import { ConfigError } from "../../runs/config.ts";
import { type StoredScores, episodesOf } from "../../runs/scores.ts";
import type { Transcript } from "../../runs/transcript.ts";
import { comparisons, inWords } from "../../stats/compare.ts";
import type { Estimate } from "../../stats/estimate.ts";
import { VERSION } from "../../version.ts";
import { allTables, protocolIn } from "../agents.ts";
import { episodeMeans } from "../export-csv.ts";
import { seedsTables } from "../seeds.ts";
import {
  type AgentGame,
  type EpisodeBody,
  type ListedEpisode,
  type ViewAgent,
  type ViewData,
  type ViewEstimate,
  type ViewGame,
  VIEW_VERSION,
} from "./data.ts";
import { theoryOf } from "./games.ts";
import { lostBy, rewardOf, tracer } from "./replay.ts";
import { type FoundAgent, type FoundRun, findRun } from "./run.ts";

export interface CollectOptions {
  /** Only these games. */
  readonly games?: readonly string[];
  /** Most episodes listed; the worst are kept. */
  readonly episodes?: number;
}

/** The data, and the text of each listed episode in the order of the list. */
export interface Collected {
  readonly data: ViewData;
  readonly bodies: readonly EpisodeBody[];
}

/** Episodes listed unless asked otherwise. */
const EPISODES = 4000;

/** Reads folders; what one of them lacks or has broken is told in its `problems`. */
export async function collect(folders: readonly string[], options: CollectOptions = {}): Promise<Collected> {
  const found: FoundRun[] = [];
  for (const folder of folders) found.push(await findRun(folder));
  return viewOf(found, options);
}

export function viewOf(found: readonly FoundRun[], { games, episodes: most = EPISODES }: CollectOptions = {}): Collected {
  const wanted = (game: string): boolean => games === undefined || games.includes(game);
  const named = found.flatMap((run, i) => run.agents.map((agent) => ({ run: i, agent, label: labelOf(found, i, agent) })));
  const reports: AgentReport[] = named.map(({ agent, label }) => ({
    ...agent.report,
    agent: label,
    games: agent.report.games.filter(({ game }) => wanted(game)),
  }));
  const agents = named.map(({ run, agent, label }, i): ViewAgent => ({
    run,
    ...(agent.stage === undefined ? {} : { stage: agent.stage }),
    label,
    command: agent.report.command,
    games: reports[i].games.map(agentGame),
  }));
  const names = [...new Set(reports.flatMap((report) => report.games.map(({ game }) => game)))];
  const rosters = rostersByGame(found);
  const { listed, bodies, inAll } = episodesOfRuns(found, rosters, most, wanted);
  const { compared, pairing } = comparedAgents(named, names, rosters);
  return {
    data: {
      format: "sepo-view",
      version: VIEW_VERSION,
      program: VERSION,
      runs: found.map(({ view }) => view),
      agents,
      games: [...new Set([...names, ...trainedGames(found).filter(wanted)])].map((name) =>
        gameOf(name, rosters.get(name), reports),
      ),
      comparisons: compared,
      pairing,
      seeds: seedsOf(found, games),
      tables: names.flatMap((game) => {
        const own = reports.flatMap((report) => {
          const inGame = report.games.filter((one) => one.game === game);
          return inGame.length === 0 ? [] : [{ ...report, games: inGame }];
        });
        return allTables(own).map((table) => ({
          game,
          table: { ...table, head: [...table.head], rows: table.rows.map((row) => [...row]) },
        }));
      }),
      episodes: listed,
      episodesInAll: inAll,
    },
    bodies,
  };
}

/** An agent by its stage, and by its run where there are several. */
const labelOf = (found: readonly FoundRun[], run: number, { report }: FoundAgent): string =>
  `${prefixOf(found, run)}${report.agent}`;

/** The name of a run's folder before its agents: without the folders above it where that is enough to tell runs apart. */
function prefixOf(found: readonly FoundRun[], run: number): string {
  if (found.length === 1) return "";
  const names = found.map(({ view }) => view.name);
  const short = names.map((name) => basename(name));
  return `${short.filter((name) => name === short[run]).length === 1 ? short[run] : names[run]} `;
}

const plain = ({ value, low, high, n }: Estimate): ViewEstimate => ({
  value,
  low: Number.isFinite(low) ? low : null,
  high: Number.isFinite(high) ? high : null,
  n,
});

function agentGame({
  game,
  objective,
  securityShortfall,
  worstCase,
  unreadableRate,
  opponents,
  actionTable,
}: AgentReport["games"][number]): AgentGame {
  return {
    game,
    quantities: {
      safetyIndex: plain(objective.safetyIndex),
      utility: plain(objective.utility),
      poolAdvantage: plain(objective.poolAdvantage),
      collusion: plain(objective.collusion),
      externality: plain(objective.externality),
      signedPoolAdvantage: plain(objective.signedPoolAdvantage),
      securityShortfall: plain(securityShortfall),
      ...(worstCase === undefined ? {} : { worstCase: plain(worstCase.advantage) }),
      ...(worstCase?.exploitability === undefined ? {} : { exploitability: plain(worstCase.exploitability) }),
      unreadableRate: plain(unreadableRate),
    },
    ...(worstCase === undefined ? {} : { worstCaseKind: worstCase.kind }),
    opponents: opponents.map((row) => ({
      opponent: row.opponent,
      pool: row.pool,
      values: {
        payoff: plain(row.payoff),
        gap: plain(row.gap),
        ...(row.regret === undefined ? {} : { regret: plain(row.regret) }),
        collusion: plain(row.collusion),
        externality: plain(row.externality),
        welfare: plain(row.welfare),
      },
    })),
    actionTable: actionTable.map(({ key, met, actions }) => ({
      key,
      met,
      actions: actions.map(({ action, probability, reference }) => ({ action, probability: plain(probability), reference })),
    })),
  };
}

const rostersByGame = (found: readonly FoundRun[]): ReadonlyMap<string, Roster> =>
  new Map(found.toReversed().flatMap(({ rosters }) => rosters.map((roster) => [roster.game.facts.name, roster] as const)));

const trainedGames = (found: readonly FoundRun[]): string[] =>
  found.flatMap(({ view }) => view.curves.flatMap(({ name }) => /^(.+)\/safety_index$/.exec(name)?.[1] ?? []));

function gameOf(name: string, roster: Roster | undefined, reports: readonly AgentReport[]): ViewGame {
  const own = reports.flatMap(({ games }) => games.filter(({ game }) => game === name));
  const protocol = protocolIn(name, reports);
  if (roster === undefined || own.some(({ settings }) => settings !== describeSettings(roster.game.facts)))
    return {
      name,
      title: roster?.game.facts.title ?? name,
      unit: roster?.game.facts.unit ?? "points",
      protocol,
      rounds: roster?.game.facts.rounds ?? 1,
      reference: own[0]?.referencePolicy ?? "",
      landmarks: [],
      keys: [],
    };
  const { facts, rules } = roster.game;
  return {
    name,
    title: facts.title,
    unit: facts.unit,
    protocol,
    rounds: facts.rounds,
    weights: facts.weights,
    rules,
    reference: roster.reference.name,
    ...theoryOf(roster),
  };
}

interface Named {
  readonly run: number;
  readonly label: string;
  readonly agent: FoundAgent;
}

/** Each stage of a run against the stage before it, and the last of each run against that of the first: all decisions together. */
function comparedAgents(
  named: readonly Named[],
  games: readonly string[],
  rosters: ReadonlyMap<string, Roster>,
): { readonly compared: ViewData["comparisons"]; readonly pairing: string } {
  const pairs = pairsOf(named);
  const measured = games.flatMap((game) => {
    const roster = rosters.get(game);
    if (roster === undefined) return [];
    return pairs.flatMap(([first, second]) => {
      const [a, b] = [named[first].agent, named[second].agent];
      if (a.scores === undefined || b.scores === undefined || !comparable(a.report, b.report, game)) return [];
      const difference = differenceOf(roster, a.scores, b.scores);
      return difference === undefined ? [] : [{ game, first, second, difference }];
    });
  });
  const decided = comparisons(measured.map(({ difference }) => difference));
  const compared = measured.map(({ game, first, second }, i) => {
    const { difference, low, high, adjusted, verdict } = decided[i];
    return {
      game,
      first,
      second,
      value: difference.value,
      low: Number.isFinite(low) ? low : null,
      high: Number.isFinite(high) ? high : null,
      p: adjusted,
      words: inWords(verdict, named[first].label, named[second].label),
    };
  });
  if (pairs.length === 0) return { compared, pairing: "There is one agent, so nothing to compare." };
  const pairing =
    measured.length === 0
      ? "These evaluations did not keep the scores of their episodes, so differences are not paired here; sepo compare plays the agents on the same scenarios."
      : `Differences of J are paired on the same scenarios; ${measured.length === 1 ? "one comparison" : `${measured.length} comparisons, p-values adjusted by Holm's method, intervals to match`}.`;
  return { compared, pairing };
}

function pairsOf(named: readonly Named[]): (readonly [number, number])[] {
  const within = named.flatMap(({ run }, i) => (i > 0 && named[i - 1].run === run ? [[i, i - 1] as const] : []));
  const lasts = named.flatMap(({ run }, i) => (named[i + 1]?.run === run ? [] : [i]));
  return [...within, ...lasts.slice(1).map((last) => [last, lasts[0]] as const)];
}

/** Whether two agents were measured on the same scenarios of a game that was set alike. */
function comparable(a: AgentReport, b: AgentReport, game: string): boolean {
  const [one, other] = [a, b].map(({ games }) => games.find((own) => own.game === game));
  return (
    one !== undefined &&
    other !== undefined &&
    a.seed === b.seed &&
    one.protocol === other.protocol &&
    one.settings === other.settings &&
    one.episodesPerOpponent === other.episodesPerOpponent
  );
}

function differenceOf(roster: Roster, a: StoredScores, b: StoredScores) {
  const { name } = roster.game.facts;
  const [one, other] = [episodesOf(a, name), episodesOf(b, name)];
  return one.length === 0 || one.length !== other.length ? undefined : differenceIn(roster, one, other);
}

const NO_SEEDS: ViewData["seeds"] = { tables: [], means: [] };

/** Means over seeds, where the runs differ by their seed alone. */
function seedsOf(found: readonly FoundRun[], games: readonly string[] | undefined): ViewData["seeds"] {
  const runs = found.flatMap(({ summary }) => (summary === undefined || summary.reports.length === 0 ? [] : [summary]));
  if (runs.length < 2 || runs.length !== found.length) return NO_SEEDS;
  try {
    const { tables, rows } = seedsTables(runs, games);
    return {
      tables: tables.map(({ title, head, rows: cells }) => ({ title, head: [...head], rows: cells.map((row) => [...row]) })),
      means: rows.map(({ game, protocol, agent, seeds, values }) => ({
        game,
        protocol,
        stage: agent,
        seeds: [...seeds],
        values: {
          ...(values.safetyIndex && { safetyIndex: plain(values.safetyIndex) }),
          ...(values.utility && { utility: plain(values.utility) }),
          ...(values.poolAdvantage && { poolAdvantage: plain(values.poolAdvantage) }),
          ...(values.collusion && { collusion: plain(values.collusion) }),
          ...(values.externality && { externality: plain(values.externality) }),
          ...(values.worstCase && { worstCase: plain(values.worstCase) }),
        },
      })),
    };
  } catch (error) {
    // They differ in more than the seed.
    if (error instanceof ConfigError) return NO_SEEDS;
    throw error;
  }
}

/** Tracers remember what they solved, so each is kept with its roster. */
const tracers = new WeakMap<Roster, Map<string, ReturnType<typeof tracer>>>();

function tracerOf(roster: Roster, pool: Pool, opponent: string): ReturnType<typeof tracer> {
  const own = tracers.get(roster) ?? new Map<string, ReturnType<typeof tracer>>();
  tracers.set(roster, own);
  const key = `${pool}/${opponent}`;
  const policy = roster.pools[pool].find(({ name }) => name === opponent);
  const made = own.get(key) ?? tracer(roster.game, policy, roster.game.facts.enumerable ? rewardOf[pool] : undefined);
  own.set(key, made);
  return made;
}

/** The worst episodes first: by what their decisions gave up, else by payoff. */
function episodesOfRuns(
  found: readonly FoundRun[],
  rosters: ReadonlyMap<string, Roster>,
  most: number,
  wanted: (game: string) => boolean,
): { readonly listed: ListedEpisode[]; readonly bodies: EpisodeBody[]; readonly inAll: number } {
  const all = found
    .flatMap((run, i) => [
      ...run.agents.flatMap((agent) => agent.episodes.map((episode) => ({ run: i, agent: labelOf(found, i, agent), episode }))),
      ...run.training.map((episode) => ({ run: i, agent: trainingLabel(found, i, episode), episode })),
    ])
    .filter(({ episode }) => wanted(episode.game));
  const worst = all
    .map((one) => ({ ...one, means: episodeMeans(one.episode) }))
    .toSorted((a, b) => a.means.r - b.means.r)
    .slice(0, most);
  const traceOf = ({ game, pool, opponent }: Transcript) => {
    const roster = rosters.get(game);
    return roster && tracerOf(roster, pool, opponent);
  };
  const made = worst.map(({ run, agent, episode, means }) => {
    const traced = traceOf(episode)?.(episode);
    const lost = traced && lostBy(traced, episode);
    const { id, game, pool, opponent, step, decisions, rounds, rules, views } = episode;
    const listed: ListedEpisode = {
      id,
      agent,
      game,
      pool,
      opponent,
      step,
      run,
      ...means,
      unreadable: decisions.filter(({ status }) => status !== "ok").length,
      decisions: decisions.length,
      ...(lost === undefined ? {} : { lost }),
    };
    const body: EpisodeBody = {
      rules,
      rounds: [...rounds],
      views: [...views],
      decisions: decisions.map((decision, i) => {
        const { key, worth } = traced?.[i] ?? {};
        return {
          ...decision,
          ...(key === undefined ? {} : { key }),
          ...(worth === undefined ? {} : { worth: [...worth] }),
        };
      }),
    };
    return { listed, body };
  });
  return { listed: made.map(({ listed }) => listed), bodies: made.map(({ body }) => body), inAll: all.length };
}

const trainingLabel = (found: readonly FoundRun[], run: number, { step }: Transcript): string =>
  `${prefixOf(found, run)}training step ${step}`;
