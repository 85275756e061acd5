/** A training run in a directory: base, SFT and SEPO, each a loop of steps that ends in a checkpoint and an evaluation. */
import type { Connection } from "../engines/driver.ts";
import { driverOf } from "../engines/drivers.ts";
import { EngineError, type Sampler } from "../engines/engine.ts";
import type { AgentReport } from "../evaluation/report.ts";
import { GAME_NAMES } from "../games/index.ts";
import type { Roster } from "../opponents/index.ts";
import { type Key, foldIn, seedKey } from "../random.ts";
import { type Agent, createAgent, modelOf, openAgent, rostersOf } from "../runs/agent.ts";
import { ConfigError, type RunConfig } from "../runs/config.ts";
import { type RunGame, openGames } from "../runs/games.ts";
import { fileOf } from "../runs/read.ts";
import { pricesKl } from "../runs/plan.ts";
import { Run, type Standing } from "../runs/run.ts";
import { type RunEvent, STAGES, type Stage } from "../runs/stages.ts";
import { evaluateStage } from "./evaluate-stage.ts";
import type { Metrics } from "./metrics.ts";
import { type SepoStep, sepo } from "./sepo.ts";
import { supervised, supervisedExample, supervisedSteps } from "./supervised.ts";
import { type Trace, expertTraces } from "./traces.ts";

export interface TrainOptions {
  /** Continue the run in the folder; what differs from its configuration is a recorded change. */
  readonly resume?: boolean;
  /** A checkpoint, or a run's folder, whose weights the base stage begins with. */
  readonly from?: string;
  /** The last stage to train; the run can be continued later. */
  readonly until?: Stage;
  /** Folder that modules of the configuration are relative to; default: the process's, or the run's when it is continued. */
  readonly modules?: string;
  /** How the engine reaches a server. */
  readonly connection?: Pick<Connection, "apiKey" | "baseUrl">;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

interface Training {
  readonly run: Run;
  readonly agent: Agent;
  readonly config: RunConfig;
  readonly root: Key;
  readonly connection: Connection;
  readonly options: TrainOptions;
}

/** Trains through all stages; returns the reports of every stage. */
export async function train(config: RunConfig, folder: string, options: TrainOptions = {}): Promise<AgentReport[]> {
  const { resume = false, from, until = "sepo", signal, onEvent } = options;
  const games = await openGames(config, options.modules ?? (resume ? folder : process.cwd()));
  // A game that is known and not in the run is allowed, so that --set games can take a part of a recipe.
  const names = new Set<string>([...GAME_NAMES, ...games.map(({ roster }) => roster.game.facts.name)]);
  const unknown = Object.keys(config.sepo.games).find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new ConfigError(`sepo.games.${unknown}: no game is called so; expected one of ${[...names].join(", ")}`);
  const connection: Connection = {
    ...options.connection,
    ...driverOf(config.engine.kind).connection?.(config.engine),
    ...(signal === undefined ? {} : { signal }),
    onMessage: (text) => onEvent?.({ kind: "engine", text }),
  };
  const source = from === undefined ? undefined : await openAgent(from, { ...connection, training: true });
  if (source !== undefined && source.kind !== config.engine.kind)
    throw new ConfigError(`--from ${from}: its engine is ${source.kind}, the configuration's ${config.engine.kind}`);
  const run = await Run.open(folder, config, games, {
    resume,
    ...(source === undefined ? {} : { from: source.checkpoint.sha256 }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  try {
    const agent =
      run.newest === undefined
        ? source === undefined
          ? await createAgent(config, games, () => corpus(config, games), connection)
          : { ...source, games, protocol: config.protocol, sampling: { ...source.sampling, ...config.sampler } }
        : await openAgent(run.newest, { ...connection, training: true });
    const training = { run, agent, config: run.config, root: seedKey(config.seed), connection, options };
    if (source !== undefined) await run.checkpoint(agent, { finished: false });
    const reports: AgentReport[] = [];
    for (const stage of STAGES.slice(0, STAGES.indexOf(until) + 1)) {
      if (!isDone(stage, training)) await trainStage(stage, training);
      reports.push(await evaluateStage(stage, run, agent, connection, options));
    }
    await agent.engine.release();
    await run.close();
    return reports;
  } catch (error) {
    await run.abandon();
    throw error;
  }
}

/** Whether the run stands behind a stage. */
const isDone = (stage: Stage, { run }: Training): boolean => STAGES.indexOf(run.standing.stage) > STAGES.indexOf(stage);

async function trainStage(stage: Stage, training: Training): Promise<void> {
  const { run, agent } = training;
  const from: Standing = run.standing.stage === stage ? run.standing : { stage, step: 0, gaps: {}, exploiters: [] };
  if (from.step === 0) await agent.engine.resetOptimizer();
  run.standing = from;
  const steps = stage === "sepo" ? await trainSepo(from, training) : await trainSupervised(stage, from, training);
  if (steps === 0) await run.checkpoint(agent, { finished: true });
}

/** Trains a supervised stage from a step on; returns the number of its steps. */
async function trainSupervised(stage: "base" | "sft", { step: from }: Standing, training: Training): Promise<number> {
  const { agent, config, root, options } = training;
  const traces = await tracesOf(config, rostersOf(agent), stage);
  const examples = traces.filter(({ split }) => split === "train").map((trace) => supervisedExample(trace, agent.encoding));
  if (examples.length === 0 && config[stage].epochs > 0)
    throw new ConfigError(
      `${stage}.examples: all ${traces.length} examples are of episodes held back for validation; expected more than ` +
        `${config[stage].examples}, or ${stage}.epochs = 0`,
    );
  const steps = supervisedSteps(examples.length, config[stage]);
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  let began = performance.now();
  for await (const { step, metrics } of supervised(agent.engine, examples, config[stage], foldIn(root, stage, "order"), {
    from,
    ...signal,
  })) {
    await finishStep({ stage, step, gaps: {}, exploiters: [] }, steps, metrics, began, training);
    began = performance.now();
  }
  return steps;
}

/** Trains SEPO from where the run stands; returns the number of its steps. */
async function trainSepo({ step, gaps, exploiters }: Standing, training: Training): Promise<number> {
  const { agent, config, root, options } = training;
  const { steps, transcriptsEvery } = config.sepo;
  const reference = pricesKl(config.sepo) ? await referenceOf(training) : undefined;
  const alarm = gapAlarm(config.sepo.gapAlarm, options.onEvent);
  const learner = { ...agent, rosters: rostersOf(agent), ...(reference === undefined ? {} : { reference }) };
  try {
    let began = performance.now();
    for await (const { state, metrics, groups } of sepo(learner, config.sepo, root, {
      from: { step, gaps, exploiters },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (playing, finished, episodes) =>
        options.onEvent?.({ kind: "playing", stage: "sepo", step: playing, finished, episodes }),
    })) {
      alarm(state.step, metrics["logprob_gap/kl"]);
      const standing: Standing = { stage: "sepo", ...state, exploiters: [...state.exploiters] };
      const shown = state.step === 1 || state.step % transcriptsEvery === 0 || state.step === steps;
      await finishStep(standing, steps, metrics, began, training, shown ? groups : []);
      began = performance.now();
    }
  } finally {
    await reference?.release();
  }
  return steps;
}

/** Writes down what a step did, transcripts of the first two episodes of some groups, and a checkpoint when it is time. */
async function finishStep(
  standing: Standing,
  steps: number,
  metrics: Metrics,
  began: number,
  { run, agent, config }: Training,
  shown: SepoStep["groups"] = [],
): Promise<void> {
  const { stage, step } = standing;
  const wrong = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (wrong !== undefined)
    throw new EngineError(`${stage}, step ${step}: ${wrong[0]} is ${wrong[1]}; the run stops before it is saved`);
  await run.record(standing, steps, metrics, (performance.now() - began) / 1000);
  if (shown.length > 0) await run.writeTranscripts(shown.flatMap(({ played }) => played.slice(0, 2)));
  const finished = step === steps;
  if (finished || step % config[stage].checkpointEvery === 0) await run.checkpoint(agent, { finished });
}

/** Warns once whenever samples come to lie too far from the weights that learn. */
function gapAlarm(limit: number, onEvent: TrainOptions["onEvent"]): (step: number, gap: number) => void {
  let alarmed = false;
  return (step, gap) => {
    const far = limit > 0 && gap > limit;
    if (far && !alarmed)
      onEvent?.({
        kind: "warning",
        text:
          `step ${step}: the weights that learn are ${gap.toExponential(1)} nats per token from those that sampled ` +
          `(logprob_gap/kl; sepo.gapAlarm is ${limit}): sampler and trainer of the engine disagree, or the episodes are too stale`,
      });
    alarmed = far;
  };
}

/** The traces a supervised stage learns from; the same bytes for the same seed. */
export async function tracesOf(config: RunConfig, rosters: readonly Roster[], stage: "base" | "sft"): Promise<Trace[]> {
  const actions = stage === "base" ? "uniform" : "experts";
  const { examples } = config[stage];
  const all: Trace[] = [];
  for (const roster of rosters) {
    const key = foldIn(seedKey(config.seed), stage, roster.game.facts.name);
    all.push(...(await expertTraces(roster, key, { examples, actions })));
  }
  return all;
}

/** The language of the games, for the tokenizer: the rules, and what the base model will read and write. */
export async function corpus(config: RunConfig, games: readonly RunGame[]): Promise<string[]> {
  const rosters = rostersOf({ games });
  const traces = await tracesOf(config, rosters, "base");
  return [
    ...rosters.map(({ game }) => game.rules),
    ...traces.slice(0, 4000).flatMap(({ messages }) => messages.slice(1).map(({ content }) => content)),
    ...traces.slice(-4000).flatMap(({ messages }) => messages.slice(1).map(({ content }) => content)),
  ];
}

/**
 * The frozen policy of the KL. Where an engine's snapshots stay as they are, one of its own, which shares what is not trained; otherwise
 * the checkpoint, opened beside the engine in training.
 */
async function referenceOf({ run, agent, config, connection }: Training): Promise<Sampler> {
  const stage = config.sepo.reference;
  const checkpoint = fileOf.checkpoint(run.folder, stage);
  const { engine } = agent;
  if (!engine.facts.frozenSnapshots || engine.facts.reproducible === false)
    return modelOf(await openAgent(checkpoint, connection)).sampler;
  // At the first step the weights are those of SFT; a run that is continued later, or measures to another stage, takes a look back.
  const { newest } = run;
  const later = stage !== "sft" || run.standing.step > 0;
  if (later) await engine.load(checkpoint);
  const reference = await engine.snapshot();
  if (later && newest !== undefined) await engine.load(newest);
  return reference;
}
