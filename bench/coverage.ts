/**
 * How often the intervals of J and its parts hold, by simulation. Run with
 * `npm run build && npx tsc --outDir dist/bench && node dist/bench/bench/coverage.js > docs/coverage.txt`, in a process per core.
 * A cell's seeds end when its Monte Carlo error no longer decides on which side of its bound it lies, and at the latest at SEEDS (a quarter
 * of them above 100 episodes); EPISODES is a list of episodes per opponent, ONLY a part of the name of what to measure. What is measured
 * is kept in the folder KEPT, if one is named, and taken from there by the next call.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Slots } from "../src/concurrency.ts";
import { policyNamed, rosterOf } from "../src/opponents/index.ts";
import {
  type Cell,
  type CoverageOptions,
  differenceCoverage,
  policyCoverage,
  rateCoverage,
  tableCoverage,
  trembling,
} from "../src/evaluation/testing/coverage.ts";

const SEEDS = Number(process.env.SEEDS ?? 2000);
const EPISODES = (process.env.EPISODES ?? "2,3,5,10,20,50,100,200,400,1600").split(",").map(Number);

/** Least share of seeds whose interval holds, and greatest share in which equal policies are told apart. */
const LEAST_COVERED = 0.93;
const MOST_CLAIMED = 0.05;

/** Standard errors of a share of seeds within which it may lie on either side of its bound: 99%, two-sided. */
const ERRORS = 2.576;
const errorAt = (bound: number, seeds: number): number => ERRORS * Math.sqrt((bound * (1 - bound)) / seeds);

const decided = ({ covered, claimed = 0, seeds }: Cell): boolean =>
  Math.abs(covered - LEAST_COVERED) > errorAt(LEAST_COVERED, seeds) &&
  Math.abs(claimed - MOST_CLAIMED) > errorAt(MOST_CLAIMED, seeds);

const options: CoverageOptions = {
  episodes: EPISODES,
  seeds: (episodes) => (episodes > 100 ? Math.ceil(SEEDS / 4) : SEEDS),
  decided: (cells) => cells.every(decided),
};

const POLICIES = [
  ["kuhn", "pot-control"],
  ["kuhn", "equilibrium-1/6"],
  ["kuhn", "uniform"],
  ["kuhn", "always-pass"],
  ["ipd", "tit-for-tat"],
  ["ipd", "random"],
  ["ipd", "always-cooperate"],
  ["auction", "half-value"],
  ["auction", "uniform"],
  ["split", "fair"],
  ["split", "random"],
  ["split", "complement"],
] as const;

/** Pairs of equal J, and one of unequal J. */
const PAIRS = [
  ["kuhn", "pot-control", "equilibrium-1/6"],
  ["ipd", "random", "mixed"],
  ["auction", "conservative", "cartel"],
  ["split", "hardball", "selfish"],
  ["kuhn", "equilibrium", "uniform"],
] as const;

/** Policies against themselves in other scenarios, where no luck is shared. */
const ALONE = [
  ["kuhn", "pot-control"],
  ["kuhn", "uniform"],
  ["ipd", "random"],
  ["auction", "uniform"],
  ["split", "random"],
] as const;

/** Agents whose worst case is measured from answers: certain ones, nearly certain ones, mixed ones, and those at the least that is possible. */
const TABLES = [
  ["kuhn", "always-bet", 0],
  ["kuhn", "always-bet", 0.02],
  ["kuhn", "always-bet", 0.2],
  ["kuhn", "equilibrium", 0],
  ["kuhn", "uniform", 0],
  ["ipd", "always-cooperate", 0],
  ["ipd", "always-cooperate", 0.05],
  ["ipd", "always-defect", 0.05],
  ["ipd", "tit-for-tat", 0.02],
  ["ipd", "random", 0],
] as const;
/** Answers at each position, and numbers of positions per information key. */
const DESIGNS = [
  { answers: 4, positions: [1, 4, 16] },
  { answers: 1, positions: [4, 32] },
] as const;

/** What is measured, by name. */
const WORK: readonly (readonly [name: string, measure: () => Cell[]])[] = [
  ...POLICIES.map(([game, policy]) => [`${game}:${policy}`, () => policyCoverage(game, policy, options)] as const),
  ...PAIRS.map(
    ([game, one, other]) => [`${game}: ${one} - ${other}`, () => differenceCoverage(game, [one, other], options)] as const,
  ),
  ...ALONE.map(
    ([game, policy]) => [`${game}: ${policy} apart`, () => differenceCoverage(game, [policy, policy], options, true)] as const,
  ),
  ...[0.002, 0.05, 0.5].flatMap((rate) =>
    [false, true].map(
      (clusters) =>
        [`rate of ${rate} ${clusters ? "by episode" : "by reply"}`, () => rateCoverage(rate, clusters, options)] as const,
    ),
  ),
  ...TABLES.flatMap(([game, policy, error]) =>
    DESIGNS.map(({ answers, positions }) => {
      const measure = () => {
        const roster = rosterOf(game);
        const agent = trembling(roster, policyNamed(roster, policy), error);
        return tableCoverage(roster, agent, answers, { ...options, episodes: positions, seeds: () => Math.ceil(SEEDS / 4) });
      };
      return [`table ${game}:${policy} ${error} ${answers}`, measure] as const;
    }),
  ),
];

const percent = (share: number) => (100 * share).toFixed(1);
const row = (head: string, kind: string, values: readonly string[]) =>
  console.log(`${head.padEnd(58)} ${kind.padEnd(8)}${values.map((value) => value.padStart(7)).join("")}`);

/** A row for each thing that was counted of a quantity, a column for each number of episodes. */
function show(cells: readonly Cell[]): void {
  const head = `${cells[0].what} ${cells[0].quantity}`;
  row(
    head,
    "covered",
    cells.map(({ covered }) => percent(covered)),
  );
  if (cells.some(({ claimed }) => claimed !== undefined))
    row(
      head,
      "claimed",
      cells.map(({ claimed = 0 }) => percent(claimed)),
    );
  row(
    head,
    "width",
    cells.map(({ width, plain }) => (plain === 0 ? "-" : (width / plain).toFixed(2))),
  );
  row(
    head,
    "seeds",
    cells.map(({ seeds }) => String(seeds)),
  );
}

const cellName = ({ what, quantity, episodes, seeds }: Cell) => `${what} ${quantity} at ${episodes} episodes (${seeds} seeds)`;

function summarize(cells: readonly Cell[]): void {
  const least = cells.reduce((a, b) => (b.covered < a.covered ? b : a));
  console.log(`\n${cells.length} cells. Least coverage: ${percent(least.covered)}%, ${cellName(least)}.`);
  const low = cells.filter(({ covered }) => covered < LEAST_COVERED);
  console.log(`Cells below ${percent(LEAST_COVERED)}%: ${low.map(cellName).join("; ") || "none"}.`);
  const equal = cells.filter(({ claimed }) => claimed !== undefined);
  if (equal.length === 0) return;
  const over = equal.filter(({ claimed = 0 }) => claimed > MOST_CLAIMED);
  const shown = over.filter(({ claimed = 0, seeds }) => claimed > MOST_CLAIMED + errorAt(MOST_CLAIMED, seeds));
  const named = (cell: Cell) => `${percent(cell.claimed ?? 0)}%, ${cellName(cell)}`;
  console.log(
    `${equal.length} cells of equal pairs. Told apart in more than 5.0% of the seeds: ${over.map(named).join("; ") || "none"}.`,
  );
  console.log(`By more than the Monte Carlo error (99%): ${shown.map(named).join("; ") || "none"}.`);
}

/** The cells of a name, as JSON, from a process of their own or from the folder that keeps them. */
async function jsonOf(name: string): Promise<string> {
  const { KEPT: folder } = process.env;
  const path = folder === undefined ? undefined : join(folder, `${name.replaceAll(/[^\w-]+/g, "_")}.json`);
  const kept = path === undefined ? undefined : await readFile(path, "utf8").catch(() => undefined);
  if (kept !== undefined) return kept;
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, name], { maxBuffer: 2 ** 26 });
  process.stderr.write(`${name}\n`);
  if (path !== undefined) await writeFile(path, stdout);
  return stdout;
}

const measure = async (name: string): Promise<Cell[]> => JSON.parse(await jsonOf(name));

const [own] = process.argv.slice(2);
if (own === undefined) {
  const names = WORK.map(([name]) => name).filter((name) => name.includes(process.env.ONLY ?? ""));
  console.log(
    "Percent of seeds whose 95% interval holds the exact value (covered), in which two policies of equal J are told apart",
  );
  console.log("(claimed); mean width over that of value +- 1.96 standard errors. Columns: episodes per opponent.\n");
  row("", "", EPISODES.map(String));
  const measured = await new Slots(availableParallelism()).map(names, measure);
  for (const cells of measured)
    for (const quantity of new Set(cells.map((cell) => cell.quantity)))
      show(cells.filter((cell) => cell.quantity === quantity));
  summarize(measured.flat());
} else console.log(JSON.stringify(WORK.find(([name]) => name === own)?.[1]()));
