import { type Command, Option } from "commander";
import type { AgentReport } from "../evaluation/report.ts";
import { FileError, codeOf, writeWhole } from "../files.ts";
import { GameError } from "../games/index.ts";
import { allTables, exploitabilityTable, objectiveTable } from "../report/agents.ts";
import { learningTable } from "../report/learning.ts";
import { callsTable, repliesTable, wordingsTable } from "../report/models.ts";
import { seedsTables } from "../report/seeds.ts";
import { hasResults, readResults } from "../report/study-results.ts";
import { allStudyTables } from "../report/study-tables.ts";
import { TABLE_FORMATS, type TableFormat, type TextTable, tableIn } from "../report/table.ts";
import { collect } from "../report/view/collect.ts";
import { reportPage } from "../report/view/html.ts";
import { requireNames } from "../runs/episodes.ts";
import { type ModelReport, readModelReport } from "../runs/model-evaluation.ts";
import { isModelEvaluation } from "../runs/recording.ts";
import { type MetricsLine, type RunSummary, readMetrics, readRun } from "../runs/read.ts";
import { STAGES, type Stage } from "../runs/stages.ts";
import { runsIn } from "../study/runs-in.ts";
import { gameOption, jsonOption, positiveNumber } from "./options.ts";

interface ReportFlags {
  readonly format: TableFormat;
  readonly game?: readonly string[];
  readonly stage?: Stage;
  readonly opponent?: string;
  readonly brief?: boolean;
  readonly overSeeds?: boolean;
  readonly out?: string;
  readonly html?: string;
  readonly episodes?: number;
  readonly json?: boolean;
}

export function addReport(program: Command): void {
  program
    .command("report")
    .description("tables of one run or several: J and its parts, exploitability, every opponent, action probabilities")
    .argument("[runs...]", "directories of runs, of studies or of models' evaluations (default: runs/latest)")
    .addOption(gameOption())
    .addOption(new Option("--stage <name>", "only this stage").choices(STAGES))
    .option("--opponent <name>", "only this opponent in the tables of opponents")
    .addOption(new Option("--format <format>", "how to print").choices(TABLE_FORMATS).default("terminal"))
    .option("--brief", "only the tables of J and exploitability")
    .option("--over-seeds", "runs that differ by their seed alone: means over runs, with intervals over runs")
    .option("-o, --out <file>", "write to a file instead of the terminal")
    .option("--html <file>", "write one page with every table, chart and episode, which needs no network (docs/seeing.md)")
    .option("--episodes <n>", "most episodes in the page, those with the least payoff", positiveNumber)
    .addOption(jsonOption("print the reports as JSON"))
    .addHelpText(
      "after",
      `
An interval over episodes says what more episodes of one model would change; only several seeds say what another training run would.

Examples:
  sepo report runs/latest --brief
  sepo report runs/latest --stage sepo --opponent always-defect
  sepo report runs/seed0 runs/seed1 runs/seed2 --over-seeds
  sepo report runs/latest --format markdown --out report.md
  sepo report runs/latest --html report.html
  sepo report runs/study-games --game kuhn            the results of a study`,
    )
    .action(async (given: readonly string[], flags: ReportFlags) => {
      const named = given.length === 0 ? ["runs/latest"] : given;
      if (named.length === 1 && flags.html === undefined && (await hasResults(named[0]))) return reportStudy(named[0], flags);
      const folders = await runsIn(named);
      if (flags.html !== undefined) return writePage(folders, flags.html, flags);
      const evaluated = await Promise.all(folders.map(isModelEvaluation));
      const runs = await Promise.all(folders.filter((_, i) => !evaluated[i]).map(readRun));
      const models = await Promise.all(folders.filter((_, i) => evaluated[i]).map(readModelReport));
      warnOf(runs);
      const games = [...runs.flatMap(({ reports }) => reports), ...models].flatMap(({ report }) => report.games);
      const opponents = games.flatMap((game) => game.opponents.map(({ opponent }) => opponent));
      requireNames(
        folders.join(", "),
        "game",
        flags.game ?? [],
        games.map(({ game }) => game),
      );
      requireNames(folders.join(", "), "opponent", flags.opponent === undefined ? [] : [flags.opponent], opponents);
      if (flags.overSeeds === true && models.length > 0)
        throw new GameError("--over-seeds is for training runs; the folders of models' evaluations are no such runs");
      const text = flags.overSeeds === true ? overSeeds(runs, flags) : await ofRuns(runs, models, flags);
      if (flags.out === undefined) console.log(text);
      else await writeWhole(flags.out, `${text}\n`);
    });
}

/** The results of a study, which are of its rows and not of single runs. */
async function reportStudy(folder: string, { format, game, out, json, ...others }: ReportFlags): Promise<void> {
  const ignored = (["stage", "opponent", "brief", "overSeeds", "episodes"] as const).filter(
    (name) => others[name] !== undefined,
  );
  if (ignored.length > 0)
    throw new GameError(`${folder} is a study, which has no ${ignored.join(", ")}; name some of its runs, in ${folder}/cells`);
  const found = await readResults(folder);
  const names = found.map((one) => one.game);
  requireNames(folder, "game", game ?? [], names);
  const games = found.filter((one) => game === undefined || game.includes(one.game));
  const tables = allStudyTables(games, { narrow: format === "terminal" });
  const text = json === true ? JSON.stringify(games) : tables.map(tableIn[format]).join("\n\n");
  if (out === undefined) console.log(text);
  else await writeWhole(out, `${text}\n`);
}

/** Writes the page; a folder that cannot be read is told on it and here. */
async function writePage(folders: readonly string[], file: string, { game, episodes, ...others }: ReportFlags): Promise<void> {
  const ignored = (["stage", "opponent", "brief", "overSeeds", "out", "json"] as const).filter(
    (name) => others[name] !== undefined,
  );
  if (ignored.length > 0)
    throw new GameError(
      `--html writes a page of everything; of the other options only --game and --episodes go with it, got ${ignored.join(", ")}`,
    );
  const collected = await collect(folders, {
    ...(game === undefined ? {} : { games: game }),
    ...(episodes === undefined ? {} : { episodes }),
  });
  const { runs } = collected.data;
  for (const { name, problems } of runs)
    for (const problem of problems) process.stderr.write(`sepo: warning: ${name}: ${problem}\n`);
  if (runs.every(({ state }) => state === "unreadable"))
    throw new FileError(
      `${folders.join(", ")}: nothing there can be read; expected directories of runs or of models' evaluations`,
    );
  const page = await reportPage(collected);
  await writeWhole(file, page);
  console.log(`${file}: ${(Buffer.byteLength(page) / 1000).toFixed(0)} kB, ${collected.bodies.length} episodes`);
}

/** The reports of runs and models that the flags ask for, each under a name that tells them apart. */
const reportsOf = (runs: readonly RunSummary[], models: readonly ModelReport[], flags: ReportFlags): AgentReport[] => [
  ...runReports(runs, flags),
  ...models.map(({ report }) => filtered(report, flags)),
];

const runReports = (runs: readonly RunSummary[], flags: ReportFlags): AgentReport[] =>
  runs.flatMap(({ folder, config, reports }) =>
    reports
      .filter((stored) => flags.stage === undefined || stored.stage === flags.stage)
      .map(({ report }) => ({
        ...filtered(report, flags),
        agent: runs.length === 1 ? report.agent : `${folder} ${report.agent} (${config.sepo.credit}, seed ${config.seed})`,
      })),
  );

/** The games and opponents of a report that the flags ask for. */
const filtered = (report: AgentReport, { game, opponent }: ReportFlags): AgentReport => ({
  ...report,
  games: report.games
    .filter((one) => game === undefined || game.includes(one.game))
    .map((one) => ({
      ...one,
      opponents: one.opponents.filter((row) => opponent === undefined || row.opponent === opponent),
    })),
});

async function ofRuns(runs: readonly RunSummary[], models: readonly ModelReport[], flags: ReportFlags): Promise<string> {
  const reports = reportsOf(runs, models, flags);
  if (flags.json === true) return JSON.stringify(reports);
  const games = [...new Set(reports.flatMap((report) => report.games.map(({ game }) => game)))];
  const tables =
    flags.brief === true
      ? games.flatMap((game) => [objectiveTable(game, reports), exploitabilityTable(game, reports)])
      : allTables(reports);
  if (flags.brief !== true) tables.push(...(await learningOf(runs)));
  if (models.length > 0) tables.push(...wordingsTable(models), repliesTable(models), callsTable(models));
  const made = reports.map(({ agent, command }) => `${agent}: ${command}`).join("\n");
  const settings = runs
    .map(({ folder, config: { sepo, seed } }) => `${folder}: credit ${sepo.credit}, seed ${seed}`)
    .concat(
      models.map(
        ({ asked }) => `${asked.agent}: settings ${JSON.stringify(asked.settings)}${systemText(asked)}, seed ${asked.seed}`,
      ),
    )
    .join("\n");
  return `${tables.map(printer(flags)).join("\n\n")}\n\nRuns\n${settings}\n\nMade by\n${made}`;
}

/** How runs learned, where their metrics were kept. */
async function learningOf(runs: readonly RunSummary[]): Promise<TextTable[]> {
  const tables = await Promise.all(
    runs.map(async ({ folder }) => learningTable(`${folder}: how it learned`, await metricsOf(folder))),
  );
  return tables.filter((table) => table !== undefined);
}

/** Metrics that cannot be read are told, and keep no report back. */
const metricsOf = (folder: string): Promise<MetricsLine[]> =>
  readMetrics(folder).catch((error: unknown): MetricsLine[] => {
    if (!(error instanceof FileError)) throw error;
    if (codeOf(error.cause) !== "ENOENT") process.stderr.write(`sepo: warning: ${error.message}\n`);
    return [];
  });

const systemText = ({ system }: ModelReport["asked"]): string =>
  system === undefined ? "" : `, system prompt ${JSON.stringify(system)}`;

function overSeeds(runs: readonly RunSummary[], flags: ReportFlags): string {
  const { tables, rows } = seedsTables(runs, flags.game);
  if (flags.json === true) return JSON.stringify(rows);
  return tables.map(printer(flags)).join("\n\n");
}

const printer = ({ format }: ReportFlags) => tableIn[format];

/** What a reader must know before the numbers. */
function warnOf(runs: readonly RunSummary[]): void {
  const warn = (text: string) => process.stderr.write(`sepo: warning: ${text}\n`);
  const protocols = new Set(runs.map(({ config }) => config.protocol));
  if (protocols.size > 1) warn("these runs were measured under different protocols; their numbers are not comparable");
  for (const { folder, reports } of runs)
    for (const { stage, current } of reports)
      if (current === false)
        warn(
          `${folder}: the report of ${stage} was made from another checkpoint than the run holds now; "train --resume" measures it again`,
        );
}
