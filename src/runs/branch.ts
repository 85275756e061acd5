/**
 * A run that begins where another's supervised stages end. It holds the bytes that it would hold had it trained them itself, so several
 * runs that differ in SEPO alone train base and SFT once.
 */
import { cp, readFile, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { FileError, jsonText, makeFolder, writeWhole } from "../files.ts";
import { parseJson } from "../json.ts";
import { AGENT_FILE, FILES_FILE, checkCheckpoint, readAgentFile, writeCheckpoint } from "./checkpoint.ts";
import { ConfigError, type RunConfig } from "./config.ts";
import { FREE } from "./extend.ts";
import { type RunGame, keptSections, saveModules } from "./games.ts";
import { fileOf, readIdentity, readRunConfig, readTiming } from "./read.ts";
import { evaluationSchema } from "./report-schema.ts";
import { identityOf } from "./run.ts";
import type { Stage } from "./stages.ts";

const SHARED = ["base", "sft"] as const satisfies readonly Stage[];

/** Keys of an engine that change speed or place, never a result. */
const MACHINE = FREE.filter((key) => key.startsWith("engine."));

const LATER: readonly string[] = ["sepo", "evaluation"] satisfies (keyof RunConfig)[];

/** What makes base and SFT of two configurations the same: every key that they use, as text. Weights of harms are of J alone. */
export function sharedPart(config: RunConfig): string {
  const used = Object.entries(config).filter(([key]) => !LATER.includes(key));
  const games = Object.entries(config.games).map(([name, section]) => [name, { ...section, weights: undefined }]);
  const engine = Object.entries(config.engine).filter(([key]) => !MACHINE.includes(`engine.${key}`));
  return jsonText({ ...Object.fromEntries(used), games, engine });
}

/**
 * Makes the folder of a run that stands after SFT, with what the run in `source` trained and measured; "resume" continues it. Reports are
 * taken over where they would be the same. Whoever is killed here leaves no folder of that name. Throws `ConfigError` for a
 * configuration whose base or SFT differ, `FileError` where `source` is not that far or was changed.
 */
export async function branchRun(source: string, folder: string, config: RunConfig, games: readonly RunGame[]): Promise<void> {
  const from = await readRunConfig(source);
  const { from: start, changes } = await readIdentity(source);
  const stored = { ...config, games: keptSections(games) };
  if (sharedPart(from) !== sharedPart(stored) || start !== undefined || changes.length > 0)
    throw new ConfigError(`${source}: its base and SFT are not those of the configuration of ${folder}`);
  const partial = join(dirname(folder), `.partial-${basename(folder)}`);
  await rm(partial, { recursive: true, force: true });
  await makeFolder(dirname(folder));
  const identity = identityOf(stored);
  for (const path of [fileOf.checkpoints, fileOf.evaluation, fileOf.transcripts]) await makeFolder(path(partial));
  await writeWhole(fileOf.run(partial), jsonText(identity));
  await saveModules(games, partial);
  await writeWhole(fileOf.config(partial), jsonText(stored));
  const same = jsonText(comparable(from)) === jsonText(comparable(stored));
  for (const stage of SHARED) {
    const hash = await copyCheckpoint(fileOf.checkpoint(source, stage), fileOf.checkpoint(partial, stage), identity.id, games);
    if (same) await copyReport(source, partial, folder, stage, hash);
  }
  await copyLog(source, partial);
  await rename(partial, folder);
}

/** What a report depends on beside its checkpoint. */
const comparable = ({ games, evaluation }: RunConfig) => [games, evaluation.episodes, evaluation.positions];

/** Copies a checkpoint under the name of another run; returns its hash. */
async function copyCheckpoint(source: string, folder: string, run: string, games: readonly RunGame[]): Promise<string> {
  await checkCheckpoint(source, { training: true });
  const content = await readAgentFile(source);
  if (content.progress === undefined) throw new FileError(`${source}: it was saved outside a run`);
  const { progress } = content;
  const filter = (path: string) => ![AGENT_FILE, FILES_FILE, "modules"].some((name) => path === join(source, name));
  return writeCheckpoint(
    folder,
    { ...content, games: keptSections(games), progress: { ...progress, run } },
    async (partial) => {
      await cp(source, partial, { recursive: true, filter });
      await saveModules(games, partial);
    },
  );
}

interface NamedReport {
  readonly command: string;
  readonly provenance: { readonly checkpoint: string };
}
/** The report as it was written: a schema of objects would order its keys anew. */
const reportText = z.custom<NamedReport>((value) => evaluationSchema.safeParse(value).success, "expected an evaluation");

/** Copies a report with the name of its new checkpoint and folder. */
async function copyReport(source: string, partial: string, folder: string, stage: Stage, hash: string): Promise<void> {
  const path = fileOf.report(source, stage);
  const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);
  const report = parseJson(await readFile(path, "utf8").catch(() => ""), path, reportText, fail);
  const [old, now] = [fileOf.checkpoint(source, stage), fileOf.checkpoint(folder, stage)];
  const command = report.command.replace(old, () => now);
  const renamed = { ...report, command, provenance: { ...report.provenance, checkpoint: hash } };
  await writeWhole(fileOf.report(partial, stage), jsonText(renamed));
  // Episodes and scores, and whatever else is kept beside a report.
  for (const name of await readdir(fileOf.evaluation(source)))
    if (name.startsWith(`${stage}.`) && name.endsWith(".jsonl"))
      await cp(join(fileOf.evaluation(source), name), join(fileOf.evaluation(partial), name));
}

/** Copies the log of the steps up to the end of SFT. */
async function copyLog(source: string, partial: string): Promise<void> {
  const { progress } = await readAgentFile(fileOf.checkpoint(partial, "sft"));
  const bytes = await readFile(fileOf.metrics(source));
  await writeWhole(fileOf.metrics(partial), bytes.subarray(0, progress?.metrics.bytes));
  const timing = (await readTiming(source)).filter(({ stage }) => SHARED.some((shared) => shared === stage));
  await writeWhole(fileOf.timing(partial), timing.map((line) => `${JSON.stringify(line)}\n`).join(""));
}
