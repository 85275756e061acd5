/**
 * Agents side by side. A rank is an interval: an agent is placed below those that are shown to be better and above those that are shown to be
 * worse, and is tied with all others.
 *
 * One is shown to be better where the difference in J leaves zero out at the level 5% divided by the number of pairs, so that with 95% no
 * placing of the whole table is wrong. Differences are those of independent agents (MOVER; Zou and Donner, Statistics in Medicine 27, 2008),
 * with distances widened from the 95% intervals by the ratio of Student's quantiles. On shared scenarios that is wider than it must be:
 * `sepo compare` pairs them.
 */
import type { CalibratedGame } from "../evaluation/calibration.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { ConfigError } from "../runs/config.ts";
import { studentQuantile } from "../stats/distributions.ts";
import { type Estimate, combine } from "../stats/estimate.ts";
import { ALPHA } from "../stats/measurement.ts";
import type { Entry } from "./entries.ts";

type GameReport = AgentReport["games"][number];

/** A place in a table. */
export interface Place {
  /** Best and worst rank that the intervals allow, from 1 on. */
  readonly rank: readonly [best: number, worst: number];
  /** Agents that are neither shown to be better nor worse. */
  readonly tied: readonly string[];
}

export interface Standing extends Omit<Entry, "games">, Place {
  readonly report: GameReport;
}

export interface GameBoard {
  readonly game: string;
  readonly protocol: string;
  /** What differs from the standard game, in words. */
  readonly settings: string;
  /** By J, the best first. */
  readonly standings: readonly Standing[];
  /** J* and scripted policies, where they were measured under the same rules; they take no rank. */
  readonly calibration?: CalibratedGame;
}

export interface OverallStanding extends Place {
  readonly agent: string;
  readonly folder: string;
  /** Mean of J over the games of the board, whose payoffs are on one scale. */
  readonly safetyIndex: Estimate;
}

export interface Leaderboard {
  readonly games: readonly GameBoard[];
  /** Agents that played every game of the board; absent for a board of one game. */
  readonly overall?: { readonly standings: readonly OverallStanding[]; readonly incomplete: readonly string[] };
}

/** Throws `ConfigError` for agents that must not be compared, naming the difference. */
export function leaderboard(entries: readonly Entry[], calibrated: readonly CalibratedGame[] = []): Leaderboard {
  const named = distinct(entries);
  const names = [...new Set(named.flatMap(({ games }) => games.map(({ game }) => game)))];
  const games = names.map((game) => gameBoard(game, named, calibrated));
  return { games, ...(games.length < 2 ? {} : { overall: overall(named, names) }) };
}

/** Agents under names of their own. Throws for a folder that is given twice. */
function distinct(entries: readonly Entry[]): readonly Entry[] {
  const folders = entries.map(({ folder }) => folder);
  const twice = folders.find((folder, i) => folders.indexOf(folder) !== i);
  if (twice !== undefined) throw new ConfigError(`${twice} is given twice; the same run is no other agent`);
  const names = entries.map(({ agent }) => agent);
  return entries.map((entry) => {
    const { agent, folder } = entry;
    return names.filter((name) => name === agent).length > 1 ? { ...entry, agent: `${agent} (${folder})` } : entry;
  });
}

function gameBoard(game: string, entries: readonly Entry[], calibrated: readonly CalibratedGame[]): GameBoard {
  const played = entries.flatMap(({ games, ...entry }) =>
    games.filter((report) => report.game === game).map((report) => ({ ...entry, report })),
  );
  refuseDifferent(game, played);
  const sorted = played.toSorted((a, b) => b.report.objective.safetyIndex.value - a.report.objective.safetyIndex.value);
  const places = placesOf(sorted.map(({ agent, report }) => ({ agent, estimate: report.objective.safetyIndex })));
  const [{ report, version }] = sorted;
  const { protocol, settings } = report;
  const calibration = calibrated.find(
    (one) => one.game === game && one.protocol === protocol && one.settings === withoutWording(settings),
  );
  return {
    game,
    protocol,
    settings: [settings, `version ${version}`].filter((text) => text !== "").join(", "),
    standings: sorted.map((one, i) => ({ ...one, ...places[i] })),
    ...(calibration === undefined ? {} : { calibration }),
  };
}

/** Scripted policies read no words, so that their rows hold for every wording. */
const withoutWording = (settings: string): string =>
  settings
    .split(", ")
    .filter((setting) => !setting.startsWith("wording "))
    .join(", ");

type Played = Omit<Entry, "games"> & { readonly report: GameReport };

function refuseDifferent(game: string, [first, ...others]: readonly Played[]): void {
  const rules = ({ report, version }: Played) => ({
    protocol: report.protocol,
    settings: report.settings === "" ? "the standard game" : report.settings,
    version,
  });
  const expected = Object.entries(rules(first));
  for (const other of others) {
    const found = Object.values(rules(other));
    const differing = expected.flatMap(([rule, value], i) =>
      value === found[i] ? [] : [`${rule} (${value} and ${found[i]})`],
    );
    if (differing.length > 0)
      throw new ConfigError(
        `${game}: ${first.folder} and ${other.folder} were measured with different ${differing.join(", ")}; they must not stand in one table`,
      );
  }
}

interface Measured {
  readonly agent: string;
  readonly estimate: Estimate;
}

/** The place of each agent among all. */
export function placesOf(agents: readonly Measured[]): Place[] {
  const pairs = (agents.length * (agents.length - 1)) / 2;
  const better = (a: Estimate, b: Estimate) => isAbove(a, b, ALPHA / Math.max(1, pairs));
  return agents.map(({ estimate: own }, i) => {
    const others = agents.filter((_, j) => j !== i);
    const above = others.filter(({ estimate: other }) => better(other, own));
    const below = others.filter(({ estimate: other }) => better(own, other));
    const tied = others.filter((other) => !above.includes(other) && !below.includes(other));
    return { rank: [1 + above.length, agents.length - below.length], tied: tied.map(({ agent }) => agent) };
  });
}

/** Whether a - b is shown to be above 0 at a two-sided level. */
function isAbove(a: Estimate, b: Estimate, level: number): boolean {
  if (a.value <= b.value) return false;
  const freedom = Math.max(1, Math.min(a.n, b.n) - 1);
  const widened = studentQuantile(level, freedom) / studentQuantile(ALPHA, freedom);
  const distance = Math.hypot(a.value - a.low, b.high - b.value);
  return a.value - b.value > widened * distance;
}

function overall(entries: readonly Entry[], names: readonly string[]): NonNullable<Leaderboard["overall"]> {
  const complete = entries.filter(({ games }) => names.every((name) => games.some(({ game }) => game === name)));
  const means = complete
    .map(({ agent, folder, games }) => ({
      agent,
      folder,
      safetyIndex: combine(games.map(({ objective }) => ({ weight: 1 / games.length, of: objective.safetyIndex }))),
    }))
    .toSorted((a, b) => b.safetyIndex.value - a.safetyIndex.value);
  const places = placesOf(means.map(({ agent, safetyIndex }) => ({ agent, estimate: safetyIndex })));
  return {
    standings: means.map((one, i) => ({ ...one, ...places[i] })),
    incomplete: entries.filter((entry) => !complete.includes(entry)).map(({ agent }) => agent),
  };
}
