/** Checks a server of the Tinker protocol: the engine contract on it, and a short SEPO run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineConformance } from "../engines/conformance.ts";
import type { AdamSettings, Prompt } from "../engines/engine.ts";
import { type TinkerEngineOptions, createTinkerEngine } from "../engines/tinker/engine.ts";
import { PROFILES, type ProfileName } from "../engines/tinker/profiles.ts";
import { modelPlayer } from "../play/player.ts";
import { type Key, foldIn, seedKey } from "../random.ts";
import { createChat } from "../text/chat.ts";
import { createTokenizer, loadTokenizer } from "../text/tokenizer.ts";
import { type Agent, createAgent, openAgent, saveAgent } from "../training/agent.ts";
import { parseConfig } from "../training/config.ts";
import { startRollout } from "../training/rollout.ts";
import { type Gaps, learn } from "../training/sepo.ts";
import { type Begin, GroupStream } from "../training/stream.ts";

export interface CheckOptions {
  readonly profile: ProfileName;
  readonly baseUrl: string;
  readonly baseModel: string;
  readonly tokenizer: string;
  readonly rank: number;
  readonly steps: number;
  readonly game: string;
  /** Tokens of every prompt of the contract's checks; by default they differ in length. */
  readonly promptTokens?: number;
  readonly maxTokens: number;
  readonly tolerance: number;
  readonly deadlineSeconds: number;
  readonly requestTokens?: number;
  readonly maxStepsOffPolicy?: number;
  readonly stragglerSeconds?: number;
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
export async function checkTinker(options: CheckOptions): Promise<Summary> {
  const { profile, baseUrl, baseModel, tokenizer: folder, rank, maxTokens, deadlineSeconds, onMessage = () => {} } = options;
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
    ...(process.env["TINKER_API_KEY"] === undefined ? { apiKey: "tml-dummy" } : {}),
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
  const sepo = options.steps === 0 ? undefined : await runSepo(options);
  const ok = checks.every(({ outcome }) => outcome !== "fail") && (sepo === undefined || sepo.logprobGap <= options.tolerance);
  return { ok, profile, checks, ...(sepo === undefined ? {} : { sepo }) };
}

/** Steps of SEPO on one game, with the KL to the first policy where the server can hold two models. */
async function runSepo({
  profile,
  baseUrl,
  baseModel,
  tokenizer,
  rank,
  steps,
  game,
  maxTokens,
  deadlineSeconds,
  requestTokens,
  maxStepsOffPolicy = 0,
  stragglerSeconds = 0,
  onMessage = () => {},
}: CheckOptions): Promise<SepoSummary> {
  process.env["TINKER_API_KEY"] ??= "tml-dummy";
  const { beta1, beta2, weightDecay, gradientClip } = adamFor(profile, 1);
  const config = parseConfig({
    games: [game],
    engine: { kind: "tinker", profile, baseUrl, baseModel, tokenizer, rank, deadlineSeconds, requestTokens },
    base: { epochs: 0 },
    sft: { epochs: 0 },
    sampler: { maxTokens },
    sepo: {
      steps,
      scenarios: 1,
      groupSize: 2,
      learningRate: 1e-3,
      beta1,
      beta2,
      weightDecay,
      gradientClip,
      beta: PROFILES[profile].manyModels ? 0.05 : 0,
      maxStepsOffPolicy,
      stragglerSeconds,
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "sepo-tinker-"));
  const agent = await createAgent(config, () => []);
  const keyAt = (step: number) => foldIn(seedKey(config.seed), "sepo", step);
  const begin: Begin = (step, sampler, signal) => {
    const player = modelPlayer("agent", sampler, agent.encoding, agent.sampler);
    return startRollout(agent.rosters, player, keyAt(step), config.sepo, { signal });
  };
  const stream = new GroupStream(agent.engine, begin, config.sepo);
  try {
    await saveAgent(agent, join(folder, "first"), {});
    const reference = config.sepo.beta === 0 ? undefined : (await openAgent(join(folder, "first"))).engine;
    const all: Record<string, number>[] = [];
    let gaps: Gaps = {};
    let seconds = 0;
    let prompts: readonly Prompt[] = [];
    for (let step = 0; step < steps; step++) {
      const context = { ...agent, settings: config.sepo, ...(reference === undefined ? {} : { reference }) };
      const began = performance.now();
      const result = await learn(context, await stream.batch(step, steps), keyAt(step), gaps);
      const own = (performance.now() - began) / 1000;
      // The first step makes servers compile; it would say nothing about the others.
      if (step > 0 || steps === 1) seconds += own;
      gaps = result.gaps;
      const decisions = result.groups.flatMap(({ played }) => played.flatMap((episode) => episode.decisions));
      prompts = decisions.flatMap(({ reply }) => (reply === undefined ? [] : [reply.prompt]));
      all.push(result.metrics);
      const gap = result.metrics["logprob_gap/max"] ?? 0;
      onMessage(
        `step ${step + 1}/${steps}: ${own.toFixed(1)} s, ${result.metrics["num_tokens"] ?? 0} tokens, gap ${gap.toExponential(1)}`,
      );
    }
    await reference?.release();
    const last = await gapOf(agent, prompts.slice(0, 4), foldIn(seedKey(config.seed), "last"));
    const tokens = (steps === 1 ? all : all.slice(1)).reduce((sum, metrics) => sum + (metrics["num_tokens"] ?? 0), 0);
    return {
      steps,
      seconds,
      tokens,
      tokensPerSecond: tokens / seconds,
      logprobGap: Math.max(
        last,
        ...all.filter((metrics) => metrics["staleness/max"] === 0).map((metrics) => metrics["logprob_gap/max"] ?? 0),
      ),
      staleness: Math.max(...all.map((metrics) => metrics["staleness/max"])),
      late: all.reduce((sum, metrics) => sum + metrics["groups/late"], 0),
      dropped: all.reduce((sum, metrics) => sum + metrics["groups/dropped"], 0),
      first: all[0],
      last: all[all.length - 1],
    };
  } finally {
    await stream.close();
    await agent.engine.release();
    await rm(folder, { recursive: true });
  }
}

/** Largest gap between sampled and scored log-probabilities of replies, with today's weights. */
async function gapOf({ engine, sampler }: Agent, prompts: readonly Prompt[], key: Key): Promise<number> {
  const requests = prompts.map((prompt, i) => ({ prompt, key: foldIn(key, i) }));
  const completions = await engine.sample(requests, sampler);
  const scores = await engine.score(
    completions.map(({ tokens }, i) => ({ prompt: prompts[i], continuation: tokens })),
    sampler.temperature,
  );
  return Math.max(...completions.flatMap(({ logprobs }, i) => logprobs.map((p, t) => Math.abs(p - scores[i][t]))));
}

/** Settings of Adam that the profile takes. */
function adamFor(profile: ProfileName, learningRate: number): AdamSettings {
  const settings = { learningRate, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 1 };
  const fixed = Object.entries(PROFILES[profile].adam).filter(([, rule]) => typeof rule === "number");
  return { ...settings, ...Object.fromEntries(fixed) };
}
