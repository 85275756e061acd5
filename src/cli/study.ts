import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { jsonText, writeWhole } from "../files.ts";
import { type StudyGame, studyGames } from "../report/study.ts";
import { markdownTable, terminalTable } from "../report/table.ts";
import { ConfigError } from "../runs/config.ts";
import { openGames } from "../runs/games.ts";
import { type Collected, collectStudy } from "../study/collect.ts";
import { jobsOf, stateOf } from "../study/jobs.ts";
import type { LogLine, Role } from "../study/log.ts";
import { resultsFile } from "../report/study-results.ts";
import { allStudyTables, trialsTable } from "../report/study-tables.ts";
import { type Failure, type StudyEvent, runStudy } from "../study/run-study.ts";
import { type Study, type StudyRow, readStudy } from "../study/study.ts";
import { forecast } from "../training/forecast.ts";
import { VERSION } from "../version.ts";
import { serverConnection } from "./connection.ts";
import { describeFailure, interruptSignal } from "./failure.ts";
import { jsonOption, positiveNumber } from "./options.ts";
import { type Progress, createProgress } from "./progress.ts";

interface StudyFlags {
  readonly preset?: "smoke";
  readonly out?: string;
  readonly jobs: number;
  readonly validation?: boolean;
  readonly dryRun?: boolean;
  readonly report?: boolean;
  readonly json?: boolean;
}

const PRESETS = { smoke: fileURLToPath(new URL("../../recipes/study/smoke.toml", import.meta.url)) } as const;

export function addStudy(program: Command): void {
  program
    .command("study")
    .description("a recipe x variants x seeds: runs in processes of their own, means over seeds and paired tests")
    .argument("[file]", "TOML or JSON study (docs/study.md)")
    .addOption(new Option("--preset <name>", "a study that comes with the package").choices(Object.keys(PRESETS)))
    .option("-o, --out <folder>", "folder of the study; default: runs/ and the name of the file")
    .option("--jobs <n>", "runs at a time, each in a process of its own", positiveNumber, 1)
    .option("--validation", "run the validation seeds, on which settings may be chosen; no table has them")
    .option("--dry-run", "print what is to be done, what is done, and an estimate of the time, and stop")
    .option("--report", "make the tables of what is there, and run nothing")
    .addOption(jsonOption("print the results as JSON"))
    .addHelpText(
      "after",
      `
A study that was stopped continues where it was; seeds and variants that are added to its file are run, the others are not run again. A run
that fails is named, the others go on, and the exit code is that of the first failure.

Examples:
  sepo study --preset smoke --jobs 2
  sepo study recipes/study/study.toml --dry-run
  sepo study recipes/study/study.toml --validation
  sepo study recipes/study/study.toml --report`,
    )
    .action(async (given: string | undefined, flags: StudyFlags) => {
      if ((given === undefined) === (flags.preset === undefined))
        throw new ConfigError("name either the file of a study or a --preset");
      const file = given ?? PRESETS[flags.preset!];
      const study = await readStudy(file);
      const folder = flags.out ?? join("runs", `study-${basename(file, extname(file))}`);
      const role: Role = flags.validation === true ? "validation" : "reported";
      if (role === "validation" && study.validationSeeds.length === 0)
        throw new ConfigError(`${file}: it has no validationSeeds`);
      if (flags.dryRun === true) return dryRun(study, folder, role, flags);
      const failures = flags.report === true ? [] : await run(study, folder, role, flags.jobs);
      await report(study, folder, file, flags);
      fail(failures);
    });
}

async function run(study: Study, folder: string, role: Role, jobs: number): Promise<readonly Failure[]> {
  const progress = createProgress();
  const began = performance.now();
  try {
    return await runStudy(study, folder, {
      jobs,
      role,
      connection: serverConnection(),
      signal: interruptSignal(),
      onEvent: (event) => show(event, progress, began),
    });
  } finally {
    progress.done();
  }
}

function show(event: StudyEvent, progress: Progress, began: number): void {
  const time = `${((performance.now() - began) / 1000).toFixed(0)} s`;
  switch (event.kind) {
    case "began":
      return;
    case "finished":
      return progress.note(`${time} finished: ${event.job}`);
    case "failed":
      return progress.note(`${time} failed: ${event.job}: ${event.message}`);
    case "warning":
      return progress.note(`${time} ${event.job}: warning: ${event.text}`);
    case "progress": {
      const left = event.secondsLeft === undefined ? "" : `, about ${minutes(event.secondsLeft)} left`;
      return progress.show(`${time} ${event.done}/${event.jobs}${left}: ${event.running.join("; ")}`);
    }
  }
}

const minutes = (seconds: number): string => (seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`);

/** Every failure is named already; the exit code is that of the first. */
function fail(failures: readonly Failure[]): void {
  if (failures.length === 0) return;
  process.exitCode = describeFailure(failures[0].error).code;
  process.stderr.write(`sepo: ${failures.length} of the study's jobs failed:\n`);
  for (const { job, error } of failures) process.stderr.write(`  ${job}: ${describeFailure(error).message}\n`);
}

async function report(study: Study, folder: string, file: string, { json, preset, validation }: StudyFlags): Promise<void> {
  const collected = await collectStudy(study, folder);
  const games = studyGames(collected, study);
  const named = preset === undefined ? file : `--preset ${preset}`;
  const text = markdownOf(study, collected, games, `sepo study ${named} --out ${folder}`);
  const results = resultsOf(study, collected, games);
  await writeWhole(resultsFile(folder), jsonText(results));
  await writeWhole(join(folder, "results.md"), text);
  if (json === true) return console.log(JSON.stringify(results));
  if (validation === true) return console.log(terminalTable(trialsTable(trialsOf(collected))));
  console.log(allStudyTables(games, { narrow: true }).map(terminalTable).join("\n\n"));
  if (collected.missing.length > 0) console.log(`\nNot there yet:\n  ${collected.missing.join("\n  ")}`);
  console.log(
    `\nWritten: ${join(folder, "results.md")} and results.json; look at the runs with: npm run sepo -- view ${folder}, npm run sepo -- report ${folder}`,
  );
}

type Finished = Extract<LogLine, { readonly event: "finished" }>;
const trialsOf = ({ log }: Collected): Finished[] =>
  log.filter((line): line is Finished => line.event === "finished" && line.role === "validation");

function resultsOf(study: Study, collected: Collected, games: readonly StudyGame[]): object {
  const { seeds, validationSeeds, settings, rows } = study;
  return {
    version: VERSION,
    settings,
    seeds,
    validationSeeds,
    rows: rows.map(({ name, set, hash }) => ({ row: name, set, hash })),
    games,
    trials: trialsOf(collected),
    frozen: collected.log.filter(({ event }) => event === "frozen"),
    failed: collected.log.filter(({ event }) => event === "failed"),
    missing: collected.missing,
  };
}

function markdownOf(study: Study, collected: Collected, games: readonly StudyGame[], command: string): string {
  const trials = trialsOf(collected);
  const frozen = collected.log.filter((line) => line.event === "frozen");
  const parts = [
    ...allStudyTables(games).map(markdownTable),
    trials.length === 0 ? "No run of this folder used a validation seed." : markdownTable(trialsTable(trials)),
    `Reported seeds ${study.seeds.join(", ")}; validation seeds ${study.validationSeeds.join(", ") || "none"}. ` +
      `Settings ${study.settings.slice(0, 8)}; frozen: ${frozen.map(({ settings, time }) => `${settings.slice(0, 8)} at ${time}`).join(", ") || "not yet"}.`,
    ...(collected.missing.length === 0 ? [] : [`Not there yet: ${collected.missing.join("; ")}.`]),
    `Made by \`${command}\`, version ${VERSION}.`,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Prints what a call without `--dry-run` would do. */
async function dryRun(study: Study, folder: string, role: Role, { jobs: limit, json }: StudyFlags): Promise<void> {
  const jobs = jobsOf(study, folder, role);
  const states = await Promise.all(jobs.map(stateOf));
  const progress = createProgress();
  const times = new Map<string, Times>();
  for (const row of study.recipes) {
    progress.show(`a trial step of ${row.recipe === "" ? "the recipe" : row.recipe}`);
    times.set(row.recipe, await timesOf(row));
  }
  progress.done();
  const list = jobs.map((job, i) => {
    const time = job.kind === "reference" ? undefined : secondsOf(job, times);
    return { job: job.name, state: states[i], ...(time === undefined ? {} : { seconds: Math.round(time) }) };
  });
  const left = list.reduce((sum, { state, seconds = 0 }) => sum + (state === "done" ? 0 : seconds), 0);
  if (json === true) return console.log(JSON.stringify({ jobs: list, secondsLeft: Math.round(left / limit) }));
  console.log(
    terminalTable({
      title: `${folder}: ${list.length} jobs for the ${role} seeds`,
      head: ["job", "state", "seconds"],
      rows: list.map(({ job, state, seconds }) => [job, state, seconds === undefined ? "" : String(seconds)]),
    }),
  );
  console.log(
    `\nabout ${minutes(left / limit)} left with --jobs ${limit}, at the speed of a trial step here; reference values are not counted`,
  );
}

/** Seconds that a recipe's base and SFT take, one stage's evaluation, and an episode of SEPO. */
interface Times {
  readonly shared: number;
  readonly evaluation: number;
  readonly episode: number;
}

async function timesOf({ config, modules }: StudyRow): Promise<Times> {
  const games = await openGames(config, modules);
  const { stages } = await forecast(config, games, { trial: true, connection: serverConnection() });
  const seconds = (stage: string) => stages.find((one) => one.stage === stage)?.seconds ?? 0;
  const evaluation = seconds("evaluation") / 3;
  const { steps, scenarios, groupSize } = config.sepo;
  return {
    shared: seconds("base") + seconds("sft") + 2 * evaluation,
    evaluation,
    episode: seconds("sepo") / Math.max(1, steps * scenarios * groupSize),
  };
}

/** A row's SEPO in proportion to its episodes. */
function secondsOf(
  job: Exclude<ReturnType<typeof jobsOf>[number], { kind: "reference" }>,
  times: ReadonlyMap<string, Times>,
): number {
  if (job.kind === "shared") return times.get(job.recipe)!.shared;
  const { evaluation, episode } = times.get(job.row.recipe)!;
  const { steps, scenarios, groupSize } = job.config.sepo;
  return evaluation + episode * steps * scenarios * groupSize;
}
