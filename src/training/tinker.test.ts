/** Runs on a server of our own over the loopback: a model with real losses behind the real protocol. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkServer } from "./check-server.ts";
import { TinkerServer } from "../engines/tinker/testing/server.ts";
import { OBJECTIVE_POOLS, rosterOf } from "../opponents/index.ts";
import { trainTokenizer } from "../text/bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS } from "../text/chat.ts";
import { saveTokenizer } from "../text/tokenizer-files.ts";
import { tokenizerFiles } from "../text/tokenizer.ts";
import { createAgent as makeAgent, modelOf, openAgent, rostersOf } from "../runs/agent.ts";
import type { Metrics } from "./metrics.ts";
import { rollout } from "./rollout.ts";
import { sepo } from "./sepo.ts";
import { modelPlayer } from "../play/players/model.ts";
import { seedKey } from "../random.ts";
import { ConfigError, type RunConfig, parseConfig } from "../runs/config.ts";
import { openGames } from "../runs/games.ts";
import type { RunEvent } from "../runs/stages.ts";
import { type TrainOptions, train as trainRun } from "./run.ts";

const connection = { apiKey: "tml-test" };
const createAgent = async (config: RunConfig) => makeAgent(config, await openGames(config, "."), () => [], connection);
const train = (config: RunConfig, out: string, options: TrainOptions = {}) => trainRun(config, out, { connection, ...options });

let folder = "";
let vocabularySize = 0;
let server: TinkerServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sepo-tinker-"));
  const trained = trainTokenizer(Array<string>(4).fill(rosterOf("split").game.rules), {
    vocabularySize: 500,
    specialTokens: SPECIAL_TOKENS,
  });
  const files = tokenizerFiles(trained, { chatTemplate: CHAT_TEMPLATE, end: END_TOKEN, pad: "<|pad|>", contextLength: 4096 });
  await saveTokenizer(folder, files);
  vocabularySize = Math.max(...Object.values(files.tokenizer.model.vocab)) + 1;
  server = await TinkerServer.start({ kind: "skyrl-jax", vocabularySize });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const OPPONENTS = OBJECTIVE_POOLS.reduce((sum, pool) => sum + rosterOf("split").pools[pool].length, 0);
const configOf = (more: Record<string, unknown> = {}) =>
  parseConfig({
    games: ["split"],
    engine: { kind: "tinker", profile: "skyrl-jax", baseUrl: server.baseUrl, baseModel: "bigram", tokenizer: folder, rank: 4 },
    base: { epochs: 0 },
    sft: { examples: 24, batch: 12, gradientClip: 0 },
    sepo: { steps: 2, scenarios: 1, groupSize: 2, checkpointEvery: 1, gradientClip: 0, learningRate: 0.01 },
    sampler: { maxTokens: 4 },
    evaluation: { episodes: 2, positions: 2 },
    ...more,
  });

describe("a run on a Tinker server", () => {
  test("trains, is killed, continues from its checkpoint and is opened again", { timeout: 120_000 }, async () => {
    const out = join(folder, "run");
    const onEvent = (event: RunEvent) => {
      if (event.kind === "step" && event.stage === "sepo" && event.step === 2) throw new Error("killed");
    };
    await expect(train(configOf(), out, { onEvent })).rejects.toThrow("killed");
    const reports = await train(configOf(), out, { resume: true });
    expect(reports).toHaveLength(3);
    const lines = (await readFile(join(out, "metrics.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines.slice(-2)).toMatchObject([
      { stage: "sepo", step: 1 },
      { stage: "sepo", step: 2 },
    ]);
    const agent = await openAgent(join(out, "checkpoints", "sepo"), connection);
    expect(agent.engine.facts.name).toBe("tinker (skyrl-jax)");
    const [[score]] = await agent.engine.score([{ prompt: { tokens: [7], shared: 0 }, continuation: [8] }], 1);
    expect(score).toBeLessThan(0);
    await agent.engine.release();
  });

  test("what the server would not honour is refused before it is asked anything", async () => {
    const before = server.count("create_session");
    const bad = configOf({ sft: { gradientClip: 1 }, sepo: { gradientClip: 1 }, sampler: { temperature: 0.8 } });
    const refused = train(bad, join(folder, "refused"));
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(/sft\.gradientClip = 1.*\n.*sepo\.gradientClip = 1/);
    await expect(refused).rejects.toThrow(/sampler.temperature 0.8; expected 1/);
    expect(server.count("create_session")).toBe(before);
  });

  test("episodes go on while the model trains, and a step does not wait for its slowest", { timeout: 120_000 }, async () => {
    // The third sample takes longer than all steps.
    const slow = await TinkerServer.start({
      kind: "tinker",
      vocabularySize,
      fault: (operation, count) => (operation === "asample" && count === 2 ? { late: 20_000 } : undefined),
    });
    const config = configOf({
      engine: { kind: "tinker", profile: "tinker", baseUrl: slow.baseUrl, baseModel: "bigram", tokenizer: folder },
      sft: { epochs: 0 },
      sepo: { steps: 3, scenarios: 1, groupSize: 2, learningRate: 0.01, beta: 0, maxStepsOffPolicy: 2, stragglerSeconds: 1 },
    });
    const agent = await createAgent(config);
    try {
      const episodes: string[] = [];
      const steps: Metrics[] = [];
      const onProgress = (step: number, finished: number, all: number) => void episodes.push(`${step - 1}: ${finished}/${all}`);
      const learner = { ...agent, rosters: rostersOf(agent) };
      for await (const { metrics } of sepo(learner, config.sepo, seedKey(2), { onProgress })) steps.push(metrics);
      expect(steps.map((metrics) => metrics["groups/late"])).toEqual([1, 0, 0]);
      // The slow sample is of one of three train opponents (the keyed order of seed 2). It was fresh enough for the second and third step and not there yet.
      expect(steps.map((metrics) => metrics["groups/dropped"])).toEqual([0, 0, 1]);
      expect(steps.map((metrics) => metrics["staleness/max"])).toEqual([0, 1, 1]);
      expect(episodes).toContain(`1: ${2 * OPPONENTS}/${2 * OPPONENTS}`);
      expect(episodes).not.toContain(`0: ${2 * OPPONENTS}/${2 * OPPONENTS}`);
    } finally {
      await agent.engine.release();
      await slow.stop();
    }
  });

  test("an episode that fails ends the others", async () => {
    const failing = await TinkerServer.start({
      kind: "tinker",
      vocabularySize,
      fault: (operation, count) =>
        operation === "asample" ? (count === 5 ? { status: 400, body: "no more" } : { late: 50 }) : undefined,
    });
    const config = configOf({
      engine: {
        kind: "tinker",
        profile: "tinker",
        baseUrl: failing.baseUrl,
        baseModel: "bigram",
        tokenizer: folder,
        concurrency: 4,
      },
    });
    const agent = await createAgent(config);
    const player = modelPlayer("agent", modelOf(agent));
    await expect(rollout(rostersOf(agent), player, seedKey(1), { scenarios: 1, groupSize: 2 })).rejects.toThrow("no more");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const asked = failing.count("asample");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(failing.count("asample")).toBe(asked);
    await agent.engine.release();
    await failing.stop();
  });

  test("a server that cannot sample while it trains is not asked to", async () => {
    const bad = configOf({ sepo: { gradientClip: 0, maxStepsOffPolicy: 1, stragglerSeconds: 2 } });
    const refused = train(bad, join(folder, "ahead"));
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(/cannot sample while it trains, got sepo.maxStepsOffPolicy = 1; expected .* = 0/);
    await expect(refused).rejects.toThrow(/got sepo.stragglerSeconds = 2/);
  });

  test("the check of a server passes on ours and shows its failures on one that is wrong", { timeout: 120_000 }, async () => {
    const options = {
      profile: "skyrl-jax",
      baseUrl: server.baseUrl,
      baseModel: "bigram",
      tokenizer: folder,
      rank: 4,
      steps: 2,
      games: ["split", "ipd"],
      apiKey: "tml-test",
      maxTokens: 4,
      tolerance: 1e-4,
      deadlineSeconds: 60,
    } as const;
    const summary = await checkServer(options);
    expect(summary.checks.filter(({ outcome }) => outcome === "fail")).toEqual([]);
    expect(summary).toMatchObject({ ok: true, sepo: { steps: 2 } });
    expect(summary.sepo?.tokens).toBeGreaterThan(0);
    expect(Object.keys(summary.sepo?.last ?? {})).toEqual(expect.arrayContaining(["split/safety_index", "ipd/safety_index"]));
    // The same server taken for one that sums: it averages, which the contract's check on sums must see.
    const wrong = await checkServer({ ...options, profile: "tinker", steps: 0 });
    expect(wrong.ok).toBe(false);
    expect(wrong.checks.filter(({ outcome }) => outcome === "fail").map(({ name }) => name)).toContain(
      "losses are sums: a batch moves the model as its parts do, and PPO as cross entropy",
    );
  });
});

describe("configuration of the engine", () => {
  test("engines have keys of their own, and embedded is the default", () => {
    expect(parseConfig({ engine: { width: 16 } }).engine).toMatchObject({ kind: "embedded", width: 16, layers: 3 });
    expect(parseConfig({}).engine.kind).toBe("embedded");
    expect(() => parseConfig({ engine: { kind: "tinker", baseModel: "m", tokenizer: "t", width: 16 } })).toThrow(/width/);
    expect(() => parseConfig({ engine: { kind: "tinker", tokenizer: "t" } })).toThrow(/baseModel/);
    expect(() => parseConfig({ engine: { kind: "other" } })).toThrow(/engine\.kind/);
  });
});
