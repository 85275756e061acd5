/**
 * Writing the directory of a run. A run killed at any moment continues from its newest whole checkpoint and ends with the same bytes as
 * one that was never killed, `timing.jsonl` excepted. What it continues from is checked first: what was shortened, changed or
 * belongs to another run is named, never trusted.
 */
import { type Hash, createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import type { AgentReport } from "../evaluation/report.ts";
import { FileError, append, jsonText, makeFolder, removeFolders, removePartials, sha256, writeWhole } from "../files.ts";
import { readJson } from "../json.ts";
import type { Episode } from "../play/episodes.ts";
import { VERSION } from "../version.ts";
import { type Agent, saveAgent } from "./agent.ts";
import { type Progress, checkCheckpoint, checkpointNames, readAgentFile, removeCheckpoint } from "./checkpoint.ts";
import { ConfigError, type RunConfig } from "./config.ts";
import { changesOf } from "./extend.ts";
import { MODULES, type RunGame, keptSections, saveModules } from "./games.ts";
import { type Lock, lockFolder, refuseHeld } from "./lock.ts";
import { type Identity, fileOf, readIdentity, readReport, readRunConfig, readTiming } from "./read.ts";
import type { Provenance } from "./report-schema.ts";
import { type StoredScores, scoresFile } from "./scores.ts";
import { KEPT_STAGES, type RunEvent, type Stage, STAGES, orderOf } from "./stages.ts";
import { transcriptOf } from "./transcript.ts";

export interface OpenRunOptions {
  /** Continue what the folder holds. The configuration may differ in what `changesOf` allows, which is recorded. */
  readonly resume?: boolean;
  /** Hash of the checkpoint that a new run takes its first weights from. */
  readonly from?: string;
  readonly onEvent?: (event: RunEvent) => void;
}

/** Where a run stands: without the run's identity and the state of its log, which the run itself knows. */
export type Standing = Omit<Progress, "run" | "metrics">;
const BEGINNING: Standing = { stage: "base", step: 0, gaps: {}, exploiters: [] };

/** Of a log without lines. */
const NOTHING = { bytes: 0, sha256: sha256("") };

/** What a folder that holds a run has at least one of. */
const TRACES = ["metrics.jsonl", "timing.jsonl", "checkpoints", "evaluation", "transcripts", "config.json"];

/** A run that this process writes; it holds the lock until `close`. */
export class Run {
  readonly folder: string;
  readonly config: RunConfig;
  readonly #identity: Identity;
  readonly #lock: Lock;
  readonly #made: readonly string[];
  readonly #onEvent: ((event: RunEvent) => void) | undefined;
  /** Of `metrics.jsonl` as it is now. */
  #hash: Hash = createHash("sha256");
  #bytes = 0;
  /** The checkpoint that the run continues from. */
  newest: string | undefined;
  standing: Standing = BEGINNING;

  private constructor(
    folder: string,
    config: RunConfig,
    identity: Identity,
    held: { readonly lock: Lock; readonly made: readonly string[] },
    onEvent: ((event: RunEvent) => void) | undefined,
  ) {
    this.folder = folder;
    this.config = config;
    this.#identity = identity;
    this.#lock = held.lock;
    this.#made = held.made;
    this.#onEvent = onEvent;
  }

  /**
   * Begins a run in a folder that holds none, or continues one. Throws `ConfigError` for a folder that holds a run, or a change that a
   * continued run cannot take; `FileError` for a folder in use or a file that is not what was written.
   */
  static async open(folder: string, config: RunConfig, games: readonly RunGame[], options: OpenRunOptions = {}): Promise<Run> {
    const stored = { ...config, games: keptSections(games) };
    if (options.resume !== true) {
      await refuseHeld(folder);
      await refuseExisting(folder);
    }
    const made = await makeFolder(folder);
    const held = { lock: await lockOrLeave(folder, made), made };
    try {
      if (options.resume === true) return await Run.#continue(folder, stored, held, options);
      await refuseExisting(folder);
      return await Run.#begin(folder, stored, games, held, options);
    } catch (error) {
      await held.lock.release().catch(() => undefined);
      await removeFolders(made);
      throw error;
    }
  }

  static async #begin(
    folder: string,
    config: RunConfig,
    games: readonly RunGame[],
    held: { readonly lock: Lock; readonly made: readonly string[] },
    { from, onEvent }: OpenRunOptions,
  ): Promise<Run> {
    const identity = identityOf(config, from);
    const run = new Run(folder, config, identity, held, onEvent);
    // What is left of a start that was killed.
    await removePartials(folder);
    await writeWhole(fileOf.run(folder), jsonText(identity));
    await rm(join(folder, MODULES), { recursive: true, force: true });
    await saveModules(games, folder);
    // From here on the folder holds a run, which can be continued.
    await writeWhole(fileOf.config(folder), jsonText(config));
    for (const path of [fileOf.checkpoints, fileOf.evaluation, fileOf.transcripts]) await makeFolder(path(folder));
    await append(fileOf.metrics(folder), "");
    return run;
  }

  static async #continue(
    folder: string,
    config: RunConfig,
    held: { readonly lock: Lock; readonly made: readonly string[] },
    { onEvent }: OpenRunOptions,
  ): Promise<Run> {
    const before = await readRunConfig(folder);
    const stored = await readIdentity(folder);
    const identity = await identityInForce(folder, stored);
    const changes = changesOf(before, config);
    await tidy(folder);
    const newest = await newestCheckpoint(folder, identity.id, (text) => onEvent?.({ kind: "warning", text }));
    if (newest === undefined && identity.from !== undefined)
      throw new FileError(
        `${folder}: the run was stopped before it had the weights that it was to begin with (--from); ` +
          "remove the folder and start it again",
      );
    const { run: _, metrics, ...standing } = newest?.progress ?? { run: identity.id, metrics: NOTHING, ...BEGINNING };
    const { stage, step } = standing;
    const change = { stage, step, set: changes, config: sha256(jsonText(config)) };
    const next = changes.length === 0 ? identity : { ...identity, changes: [...identity.changes, change] };
    const run = new Run(folder, config, next, held, onEvent);
    run.newest = newest?.folder;
    run.standing = standing;
    await run.#restoreMetrics(metrics);
    await run.#removePassed();
    await forgetLater(folder, standing);
    if (next !== stored) await writeWhole(fileOf.run(folder), jsonText(next));
    if (changes.length > 0) await writeWhole(fileOf.config(folder), jsonText(config));
    return run;
  }

  /** Cuts `metrics.jsonl` to what the checkpoint knew, after it was found to be that. */
  async #restoreMetrics({ bytes, sha256: expected }: Progress["metrics"]): Promise<void> {
    const path = fileOf.metrics(this.folder);
    const size = await stat(path).then(
      (found) => found.size,
      () => (bytes === 0 ? 0 : undefined),
    );
    if (size === undefined) throw new FileError(`${path}: the run continues from this file, but it is not there`);
    if (size < bytes)
      throw new FileError(
        `${path}: expected ${bytes} bytes or more, as the checkpoint ${this.newest} says, found ${size}: it was shortened`,
      );
    if (bytes > 0)
      await pipeline(createReadStream(path, { end: bytes - 1 }), async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) this.#hash.update(chunk);
      });
    if (this.#hash.copy().digest("hex") !== expected)
      throw new FileError(
        `${path}: its first ${bytes} bytes are not what the run wrote before the checkpoint ${this.newest}: it was changed`,
      );
    await append(path, "");
    await truncate(path, bytes);
    this.#bytes = bytes;
  }

  /** Writes down a step that is done; its metrics must be finite numbers. */
  async record(standing: Standing, steps: number, metrics: Readonly<Record<string, number>>, seconds: number): Promise<void> {
    const { stage, step } = standing;
    const line = `${JSON.stringify({ stage, step, ...metrics })}\n`;
    await append(fileOf.metrics(this.folder), line);
    await append(fileOf.timing(this.folder), `${JSON.stringify({ stage, step, seconds })}\n`);
    this.#hash.update(line);
    this.#bytes += Buffer.byteLength(line);
    this.standing = standing;
    this.#onEvent?.({ kind: "step", stage, step, steps, metrics });
  }

  /** Saves the agent where the run stands: under the stage's name when the stage is `finished`, otherwise with its step. */
  async checkpoint(agent: Agent, { finished }: { readonly finished: boolean }): Promise<string> {
    const { stage, step } = this.standing;
    const name = finished ? stage : stepName(stage, step);
    const folder = fileOf.checkpoint(this.folder, name);
    const metrics = { bytes: this.#bytes, sha256: this.#hash.copy().digest("hex") };
    const hash = await saveAgent(agent, folder, { run: this.#identity.id, ...this.standing, metrics });
    this.newest = folder;
    this.#onEvent?.({ kind: "checkpoint", stage, step, folder });
    await this.#removePassed();
    return hash;
  }

  /** Removes checkpoints between, of stages that keep the newest alone, once there is a newer one. */
  async #removePassed(): Promise<void> {
    for (const name of await checkpointNames(fileOf.checkpoints(this.folder))) {
      const folder = fileOf.checkpoint(this.folder, name);
      const stage = STAGES.find((candidate) => name.startsWith(`${candidate}-`));
      if (stage !== undefined && !KEPT_STAGES.includes(stage) && folder !== this.newest) await removeCheckpoint(folder);
    }
  }

  /** Keeps episodes of the step that the run stands after. */
  async writeTranscripts(episodes: readonly Episode[]): Promise<void> {
    const { stage, step } = this.standing;
    const lines = episodes.map((episode) => `${JSON.stringify(transcriptOf(episode, { step, seed: this.config.seed }))}\n`);
    await writeWhole(join(fileOf.transcripts(this.folder), `${stepName(stage, step)}.jsonl`), lines.join(""));
  }

  /** The report of a stage, if it was made from what `provenance` says. */
  async report(stage: Stage, provenance: Provenance): Promise<AgentReport | undefined> {
    const stored = await readReport(this.folder, stage).catch(() => undefined);
    return stored && jsonText(stored.provenance) === jsonText(provenance) ? stored.report : undefined;
  }

  /** Writes a report, after the transcripts of some of the episodes that it was made from and the scores of all. */
  async writeReport(
    stage: Stage,
    provenance: Provenance,
    report: AgentReport,
    { kept, scores }: { readonly kept: readonly Episode[]; readonly scores: StoredScores },
  ): Promise<void> {
    const { seed } = this.config;
    const lines = kept.map((episode) => `${JSON.stringify(transcriptOf(episode, { step: 0, seed }))}\n`);
    await writeWhole(fileOf.episodes(this.folder, stage), lines.join(""));
    await writeWhole(scoresFile(this.folder, stage), scores.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await writeWhole(fileOf.report(this.folder, stage), jsonText({ ...report, provenance }));
    this.#onEvent?.({ kind: "evaluated", stage, report });
  }

  /** Lets others have the folder. */
  close(): Promise<void> {
    return this.#lock.release();
  }

  /** Takes back a run that was begun and did nothing, as far as that can be done. */
  async abandon(): Promise<void> {
    try {
      // While there is a configuration, a run that is killed here can be continued; afterwards it can be begun.
      if (this.newest === undefined && this.#bytes === 0)
        for (const name of [...TRACES, MODULES, "run.json"])
          await rm(join(this.folder, name), { recursive: true, force: true });
    } catch {
      // The error that stopped the run says more.
    }
    await this.#lock.release().catch(() => undefined);
    await removeFolders(this.#made);
  }
}

/** Who a new run is; `from` is the hash of the checkpoint that its first weights are of. */
export const identityOf = (config: RunConfig, from?: string): Identity => ({
  id: sha256(jsonText({ config, ...(from === undefined ? {} : { from }) })),
  version: VERSION,
  config: sha256(jsonText(config)),
  ...(from === undefined ? {} : { from }),
  changes: [],
});

const stepName = (stage: Stage, step: number): string => `${stage}-${String(step).padStart(4, "0")}`;

async function lockOrLeave(folder: string, made: readonly string[]): Promise<Lock> {
  try {
    return await lockFolder(folder);
  } catch (error) {
    await removeFolders(made);
    throw error;
  }
}

/**
 * The identity without a last change that was written down and not made, as when a process is killed between the two. Throws `FileError`
 * for a configuration that the run did not write.
 */
async function identityInForce(folder: string, identity: Identity): Promise<Identity> {
  const path = fileOf.config(folder);
  const found = sha256(jsonText(await readJson(path, z.unknown(), "the configuration of a run", fileError)));
  const [last, before] = [identity.config, ...identity.changes.map(({ config }) => config)].toReversed();
  // Runs of versions that did not write it down.
  if (last === undefined || last === found) return identity;
  if (before === found) return { ...identity, changes: identity.changes.slice(0, -1) };
  throw new FileError(
    `${path}: the file is not what the run wrote: it was edited; put it back, and change a run with --resume --set KEY=VALUE`,
  );
}
const fileError = (message: string, options?: ErrorOptions) => new FileError(message, options);

async function refuseExisting(folder: string): Promise<void> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const found = names.filter((name) => TRACES.includes(name));
  if (names.includes(MODULES) && !names.includes("run.json"))
    throw new ConfigError(`${folder} has a folder called ${MODULES} of its own; choose another --out`);
  if (found.length > 0)
    throw new ConfigError(
      `${folder} already holds a run (${found.join(", ")}); continue it with --resume, choose another --out, or remove the folder`,
    );
}

/** Undoes what a process that was killed left half done. */
async function tidy(folder: string): Promise<void> {
  const checkpoints = fileOf.checkpoints(folder);
  await removePartials(folder);
  for (const path of [checkpoints, fileOf.evaluation(folder), fileOf.transcripts(folder)]) {
    await makeFolder(path);
    await removePartials(path);
  }
  for (const name of await readdir(checkpoints)) {
    const path = join(checkpoints, name);
    if (name.startsWith(".partial-")) await rm(path, { recursive: true, force: true });
    // Killed while one checkpoint took another's place: the old one is whole.
    if (name.startsWith(".old-")) {
      const place = join(checkpoints, name.slice(".old-".length));
      const taken = await stat(place).then(
        () => true,
        () => false,
      );
      await (taken ? rm(path, { recursive: true, force: true }) : rename(path, place));
    }
  }
}

/** The checkpoint furthest along that is whole; damaged ones are named in warnings, and those of other runs refused. */
async function newestCheckpoint(
  folder: string,
  run: string,
  warn: (text: string) => void,
): Promise<{ readonly folder: string; readonly progress: Progress } | undefined> {
  const checkpoints = fileOf.checkpoints(folder);
  const found: { readonly folder: string; readonly progress: Progress }[] = [];
  for (const name of await checkpointNames(checkpoints)) {
    const path = join(checkpoints, name);
    try {
      const { progress } = await readAgentFile(path);
      if (progress === undefined) throw new FileError(`${path}: it was saved outside a run`);
      found.push({ folder: path, progress });
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      warn(`a checkpoint is left out: ${error.message}`);
    }
  }
  const foreign = found.find(({ progress }) => progress.run !== run);
  if (foreign !== undefined)
    throw new FileError(
      `${foreign.folder}: the checkpoint belongs to another run than ${fileOf.run(folder)} describes; move it away to continue`,
    );
  for (const candidate of found.toSorted((a, b) => orderOf(b.progress) - orderOf(a.progress)))
    try {
      await checkCheckpoint(candidate.folder, { training: true });
      return candidate;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      warn(`a checkpoint is left out: ${error.message}`);
    }
  const names = await checkpointNames(checkpoints);
  if (names.length > 0)
    throw new FileError(`${checkpoints}: none of the checkpoints ${names.join(", ")} is whole; nothing to continue from`);
  return undefined;
}

/** Forgets times and transcripts of steps after the one that a run continues from; it will make them again. */
async function forgetLater(folder: string, standing: Standing): Promise<void> {
  const known = await readTiming(folder).catch(() => []);
  const kept = known.filter((line) => orderOf(line) <= orderOf(standing));
  await writeWhole(fileOf.timing(folder), kept.map((line) => `${JSON.stringify(line)}\n`).join(""));
  for (const name of await readdir(fileOf.transcripts(folder))) {
    const stage = STAGES.find((candidate) => name.startsWith(`${candidate}-`));
    const step = Number(name.match(/-(\d+)\.jsonl$/)?.[1]);
    if (stage === undefined || !(orderOf({ stage, step }) <= orderOf(standing)))
      await rm(join(fileOf.transcripts(folder), name), { recursive: true, force: true });
  }
}
