/** Checks a server of the Tinker protocol: the engine contract on it, and a short SEPO run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineConformance } from "../engines/conformance.ts";
import type { AdamSettings, Prompt } from "../engines/engine.ts";
import { type TinkerEngineOptions, createTinkerEngine } from "../engines/tinker/engine.ts";
import { PROFILES, type ProfileName } from "../engines/tinker/profiles.ts";
import { type Key, foldIn, seedKey } from "../random.ts";
import { type Agent, createAgent, openAgent, rostersOf, saveAgent } from "../runs/agent.ts";
import { type RunConfig, parseConfig } from "../runs/config.ts";
import { type RunGame, openGames } from "../runs/games.ts";
import { pricesKl } from "../runs/plan.ts";
import { createChat } from "../text/chat.ts";
import { loadTokenizer } from "../text/tokenizer-files.ts";
import { createTokenizer } from "../text/tokenizer.ts";
import type { Metrics } from "./metrics.ts";
import { sepo } from "./sepo.ts";

export interface CheckOptions {
  readonly profile: ProfileName;
  readonly baseUrl: string;
  readonly baseModel: string;
  readonly tokenizer: string;
  readonly rank: number;
  readonly steps: number;
  /** Games of the SEPO steps, by name or path of a module. */
  readonly games: readonly string[];
  /** Tokens of every prompt of the contract's checks; by default they differ in length. */
  readonly promptTokens?: number;
  readonly maxTokens: number;
  readonly tolerance: number;
  readonly deadlineSeconds: number;
  readonly requestTokens?: number;
  readonly maxStepsOffPolicy?: number;
  readonly stragglerSeconds?: number;
  readonly apiKey: string;
  readonly onMessage?: (text: string) => void;
}

export interface CheckResult {
  readonly name: string;
  readonly outcome: "pass" | "fail" | "not applicable";
  readonly seconds: number;
  readonly error?: string;
}

export interface SepoSummary {
  readonly steps: number;
  readonly seconds: number;
  /** Tokens sampled and trained on. */
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /**
   * Largest difference, in nats, between the log-probability a token was sampled with and the one it was trained at, in steps whose
   * episodes were all played with the weights that learn, and of samples scored after the last step.
   */
  readonly logprobGap: number;
  /** Largest number of steps between the weights that played and those that learned. */
  readonly staleness: number;
  /** Groups that did not come in their step, and groups that never came. */
  readonly late: number;
  readonly dropped: number;
  /** Metrics of the first and the last step. */
  readonly first: Readonly<Record<string, number>>;
  readonly last: Readonly<Record<string, number>>;
}

export interface Summary {
  readonly ok: boolean;
  readonly profile: ProfileName;
  readonly checks: readonly CheckResult[];
  readonly sepo?: SepoSummary;
}

const LENGTHS = [3, 5, 9, 3, 17];

/** Runs every check and then the SEPO steps; a failed check is a result, not an error. */
export async function checkServer(options: CheckOptions): Promise<Summary> {
  const { profile, baseUrl, baseModel, tokenizer: folder, rank, maxTokens, deadlineSeconds, onMessage = () => {} } = options;
  const config = sepoConfig(options);
  const games = await openGames(config, process.cwd());
  const tokenizer = createTokenizer(await loadTokenizer(folder));
  const connection: TinkerEngineOptions = {
    profile,
    baseUrl,
    baseModel,
    rank,
    deadlineSeconds,
    vocabularySize: tokenizer.vocabularySize,
    contextLength: 4096,
    key: seedKey(1),
    ...(options.requestTokens === undefined ? {} : { requestLimits: { tokens: options.requestTokens } }),
    apiKey: options.apiKey,
  };
  const text = tokenizer.encode("The players move in turn and each sees what the other did before. ".repeat(20));
  const prompts = LENGTHS.map((length, i): Prompt => ({
    tokens: text.slice(i, i + (options.promptTokens ?? length)),
    shared: 0,
  }));
  const suite = engineConformance({
    create: () => createTinkerEngine(connection),
    prompts,
    settings: { temperature: 1, maxTokens, stop: createChat(tokenizer).stop },
    adam: adamFor(profile, 0.01),
    freeAdam: typeof PROFILES[profile].adam.beta1 !== "number",
    tolerance: options.tolerance,
  });
  const checks: CheckResult[] = [];
  for (const { name, run } of suite) {
    const began = performance.now();
    const found = await run().then(
      (result): Pick<CheckResult, "outcome" | "error"> => ({ outcome: result ?? "pass" }),
      (cause: unknown) => ({ outcome: "fail" as const, error: cause instanceof Error ? cause.message : String(cause) }),
    );
    const seconds = (performance.now() - began) / 1000;
    checks.push({ name, seconds, ...found });
    onMessage(`${found.outcome}: ${name} (${seconds.toFixed(1)} s)${found.error === undefined ? "" : `: ${found.error}`}`);
  }
  const sepo = options.steps === 0 ? undefined : await runSepo(options, config, games);
  const ok = checks.every(({ outcome }) => outcome !== "fail") && (sepo === undefined || sepo.logprobGap <= options.tolerance);
  return { ok, profile, checks, ...(sepo === undefined ? {} : { sepo }) };
}

/** Steps of SEPO, with the KL to the first policy where the server can hold two models. */
async function runSepo(options: CheckOptions, config: RunConfig, games: readonly RunGame[]): Promise<SepoSummary> {
  const { steps, apiKey, onMessage = () => {} } = options;
  const connection = { apiKey };
  const folder = await mkdtemp(join(tmpdir(), "sepo-check-"));
  const agent = await createAgent(config, games, () => [], connection);
  try {
    await saveAgent(agent, join(folder, "first"));
    const reference = pricesKl(config.sepo) ? (await openAgent(join(folder, "first"), connection)).engine : undefined;
    const all: Metrics[] = [];
    const seconds: number[] = [];
    let prompts: readonly Prompt[] = [];
    let began = performance.now();
    const learner = { ...agent, rosters: rostersOf(agent), ...(reference === undefined ? {} : { reference }) };
    for await (const { state, metrics, groups } of sepo(learner, config.sepo, seedKey(config.seed))) {
      seconds.push((performance.now() - began) / 1000);
      const decisions = groups.flatMap(({ played }) => played.flatMap((episode) => episode.decisions));
      prompts = decisions.flatMap(({ reply }) => (reply === undefined ? [] : [reply.prompt]));
      all.push(metrics);
      onMessage(
        `step ${state.step}/${steps}: ${seconds[state.step - 1].toFixed(1)} s, ${metrics["num_tokens"] ?? 0} tokens, ` +
          `gap ${(metrics["logprob_gap/max"] ?? 0).toExponential(1)}`,
      );
      began = performance.now();
    }
    await reference?.release();
    const last = await gapOf(agent, prompts.slice(0, 4), foldIn(seedKey(config.seed), "last"));
    return summaryOf(steps, all, seconds, last);
  } finally {
    await agent.engine.release();
    await rm(folder, { recursive: true });
  }
}

function sepoConfig(options: CheckOptions): RunConfig {
  const { profile, baseUrl, baseModel, tokenizer, rank, steps, games, maxTokens, deadlineSeconds, requestTokens } = options;
  const { maxStepsOffPolicy = 0, stragglerSeconds = 0 } = options;
  const { beta1, beta2, weightDecay, gradientClip } = adamFor(profile, 1);
  return parseConfig({
    games: [...games],
    engine: { kind: "tinker", profile, baseUrl, baseModel, tokenizer, rank, deadlineSeconds, requestTokens },
    base: { epochs: 0 },
    sft: { epochs: 0 },
    sampler: { maxTokens },
    sepo: {
      steps,
      scenarios: 1,
      groupSize: 2,
      learningRate: 1e-3,
      checkpointEvery: Math.max(1, steps),
      beta1,
      beta2,
      weightDecay,
      gradientClip,
      maxStepsOffPolicy,
      stragglerSeconds,
      beta: PROFILES[profile].manyModels ? 0.05 : 0,
    },
  });
}

/** The first step makes servers compile; its time would say nothing about the others. */
function summaryOf(steps: number, all: readonly Metrics[], times: readonly number[], lastGap: number): SepoSummary {
  const from = steps === 1 ? 0 : 1;
  const seconds = times.slice(from).reduce((a, b) => a + b, 0);
  const tokens = all.slice(from).reduce((sum, metrics) => sum + (metrics["num_tokens"] ?? 0), 0);
  const total = (name: string) => all.reduce((sum, metrics) => sum + metrics[name], 0);
  const onPolicy = all.filter((metrics) => metrics["staleness/max"] === 0);
  return {
    steps,
    seconds,
    tokens,
    tokensPerSecond: tokens / seconds,
    logprobGap: Math.max(lastGap, ...onPolicy.map((metrics) => metrics["logprob_gap/max"] ?? 0)),
    staleness: Math.max(...all.map((metrics) => metrics["staleness/max"])),
    late: total("groups/late"),
    dropped: total("groups/dropped"),
    first: all[0],
    last: all[all.length - 1],
  };
}

/** Largest gap between sampled and scored log-probabilities of replies, with today's weights. */
async function gapOf({ engine, sampling }: Agent, prompts: readonly Prompt[], key: Key): Promise<number> {
  const requests = prompts.map((prompt, i) => ({ prompt, key: foldIn(key, i) }));
  const completions = await engine.sample(requests, sampling);
  const scores = await engine.score(
    completions.map(({ tokens }, i) => ({ prompt: prompts[i], continuation: tokens })),
    sampling.temperature,
  );
  return Math.max(...completions.flatMap(({ logprobs }, i) => logprobs.map((p, t) => Math.abs(p - scores[i][t]))));
}

/** Settings of Adam that the profile takes. */
function adamFor(profile: ProfileName, learningRate: number): AdamSettings {
  const settings = { learningRate, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 1 };
  const fixed = Object.entries(PROFILES[profile].adam).filter(([, rule]) => typeof rule === "number");
  return { ...settings, ...Object.fromEntries(fixed) };
}
