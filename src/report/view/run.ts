/** One folder as the page shows it; what cannot be read becomes a problem that is shown, never an error that hides the rest. */
import { stat } from "node:fs/promises";
import type { AgentReport } from "../../evaluation/report.ts";
import { FileError, codeOf } from "../../files.ts";
import { GameError } from "../../games/index.ts";
import type { Roster } from "../../opponents/index.ts";
import { ConfigError, type RunConfig, isModulePath } from "../../runs/config.ts";
import { openGames } from "../../runs/games.ts";
import { isHeld } from "../../runs/lock.ts";
import { readModelEpisodes, readModelReport } from "../../runs/model-evaluation.ts";
import { type Asked, isModelEvaluation } from "../../runs/recording.ts";
import {
  type RunSummary,
  type StoredReport,
  type TimingLine,
  fileOf,
  readEpisodes,
  readIdentity,
  readMetrics,
  readReport,
  readRunConfig,
  readTiming,
  readTranscripts,
  transcriptNames,
} from "../../runs/read.ts";
import { type StoredScores, readScores } from "../../runs/scores.ts";
import { STAGES, type Stage, orderOf } from "../../runs/stages.ts";
import type { Transcript } from "../../runs/transcript.ts";
import { mean } from "../../stats/estimate.ts";
import { curvesOf } from "./curves.ts";
import type { ViewRun } from "./data.ts";

/** An evaluated agent of a folder, with what of its episodes is kept. */
export interface FoundAgent {
  readonly stage?: Stage;
  readonly report: AgentReport;
  readonly episodes: readonly Transcript[];
  readonly scores?: StoredScores;
}

export interface FoundRun {
  readonly view: ViewRun;
  readonly agents: readonly FoundAgent[];
  /** Of the newest step whose transcripts were written. */
  readonly training: readonly Transcript[];
  readonly rosters: readonly Roster[];
  /** Present for training runs. */
  readonly summary?: RunSummary;
}

/** What went wrong while reading a folder, in words. */
class Problems {
  readonly found: string[] = [];

  /** The value; where it cannot be read `otherwise`, and a problem. */
  async attempt<T>(value: Promise<T>, otherwise: T): Promise<T> {
    return value.catch((error: unknown) => {
      if (!(error instanceof FileError || error instanceof ConfigError || error instanceof GameError)) throw error;
      this.found.push(error.message);
      return otherwise;
    });
  }

  /** The same of a file that need not be there. */
  async ifAny<T>(value: Promise<T>, otherwise: T): Promise<T> {
    const absent = (error: unknown): boolean => error instanceof FileError && codeOf(error.cause) === "ENOENT";
    const known = value.catch((error: unknown) => {
      if (absent(error)) return otherwise;
      throw error;
    });
    return this.attempt(known, otherwise);
  }
}

/** Reads a folder of a run or of a model's evaluation. */
export const findRun = async (folder: string): Promise<FoundRun> =>
  (await isModelEvaluation(folder)) ? findModel(folder) : findTraining(folder);

async function findTraining(folder: string): Promise<FoundRun> {
  const problems = new Problems();
  const config = await problems.attempt<RunConfig | undefined>(readRunConfig(folder), undefined);
  // A folder without a configuration is no run, and needs no other complaint.
  const identity = config && (await problems.attempt(readIdentity(folder), undefined));
  const metrics = await problems.ifAny(readMetrics(folder), []);
  const timing = await problems.ifAny(readTiming(folder), []);
  const stages: { readonly agent: FoundAgent; readonly stored: StoredReport }[] = [];
  for (const stage of STAGES) {
    const found = await findStage(folder, stage, problems);
    if (found !== undefined) stages.push(found);
  }
  const newest = (await transcriptNames(folder)).at(-1);
  const training = newest === undefined ? [] : await problems.attempt(readTranscripts(folder, newest), []);
  const rosters = config === undefined ? [] : await problems.attempt(rostersOf(config), []);
  const last = metrics.at(-1) ?? timing.at(-1);
  const held = await isHeld(folder);
  const finished = stages.some(({ stored }) => stored.stage === "sepo");
  if (config !== undefined && stages.length === 0 && !held) problems.found.push("the run has no evaluation yet");
  return {
    view: {
      name: folder,
      state: config === undefined ? "unreadable" : held ? "training" : finished ? "finished" : "stopped",
      ...(config === undefined ? {} : { seed: config.seed }),
      about: aboutRun(config, identity),
      problems: problems.found,
      ...(last === undefined ? {} : { progress: progressOf(last, config, timing) }),
      curves: curvesOf(metrics),
      stages: STAGES.flatMap((stage) => {
        const steps = metrics.reduce((most, line) => (line.stage === stage ? Math.max(most, line.step) : most), 0);
        return steps === 0 ? [] : [{ stage, steps }];
      }),
    },
    agents: stages.map(({ agent }) => agent),
    training,
    rosters,
    ...(config === undefined || identity === undefined
      ? {}
      : { summary: { folder, config, identity, checkpoints: [], reports: stages.map(({ stored }) => stored) } }),
  };
}

async function findStage(
  folder: string,
  stage: Stage,
  problems: Problems,
): Promise<{ readonly agent: FoundAgent; readonly stored: StoredReport } | undefined> {
  if (!(await isThere(folder, stage))) return undefined;
  const stored = await problems.attempt(readReport(folder, stage), undefined);
  if (stored === undefined) return undefined;
  if (stored.current === false)
    problems.found.push(`the report of ${stage} was made from another checkpoint than the run holds now`);
  const episodes = await problems.ifAny(readEpisodes(folder, stage), []);
  const scores = await problems.attempt(readScores(folder, stage), undefined);
  return { agent: { stage, report: stored.report, episodes, ...(scores === undefined ? {} : { scores }) }, stored };
}

const isThere = (folder: string, stage: Stage): Promise<boolean> =>
  stat(fileOf.report(folder, stage)).then(
    () => true,
    () => false,
  );

/** Rosters of games that need no module of the user's own: a report runs no code of a folder. */
async function rostersOf({ games, protocol }: Pick<RunConfig, "games" | "protocol">): Promise<readonly Roster[]> {
  const plain = Object.entries(games).filter(([name, { module }]) => module === undefined && !isModulePath(name));
  return (await openGames({ games: Object.fromEntries(plain), protocol }, ".")).map(({ roster }) => roster);
}

const STEPS_TIMED = 20;

function progressOf(
  last: { readonly stage: Stage; readonly step: number },
  config: RunConfig | undefined,
  timing: readonly TimingLine[],
): NonNullable<ViewRun["progress"]> {
  const recent = timing.filter((line) => line.stage === last.stage && orderOf(line) <= orderOf(last)).slice(-STEPS_TIMED);
  return {
    stage: last.stage,
    step: last.step,
    ...(last.stage === "sepo" && config !== undefined ? { steps: config.sepo.steps } : {}),
    ...(recent.length === 0 ? {} : { secondsPerStep: mean(recent.map(({ seconds }) => seconds)) }),
  };
}

function aboutRun(
  config: RunConfig | undefined,
  identity: Awaited<ReturnType<typeof readIdentity>> | undefined,
): [string, string][] {
  if (config === undefined) return [];
  const { seed, protocol, games, engine, sepo, evaluation } = config;
  return [
    ["seed", String(seed)],
    ["protocol", protocol],
    ["games", Object.keys(games).join(", ")],
    ["engine", engine.kind],
    ["credit", sepo.credit],
    ["evaluation", `${evaluation.episodes} episodes per opponent, ${evaluation.positions} positions per information key`],
    ...(identity === undefined ? [] : [["program", `sepo ${identity.version}`] satisfies [string, string]]),
    ...(identity?.changes ?? []).map(({ stage, step, set }): [string, string] => [
      `changed at ${stage} ${step}`,
      set.join(", "),
    ]),
  ];
}

async function findModel(folder: string): Promise<FoundRun> {
  const problems = new Problems();
  const found = await problems.attempt(readModelReport(folder), undefined);
  const episodes = found === undefined ? [] : await problems.ifAny(readModelEpisodes(folder), []);
  const rosters = found === undefined ? [] : await problems.attempt(rostersOf(sectionsOf(found.asked)), []);
  return {
    view: {
      name: folder,
      state: found === undefined ? "unreadable" : "finished",
      ...(found === undefined ? {} : { seed: found.asked.seed }),
      about: found === undefined ? [] : aboutModel(found.asked),
      problems: problems.found,
      curves: [],
      stages: [],
    },
    agents: found === undefined ? [] : [{ report: found.report, episodes }],
    training: [],
    rosters,
  };
}

const sectionsOf = ({ games, sections, protocol }: Asked): Pick<RunConfig, "games" | "protocol"> => ({
  games: sections ?? Object.fromEntries(games.map((name) => [name, {}])),
  protocol,
});

const aboutModel = ({ provider, model, settings, seed, protocol, version }: Asked): [string, string][] => [
  ["model", `${provider}:${model}`],
  ["settings", JSON.stringify(settings)],
  ["seed", String(seed)],
  ["protocol", protocol],
  ["program", `sepo ${version}`],
];
