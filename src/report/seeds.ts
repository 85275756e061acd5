/** Several runs that differ by their seed alone, as means over runs. */
import { QUANTITIES } from "../evaluation/quantities.ts";
import { ConfigError } from "../runs/config.ts";
import type { RunSummary } from "../runs/read.ts";
import type { Stage } from "../runs/stages.ts";
import { type SeedValues, valuesOver } from "./over-seeds.ts";
import { type TextTable, interval } from "./table.ts";

/** The mean of one quantity of one stage over runs, with Student's interval; n runs have it. */
export interface SeedsRow {
  readonly game: string;
  readonly protocol: string;
  readonly agent: Stage;
  readonly n: number;
  readonly seeds: readonly number[];
  readonly values: SeedValues;
}

/** Columns of the table; rows have every quantity. */
const SHOWN = ["safetyIndex", "utility", "poolAdvantage", "collusion", "externality", "worstCase"] as const;

/**
 * One table a game. Throws `ConfigError` for runs that differ in anything but the seed, that repeat a seed, or for a single run: no
 * interval over runs can be had from those.
 */
export function seedsTables(
  runs: readonly RunSummary[],
  games: readonly string[] | undefined,
): { readonly tables: readonly TextTable[]; readonly rows: readonly SeedsRow[] } {
  refuse(runs);
  const names = [
    ...new Set(runs.flatMap(({ reports }) => reports.flatMap(({ report }) => report.games.map(({ game }) => game)))),
  ];
  const rows = names.filter((name) => games === undefined || games.includes(name)).flatMap((name) => rowsOf(name, runs));
  const tables = [...new Set(rows.map(({ game }) => game))].map((game): TextTable => {
    const own = rows.filter((row) => row.game === game);
    return {
      title: `${game}: protocol ${own[0].protocol}, means over runs that differ by their seed alone (${own[0].seeds.join(", ")}), 95% intervals over runs, Student's t`,
      head: ["agent", "runs", ...SHOWN.map((name) => QUANTITIES[name].head)],
      rows: own.map(({ agent, n, values }) => [agent, String(n), ...SHOWN.map((name) => interval(values[name]))]),
    };
  });
  return { tables, rows };
}

function rowsOf(name: string, runs: readonly RunSummary[]): SeedsRow[] {
  const stages = [...new Set(runs.flatMap(({ reports }) => reports.map(({ stage }) => stage)))];
  return stages.flatMap((stage) => {
    const found = runs.flatMap(({ config, reports }) => {
      const game = reports.find((stored) => stored.stage === stage)?.report.games.find((one) => one.game === name);
      return game === undefined ? [] : [{ seed: config.seed, game }];
    });
    if (found.length < 2) return [];
    return [
      {
        game: name,
        protocol: found[0].game.protocol,
        agent: stage,
        n: found.length,
        seeds: found.map(({ seed }) => seed),
        values: valuesOver(found.map(({ game }) => game)),
      },
    ];
  });
}

function refuse(runs: readonly RunSummary[]): void {
  if (runs.length < 2) throw new ConfigError(`--over-seeds needs at least two runs, got ${runs.length}`);
  const [first, ...others] = runs;
  const seeds = runs.map(({ config }) => config.seed);
  const repeated = runs.find(({ config }, i) => seeds.indexOf(config.seed) !== i);
  if (repeated !== undefined)
    throw new ConfigError(
      `--over-seeds: ${repeated.folder} has seed ${repeated.config.seed} like another run; the same seed is the same run`,
    );
  for (const other of others) {
    const differing = differences(first, other);
    if (differing.length > 0)
      throw new ConfigError(
        `--over-seeds: ${other.folder} differs from ${first.folder} in ${differing.join(", ")}; expected runs that differ in the seed alone`,
      );
  }
}

/** What two runs differ in besides the seed and how they use their machine. */
function differences(a: RunSummary, b: RunSummary): string[] {
  const [left, right] = [comparable(a), comparable(b)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((key) => left.get(key) !== right.get(key))
    .map((key) => `${key} (${left.get(key) ?? "not set"} and ${right.get(key) ?? "not set"})`);
}

const MACHINE = new Set(["seed", "engine.threads", "engine.device", "evaluation.concurrency"]);

function comparable({ config, identity }: RunSummary): Map<string, string> {
  const found = new Map<string, string>([["version", identity.version]]);
  const walk = (value: unknown, path: string): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) walk(inner, path === "" ? key : `${path}.${key}`);
    else if (!MACHINE.has(path)) found.set(path, JSON.stringify(value));
  };
  walk(config, "");
  return found;
}
