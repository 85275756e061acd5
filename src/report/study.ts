/** What a study found: a row per variant with means over seeds, and paired tests between rows. */
import type { PairedIndex } from "../evaluation/compare.ts";
import { QUANTITIES, type QuantityName, type ReportOfGame } from "../evaluation/quantities.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { type Comparison, comparisons, pairedDifference } from "../stats/compare.ts";
import type { Measurement } from "../stats/measurement.ts";
import { type SeedValues, valuesOf, valuesOver } from "./over-seeds.ts";

/** The report of one row at one seed. */
export interface SeededReport {
  readonly row: string;
  readonly seed: number;
  readonly report: AgentReport;
  /** Why the seed may be biased for this row. */
  readonly mark?: string;
}

export interface StudyReports {
  readonly reports: readonly SeededReport[];
  readonly optima: readonly {
    readonly game: string;
    readonly protocol: string;
    readonly optimum: { readonly value: number } | { readonly atMost: number };
  }[];
  /** Where there is one seed: J of a row minus J of another on the same scenarios. */
  readonly paired: readonly PairedIndex[];
}

export interface TestSettings {
  /** With a single one nothing is known over seeds: intervals are those of the reports, and tests are paired by scenario. */
  readonly seeds: readonly number[];
  /** Rows that every other row is compared with; `small/sft` or, in every recipe, `sft`. */
  readonly against: readonly string[];
  readonly tests: readonly QuantityName[];
}

export interface StudyResultRow {
  readonly row: string;
  readonly seeds: readonly number[];
  /** Options and weights that differ from those of the standard game. */
  readonly settings: string;
  /** Seeds that may be biased, with the reason. */
  readonly marked: Readonly<Record<string, string>>;
  readonly values: SeedValues;
}

/** Two rows over the seeds that both have, or over the scenarios of the only one: the first minus the second. */
export interface StudyTest extends Comparison {
  readonly quantity: QuantityName;
  readonly first: string;
  readonly second: string;
  readonly seeds: readonly number[];
}

export interface StudyGame {
  readonly game: string;
  readonly protocol: string;
  readonly rows: readonly StudyResultRow[];
  readonly optimum?: StudyReports["optima"][number]["optimum"];
  /** Rows that no other beats in J (by the game's own weights), or payoff, without a larger worst case; by means over seeds. */
  readonly front: { readonly safetyIndex: readonly string[]; readonly payoff: readonly string[] };
  /** The family for which p-values are adjusted: all tests of the game. */
  readonly tests: readonly StudyTest[];
}

interface SeedsOfRow {
  readonly row: string;
  readonly reports: readonly { readonly seed: number; readonly report: ReportOfGame; readonly mark?: string }[];
}

/** The results of every game and protocol. */
export function studyGames({ reports, optima, paired }: StudyReports, settings: TestSettings): StudyGame[] {
  const all = reports.flatMap(({ row, seed, report, mark }) =>
    report.games.map((game) => ({ row, seed, report: game, ...(mark === undefined ? {} : { mark }) })),
  );
  const keys = [...new Set(all.map(({ report }) => keyOf(report)))];
  return keys.map((key) => {
    const own = all.filter(({ report }) => keyOf(report) === key);
    const { game, protocol } = own[0].report;
    const rows = [...new Set(own.map(({ row }) => row))].map((row): SeedsOfRow => ({
      row,
      reports: own.filter((one) => one.row === row),
    }));
    const optimum = optima.find((one) => one.game === game && one.protocol === protocol)?.optimum;
    const results = rows.map((row) => resultRow(row, isSingle(settings)));
    return {
      game,
      protocol,
      rows: results,
      front: { safetyIndex: frontOf(results, "standardIndex"), payoff: frontOf(results, "payoff") },
      ...(optimum === undefined ? {} : { optimum }),
      tests: isSingle(settings)
        ? decided(
            paired.filter((one) => keyOf(one) === key).map((one) => ({ ...one, quantity: "safetyIndex", seeds: [one.seed] })),
          )
        : testsOf(rows, settings),
    };
  });
}

/** What names of rows of scripted policies begin with. */
export const SCRIPTED = "best scripted";

const isSingle = ({ seeds }: TestSettings): boolean => seeds.length === 1;
const keyOf = ({ game, protocol }: { readonly game: string; readonly protocol: string }): string => `${game} ${protocol}`;

const resultRow = ({ row, reports }: SeedsOfRow, single: boolean): StudyResultRow => ({
  row,
  seeds: reports.map(({ seed }) => seed),
  settings: [...new Set(reports.map(({ report }) => report.settings))].join(" and "),
  marked: Object.fromEntries(reports.flatMap(({ seed, mark }) => (mark === undefined ? [] : [[String(seed), mark]]))),
  values: single ? valuesOf(reports[0].report) : valuesOver(reports.map(({ report }) => report)),
});

/** Rows with the most `benefit` for their worst case, the safest first. */
function frontOf(rows: readonly StudyResultRow[], benefit: "standardIndex" | "payoff"): string[] {
  const points = rows.flatMap(({ row, values }) => {
    const [gain, risk] = [values[benefit]?.value, values.worstCase?.value];
    return gain === undefined || risk === undefined ? [] : [{ row, gain, risk }];
  });
  return points
    .filter(
      ({ gain, risk }) => !points.some((one) => one.gain >= gain && one.risk <= risk && (one.gain > gain || one.risk < risk)),
    )
    .toSorted((a, b) => a.risk - b.risk)
    .map(({ row }) => row);
}

/** J means the same only under the same options and weights; other quantities do under any weights. */
const OF_WEIGHTS: readonly QuantityName[] = ["safetyIndex"];

/** Student's t on differences by seed, Holm over all of them. Pairs with fewer than two seeds in common are left out. */
function testsOf(rows: readonly SeedsOfRow[], { against, tests }: TestSettings): StudyTest[] {
  const isControl = ({ row }: SeedsOfRow) => against.some((name) => row === name || row.endsWith(`/${name}`));
  const controls = rows.filter(isControl);
  const pairs = controls.flatMap((second) =>
    rows
      .filter((first) => first !== second && !first.row.startsWith(SCRIPTED) && recipeOf(first) === recipeOf(second))
      // Of two rows that are both compared with the others, one comparison says all.
      .filter((first) => !isControl(first) || controls.indexOf(first) > controls.indexOf(second))
      .map((first) => ({ first, second })),
  );
  const found = tests.flatMap((quantity) =>
    pairs.flatMap(({ first, second }) => {
      const paired = pairOf(first, second, quantity);
      return paired === undefined ? [] : [{ quantity, first: first.row, second: second.row, ...paired }];
    }),
  );
  return decided(found);
}

type Measured = Pick<StudyTest, "quantity" | "first" | "second" | "seeds"> & { readonly measured: Measurement };

/** All differences of a game, decided together. */
function decided(found: readonly Measured[]): StudyTest[] {
  const compared = comparisons(found.map(({ measured }) => measured));
  return found.map(({ quantity, first, second, seeds }, i) => ({ quantity, first, second, seeds, ...compared[i] }));
}

/** The recipe in a row's name; empty where a study has one. */
export const recipeOf = ({ row }: { readonly row: string }): string =>
  row.includes("/") ? row.slice(0, row.indexOf("/")) : "";

function pairOf(
  first: SeedsOfRow,
  second: SeedsOfRow,
  quantity: QuantityName,
): { readonly measured: Measurement; readonly seeds: readonly number[] } | undefined {
  const pairs = first.reports.flatMap(({ seed, report }) => {
    const other = second.reports.find((one) => one.seed === seed)?.report;
    if (other === undefined || (OF_WEIGHTS.includes(quantity) && report.settings !== other.settings)) return [];
    const [a, b] = [QUANTITIES[quantity].of(report), QUANTITIES[quantity].of(other)];
    return a === undefined || b === undefined ? [] : [{ seed, a, b }];
  });
  if (pairs.length < 2) return undefined;
  const measured = pairedDifference(
    pairs.map(({ a }) => a),
    pairs.map(({ b }) => b),
  );
  return { measured, seeds: pairs.map(({ seed }) => seed) };
}
