/** A study as tables: a row per variant with means over seeds, paired tests between rows, and the log of trials. */
import { QUANTITIES, type QuantityName, type ReportOfGame } from "../evaluation/quantities.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { type Comparison, type Verdict, comparisons, inWords, pairedDifference } from "../stats/compare.ts";
import type { Estimate } from "../stats/estimate.ts";
import type { Measurement } from "../stats/measurement.ts";
import { type SeedValues, valuesOf, valuesOver } from "./over-seeds.ts";
import { type TextTable, interval } from "./table.ts";

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

export interface PairedIndex {
  readonly game: string;
  readonly protocol: string;
  readonly first: string;
  readonly second: string;
  readonly seed: number;
  readonly measured: Measurement;
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

const recipeOf = ({ row }: { readonly row: string }): string => (row.includes("/") ? row.slice(0, row.indexOf("/")) : "");

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

/** Columns of the tables, in groups that fit a screen. */
const GROUPS: readonly (readonly QuantityName[])[] = [
  ["safetyIndex", "tableIndex", "standardIndex", "utility", "poolAdvantage", "collusion", "externality", "unreadable"],
  ["payoff", "robustness", "heldOut", "relativeAdvantage", "relativeAdvantageAll", "welfare"],
  ["securityShortfall", "worstCase", "exploitability", "regret"],
];

/** One table of a game, or `narrow` ones that fit a screen. */
export function studyTables(result: StudyGame, { narrow = false } = {}): TextTable[] {
  const groups = narrow ? GROUPS : [GROUPS.flat()];
  const { game, protocol, rows, optimum, front } = result;
  const seeds = [...new Set(rows.flatMap((row) => row.seeds))].toSorted((a, b) => a - b);
  const weighed = rows.some(({ settings }) => settings !== rows[0].settings);
  const fronts = [
    `No row has more J, by the game's own weights, at a smaller worst case than: ${front.safetyIndex.join(", ")}.`,
    `No row has more payoff at a smaller worst case than: ${front.payoff.join(", ")}.`,
  ];
  const marks = rows.flatMap(({ row, marked }) =>
    Object.entries(marked).map(([seed, reason]) => `* ${row}, seed ${seed}: ${reason}.`),
  );
  return groups.map((group, i): TextTable => {
    const shown = group.filter(
      (name) => rows.some(({ values }) => values[name] !== undefined) && (weighed || name !== "standardIndex"),
    );
    const body = rows.map((row) => [nameOf(row), String(row.seeds.length), ...shown.map((name) => cellOf(row.values[name]))]);
    const star =
      optimum === undefined || i > 0
        ? []
        : [["J*", "", ...shown.map((name) => (name === "safetyIndex" ? starOf(optimum) : ""))]];
    return {
      title: `${game}: protocol ${protocol}, ${over(seeds)}`,
      head: ["row", "seeds", ...shown.map((name) => QUANTITIES[name].head)],
      rows: [...body, ...star],
      ...(i === groups.length - 1 ? { note: [...fronts, ...marks].join("\n") } : {}),
    };
  });
}

/** What values and intervals are over. */
const over = (seeds: readonly number[]): string =>
  seeds.length === 1
    ? `seed ${seeds[0]} alone, 95% intervals by episode (another seed may give something else)`
    : `means over seeds ${seeds.join(", ")}, 95% intervals over seeds, Student's t`;

const nameOf = ({ row, settings, marked }: StudyResultRow): string =>
  `${row}${settings === "" ? "" : ` (${settings})`}${Object.keys(marked).length > 0 ? " *" : ""}`;
const cellOf = (value: Estimate | undefined): string => (value === undefined ? "" : interval(value));
const starOf = (optimum: NonNullable<StudyGame["optimum"]>): string => {
  if ("value" in optimum) return optimum.value.toFixed(3);
  return optimum.atMost < Number.MAX_VALUE ? `at most ${optimum.atMost.toFixed(3)}` : "not known";
};

/**
 * What training did in every game, a line for each row: J of base, SFT and the row, beside the best scripted policy and J*; what a best
 * response gains, before and after; and what was shown, the worse with the better.
 */
export function overviewTable(games: readonly StudyGame[]): TextTable {
  const seeds = [...new Set(games.flatMap(({ rows }) => rows.flatMap((row) => row.seeds)))].toSorted((a, b) => a - b);
  const several = games.some((game) => trainedRows(game).length > 1);
  return {
    title: `What training did: J and what a best response gains (worst case q - r); ${over(seeds)}`,
    head: [
      "game",
      ...(several ? ["row"] : []),
      "J: base",
      "SFT",
      "trained",
      "best scripted",
      "J*",
      "worst case: SFT",
      "trained",
      "against SFT",
    ],
    rows: games.flatMap((game) =>
      trainedRows(game).map((row) => [game.game, ...(several ? [row.row] : []), ...overviewRow(game, row)]),
    ),
    note:
      "Higher and lower are said where a difference to SFT is shown: of J by the tests below, of the worst case by them or where the intervals are apart. " +
      "A worst case that is a lower bound (item negotiation) is the best of a family of responders.",
  };
}

/** Every table of a study, the overview first. */
export const allStudyTables = (games: readonly StudyGame[], layout: { readonly narrow?: boolean } = {}): TextTable[] => [
  ...(games.length === 0 ? [] : [overviewTable(games)]),
  ...games.flatMap((game) => [...studyTables(game, layout), ...(game.tests.length === 0 ? [] : [testsTable(game)])]),
];

const SCRIPTED = "best scripted";
const isStage = (row: string, stage: "base" | "sft"): boolean => row === stage || row.endsWith(`/${stage}`);
const trainedRows = ({ rows }: StudyGame): StudyResultRow[] =>
  rows.filter(({ row }) => !isStage(row, "base") && !isStage(row, "sft") && !row.startsWith(SCRIPTED));

function overviewRow({ rows, optimum, tests }: StudyGame, { row, values }: StudyResultRow): string[] {
  const stage = (name: "base" | "sft") =>
    rows.find((one) => isStage(one.row, name) && recipeOf(one) === recipeOf({ row }))?.values;
  const scripted = rows.find((one) => one.row.startsWith(SCRIPTED));
  const sft = stage("sft");
  const verdictOf = (...quantities: readonly QuantityName[]): Verdict | undefined =>
    tests.find(({ quantity, first, second }) => quantities.includes(quantity) && first === row && isStage(second, "sft"))
      ?.verdict;
  const index = verdictOf("safetyIndex", "standardIndex");
  const worst = verdictOf("worstCase") ?? (sft === undefined ? undefined : apart(values.worstCase, sft.worstCase));
  return [
    cellOf(stage("base")?.safetyIndex),
    cellOf(sft?.safetyIndex),
    cellOf(values.safetyIndex),
    scripted === undefined ? "" : `${scriptedIndex(scripted)} (${scripted.row.slice(SCRIPTED.length + 2)})`,
    optimum === undefined ? "" : starOf(optimum),
    cellOf(sft?.worstCase),
    cellOf(values.worstCase),
    [index === undefined ? "" : `J ${IN_WORDS[index]}`, worst === undefined ? "" : `worst case ${IN_WORDS[worst]}`]
      .filter((text) => text !== "")
      .join(", "),
  ];
}

/** J of a scripted policy, exactly where that is known. */
const scriptedIndex = ({ values: { tableIndex, safetyIndex } }: StudyResultRow): string =>
  tableIndex === undefined ? cellOf(safetyIndex) : tableIndex.value.toFixed(3);

const IN_WORDS: Readonly<Record<Verdict, string>> = { first: "higher", second: "lower", none: "no difference shown" };
/** Which of two values that were measured apart is shown to be higher. */
const apart = (one: Estimate, other: Estimate): Verdict =>
  one.low > other.high ? "first" : one.high < other.low ? "second" : "none";

/** The paired tests of a game. */
export function testsTable({ game, protocol, tests }: StudyGame): TextTable {
  const pairing = tests.every(({ seeds }) => seeds.length === 1) ? "paired by scenario" : "paired by seed, Student's t";
  return {
    title: `${game}: protocol ${protocol}, differences ${pairing}, ${tests.length} tests, p-values by Holm's method for all of them`,
    head: ["quantity", "first", "second", "seeds", "first - second", "p", "verdict"],
    rows: tests.map(({ quantity, first, second, seeds, difference, low, high, adjusted, verdict }) => [
      QUANTITIES[quantity].head,
      first,
      second,
      String(seeds.length),
      interval({ ...difference, low, high }),
      adjusted < 0.001 ? "< 0.001" : adjusted.toFixed(3),
      inWords(verdict, first, second),
    ]),
  };
}

/** A run of which the table of trials tells. */
export interface Trial {
  readonly time: string;
  readonly row: string;
  readonly hash: string;
  readonly seed: number;
  readonly set: readonly string[];
  /** Of the process that finished it. */
  readonly seconds: number;
  /** J by game. */
  readonly safetyIndex: Readonly<Record<string, number>>;
}

/** Every run with a validation seed, in the order of time: what settings were chosen by. */
export function trialsTable(trials: readonly Trial[]): TextTable {
  return {
    title: "Trials on validation seeds, by which settings were chosen",
    head: ["time", "row", "settings", "seed", "sets", "seconds", "J"],
    rows: trials.map(({ time, row, hash, seed, set, seconds, safetyIndex }) => [
      time,
      row,
      hash.slice(0, 8),
      String(seed),
      set.join(", "),
      seconds.toFixed(0),
      Object.entries(safetyIndex)
        .map(([game, value]) => `${game} ${value.toFixed(3)}`)
        .join(", "),
    ]),
  };
}
