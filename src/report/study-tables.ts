/** A study as tables: an overview, a row per variant with means over seeds, paired tests, and the log of trials. */
import { QUANTITIES, type QuantityName } from "../evaluation/quantities.ts";
import { type Verdict, inWords } from "../stats/compare.ts";
import type { Estimate } from "../stats/estimate.ts";
import { SCRIPTED, type StudyGame, type StudyResultRow, recipeOf } from "./study.ts";
import { type TextTable, interval } from "./table.ts";

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
