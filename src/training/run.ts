/**
 * A training run in a directory: base, SFT and SEPO, each a loop of steps ending in a checkpoint and an evaluation.
 *
 * Directory: `config.json`, `metrics.jsonl` (one line per step, no clock in it), `timing.jsonl`, `transcripts/`, `checkpoints/`
 * (Hugging Face folders), `evaluation/`. A run killed at any moment continues from its newest checkpoint, and ends with the
 * same bytes as one that was never killed (`timing.jsonl` excepted).
 */
import { appendFile, mkdir, readFile, readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { positionsFlag } from "../evaluation/policy-table.ts";
import { type AgentReport, reportAgent } from "../evaluation/stage.ts";
import type { Sampler } from "../engines/engine.ts";
import { transcriptOf } from "../play/score.ts";
import { foldIn, seedKey } from "../random.ts";
import {
  type Agent,
  type Connection,
  createAgent,
  machineOf,
  openAgent,
  readAgentFile,
  rostersOf,
  saveAgent,
} from "./agent.ts";
import { ConfigError, type RunConfig, parseConfig } from "./config.ts";
import { addExploiters, withExploiters } from "./exploiters.ts";
import { modelPlayer } from "../play/player.ts";
import { startRollout } from "./rollout.ts";
import { learn } from "./sepo.ts";
import { type Begin, GroupStream } from "./stream.ts";
import { batchAt, supervisedExample, supervisedStep, supervisedSteps } from "./supervised.ts";
import { type Trace, expertTraces } from "./traces.ts";

export const STAGES = ["base", "sft", "sepo"] as const;
export type Stage = (typeof STAGES)[number];

export type RunEvent =
  | {
      readonly kind: "step";
      readonly stage: Stage;
      readonly step: number;
      readonly steps: number;
      readonly metrics: Record<string, number>;
    }
  | { readonly kind: "checkpoint"; readonly stage: Stage; readonly step: number; readonly folder: string }
  | {
      readonly kind: "playing";
      readonly stage: Stage;
      readonly step: number;
      readonly finished: number;
      readonly episodes: number;
    }
  | { readonly kind: "warning"; readonly text: string }
  | { readonly kind: "evaluating"; readonly stage: Stage; readonly finished: number; readonly episodes: number }
  | { readonly kind: "engine"; readonly text: string }
  | { readonly kind: "evaluated"; readonly stage: Stage; readonly report: AgentReport };

export interface RunOptions {
  /** Continue a run that stopped, with the configuration stored in it. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

const progressSchema = z.strictObject({
  stage: z.enum(STAGES),
  /** Steps of the stage that are done. */
  step: z.number().int(),
  gaps: z.record(z.string(), z.strictObject({ total: z.number(), weight: z.number() })),
  exploiters: z.array(z.strictObject({ game: z.string(), name: z.string(), actions: z.record(z.string(), z.string()) })),
  /** Length of metrics.jsonl when the checkpoint was written. */
  metricsBytes: z.number().int(),
});
type Progress = z.infer<typeof progressSchema>;
const FRESH = { gaps: {}, exploiters: [] };

/** Trains through all stages; returns the reports of every stage. */
export async function train(config: RunConfig, folder: string, options: RunOptions = {}): Promise<AgentReport[]> {
  const { resume = false, signal, onEvent } = options;
  await mkdir(join(folder, "checkpoints"), { recursive: true });
  await mkdir(join(folder, "evaluation"), { recursive: true });
  await mkdir(join(folder, "transcripts"), { recursive: true });
  const newest = await newestCheckpoint(folder);
  if (newest !== undefined && !resume)
    throw new ConfigError(`${folder} already holds a run; continue it with --resume or choose another --out`);
  if (newest === undefined) await writeFileAtomic(join(folder, "config.json"), `${JSON.stringify(config, undefined, 2)}\n`);
  const root = seedKey(config.seed);
  const baseTraces = await tracesOf(config, "base");
  const connection: Connection = {
    ...(signal === undefined ? {} : { signal }),
    onMessage: (text) => onEvent?.({ kind: "engine", text }),
    ...(config.engine.kind === "tinker" ? {} : machineOf(config.engine)),
  };
  const agent =
    newest === undefined
      ? await createAgent(config, () => corpus(config, baseTraces), connection)
      : await openAgent(newest.folder, connection);
  let progress: Progress = newest?.progress ?? { stage: "base", step: 0, ...FRESH, metricsBytes: 0 };
  const metricsFile = join(folder, "metrics.jsonl");
  await appendFile(metricsFile, "");
  await truncate(metricsFile, progress.metricsBytes);

  const record = async (
    stage: Stage,
    step: number,
    steps: number,
    metrics: Record<string, number>,
    seconds: number,
    state: Pick<Progress, "gaps" | "exploiters">,
  ) => {
    const line = `${JSON.stringify({ stage, step: step + 1, ...metrics })}\n`;
    await appendFile(metricsFile, line);
    await appendFile(join(folder, "timing.jsonl"), `${JSON.stringify({ stage, step: step + 1, seconds })}\n`);
    progress = { stage, step: step + 1, ...state, metricsBytes: progress.metricsBytes + Buffer.byteLength(line) };
    onEvent?.({ kind: "step", stage, step: step + 1, steps, metrics });
    if (step + 1 === steps || (step + 1) % config.sepo.checkpointEvery === 0) await checkpoint(stage, step + 1 === steps);
  };

  const checkpoint = async (stage: Stage, last: boolean) => {
    const target = join(folder, "checkpoints", last ? stage : `${stage}-${String(progress.step).padStart(4, "0")}`);
    await saveAgent(agent, target, progress);
    onEvent?.({ kind: "checkpoint", stage, step: progress.step, folder: target });
    if (stage !== "sepo") await removeIntermediate(folder, stage, target);
  };

  const supervised = async (stage: "base" | "sft", traces: readonly Trace[], start: number) => {
    const examples = traces.filter(({ split }) => split === "train").map((trace) => supervisedExample(trace, agent.encoding));
    const steps = supervisedSteps(examples.length, config[stage]);
    if (steps === 0) {
      progress = { stage, step: 0, ...FRESH, metricsBytes: progress.metricsBytes };
      await checkpoint(stage, true);
    }
    for (let step = start; step < steps; step++) {
      signal?.throwIfAborted();
      const began = performance.now();
      const batch = batchAt(examples, step, config[stage].batch, foldIn(root, stage, "order"));
      const metrics = await supervisedStep(agent.engine, batch, config[stage], step / steps);
      await record(stage, step, steps, metrics, (performance.now() - began) / 1000, FRESH);
    }
  };

  const keyAt = (step: number) => foldIn(root, "sepo", step);
  const sepo = async (start: number) => {
    const reference = config.sepo.beta === 0 ? undefined : await referenceOf(folder, connection);
    const { steps, transcriptsEvery, exploiter, checkpointEvery, gapAlarm } = config.sepo;
    const players = { sampler: agent.engine, encoding: agent.encoding, settings: agent.sampler };
    let { gaps, exploiters }: Pick<Progress, "gaps" | "exploiters"> = progress;
    const rostersNow = () => agent.rosters.map((roster) => withExploiters(roster, exploiters));
    const begin: Begin = (step, sampler, dropped) =>
      startRollout(rostersNow(), modelPlayer("agent", sampler, agent.encoding, agent.sampler), keyAt(step), config.sepo, {
        signal: signal === undefined ? dropped : AbortSignal.any([signal, dropped]),
        onProgress: (finished, episodes) => onEvent?.({ kind: "playing", stage: "sepo", step: step + 1, finished, episodes }),
      });
    const stream = new GroupStream(agent.engine, begin, config.sepo);
    let alarmed = false;
    try {
      for (let step = start; step < steps; step++) {
        signal?.throwIfAborted();
        const began = performance.now();
        const rosters = rostersNow();
        const learningRate = config.sepo.learningRate * (1 - ((1 - config.sepo.finalLearningRate) * step) / steps);
        const settings = { ...config.sepo, learningRate };
        const context = { ...agent, rosters, settings, ...(reference === undefined ? {} : { reference }) };
        // Nothing is played ahead of a checkpoint, so that a run continued from there plays with the same weights.
        const end = Math.min(steps, (Math.floor(step / checkpointEvery) + 1) * checkpointEvery);
        const { metrics, groups, ...next } = await learn(context, await stream.batch(step, end), keyAt(step), gaps);
        gaps = next.gaps;
        const far = gapAlarm > 0 && metrics["logprob_gap/kl"] > gapAlarm;
        if (far && !alarmed) onEvent?.({ kind: "warning", text: farText(step + 1, metrics["logprob_gap/kl"], gapAlarm) });
        alarmed = far;
        if (exploiter.every > 0 && (step + 1) % exploiter.every === 0) {
          const played = groups.flatMap((group) => group.played);
          const key = foldIn(root, "exploiter", step);
          exploiters = await addExploiters(exploiters, agent.rosters, played, players, step + 1, key, exploiter);
        }
        if (step % transcriptsEvery === 0 || step + 1 === steps) {
          const lines = groups
            .flatMap(({ played }) => played.slice(0, 2))
            .map((episode) => JSON.stringify(transcriptOf(episode)));
          await writeFileAtomic(
            join(folder, "transcripts", `sepo-${String(step + 1).padStart(4, "0")}.jsonl`),
            `${lines.join("\n")}\n`,
          );
        }
        await record("sepo", step, steps, metrics, (performance.now() - began) / 1000, { gaps, exploiters });
      }
    } finally {
      await stream.close();
      await reference?.release();
    }
  };

  const reports: AgentReport[] = [];
  for (const stage of STAGES) {
    if (STAGES.indexOf(stage) >= STAGES.indexOf(progress.stage)) {
      const start = progress.stage === stage ? progress.step : 0;
      if (start === 0) await agent.engine.resetOptimizer();
      if (stage === "sepo") await sepo(start);
      else await supervised(stage, stage === "base" ? baseTraces : await tracesOf(config, stage), start);
    }
    reports.push(await evaluateStage(stage, agent, folder, config, options));
  }
  await agent.engine.release();
  return reports;
}

/** The traces a supervised stage learns from; the same bytes for the same seed. */
export async function tracesOf(config: RunConfig, stage: "base" | "sft"): Promise<Trace[]> {
  const actions = stage === "base" ? "uniform" : "experts";
  const { examples } = config[stage];
  const all: Trace[] = [];
  for (const roster of rostersOf(config)) {
    const key = foldIn(seedKey(config.seed), stage, roster.game.facts.name);
    all.push(...(await expertTraces(roster, key, { examples, actions })));
  }
  return all;
}

const farText = (step: number, gap: number, alarm: number): string =>
  `step ${step}: the weights that learn are ${gap.toExponential(1)} nats per token from those that sampled (logprob_gap/kl; sepo.gapAlarm is ${alarm}): ` +
  "sampler and trainer of the engine disagree, or the episodes are too stale";

/** The language of the games, for the tokenizer: the rules, and what the base model will read and write. */
const corpus = (config: RunConfig, traces: readonly Trace[]): string[] => [
  ...rostersOf(config).map(({ game }) => game.rules),
  ...traces.slice(0, 4000).flatMap(({ messages }) => messages.slice(1).map(({ content }) => content)),
  ...traces.slice(-4000).flatMap(({ messages }) => messages.slice(1).map(({ content }) => content)),
];

/** The frozen SFT policy; read from its checkpoint, because the engine may have trained on since. */
async function referenceOf(folder: string, connection: Connection): Promise<Sampler> {
  const sft = await openAgent(join(folder, "checkpoints", "sft"), connection);
  return sft.engine;
}

async function evaluateStage(stage: Stage, agent: Agent, folder: string, config: RunConfig, { onEvent, signal }: RunOptions) {
  const file = join(folder, "evaluation", `${stage}.json`);
  const known = await readFile(file, "utf8").catch(() => undefined);
  if (known !== undefined) return readReport(known);
  const { episodes, concurrency, positions } = config.evaluation;
  const report = await reportAgent(agent.rosters, agent.engine, agent.encoding, agent.sampler, {
    name: stage,
    seed: config.seed,
    command: `sepo evaluate ${join(folder, "checkpoints", stage)} --episodes ${episodes} --seed ${config.seed}${positionsFlag(positions)}`,
    episodes,
    concurrency,
    positions,
    onProgress: (finished) => onEvent?.({ kind: "evaluating", stage, finished, episodes }),
    ...(signal === undefined ? {} : { signal }),
  });
  await writeFileAtomic(file, `${JSON.stringify(report, undefined, 2)}\n`);
  onEvent?.({ kind: "evaluated", stage, report });
  return report;
}

/** A report this module wrote. */
const readReport = (text: string): AgentReport => JSON.parse(text);

/** The checkpoint that is furthest along; unreadable ones are errors, unfinished ones (`.partial-`) are ignored. */
async function newestCheckpoint(folder: string): Promise<{ readonly folder: string; readonly progress: Progress } | undefined> {
  const names = (await readdir(join(folder, "checkpoints"))).filter((name) => !name.startsWith("."));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, "checkpoints", name);
      return { folder: path, progress: progressSchema.parse((await readAgentFile(path)).progress) };
    }),
  );
  const order = ({ progress: { stage, step } }: (typeof found)[number]) => STAGES.indexOf(stage) * 1e9 + step;
  return found.toSorted((a, b) => order(b) - order(a))[0];
}

/** Supervised stages keep their newest checkpoint only. */
async function removeIntermediate(folder: string, stage: Stage, keep: string): Promise<void> {
  const names = await readdir(join(folder, "checkpoints"));
  for (const name of names.filter((candidate) => candidate.startsWith(`${stage}-`)))
    if (join(folder, "checkpoints", name) !== keep) await rm(join(folder, "checkpoints", name), { recursive: true });
}

/** The configuration a run directory was started with. */
export async function storedConfig(folder: string): Promise<RunConfig> {
  const path = join(folder, "config.json");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`${path}: expected the directory of a run to resume, but it cannot be read`, { cause });
  });
  try {
    return parseConfig(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${path}: expected JSON; the file is malformed or truncated`, { cause });
  }
}
