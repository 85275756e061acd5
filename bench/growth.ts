/**
 * How the embedded engine's time and memory grow. Prints Markdown tables; each row runs in a process of its own, so that memory is that row's.
 *
 *     npm run bench && node dist/bench/bench/growth.js [parameters] [context] [episodes] [memory] [start]
 *
 * All of them unless some are named. THREADS in the environment sets the number of workers.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createEmbeddedEngine } from "../src/engines/embedded/engine.ts";
import { defaultModel, type ModelConfig } from "../src/engines/embedded/model.ts";
import { parameterCount } from "../src/engines/embedded/parameters.ts";
import type { Sampler } from "../src/engines/engine.ts";
import { modelPlayer } from "../src/play/players/model.ts";
import { foldIn, type Key, seedKey, uniformInteger } from "../src/random.ts";
import { createAgent, modelOf as modelOfAgent, rostersOf } from "../src/runs/agent.ts";
import { parseConfig } from "../src/runs/config.ts";
import { openGames } from "../src/runs/games.ts";
import { rollout } from "../src/training/rollout.ts";
import { learn } from "../src/training/sepo.ts";
import { supervisedExample, supervisedStep } from "../src/training/supervised.ts";
import { tracesOf } from "../src/training/run.ts";
import { ADAM, median, seconds } from "./timing.ts";

const threads = Number(process.env.THREADS ?? 2);
const root = seedKey(1);

/** Models of growing width and depth; heads of 32, two for each key-value head. */
function modelOf(width: number, layers: number, contextLength: number): ModelConfig {
  const heads = width / 32;
  const feedForward = Math.round((width * 8) / 3 / 32) * 32;
  return { ...defaultModel(2048), width, layers, heads, keyValueHeads: heads / 2, feedForward, contextLength };
}
const SIZES = [
  [64, 4],
  [128, 6],
  [256, 4],
  [320, 6],
  [448, 8],
] as const;
const CONTEXTS = [128, 256, 512, 1024, 2048] as const;
const EPISODES = [1, 4, 16] as const;
/** Tokens of a training step, whatever the context. */
const TOKENS = 8192;

const tokens = (name: string, length: number, size: number) =>
  Array.from({ length }, (_, i) => uniformInteger(foldIn(root, name), size, i));
/** The median of three, after one that compiles; and that one. */
async function timed(work: () => Promise<unknown>): Promise<{ readonly first: number; readonly time: number }> {
  const first = await seconds(work);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) times.push(await seconds(work));
  return { first, time: median(times) };
}
const count = (value: number) => Math.round(value).toLocaleString("en");
const peak = () => `${count((process.resourceUsage().maxRSS * 1024) / 2 ** 20)} MB`;

/** SFT steps of 8,192 tokens and completions of 16 tokens for prompts three quarters as long as the context. */
async function engineRow(model: ModelConfig): Promise<readonly string[]> {
  const { contextLength, vocabularySize } = model;
  const engine = createEmbeddedEngine({ model, key: root, threads });
  const rows = Math.max(1, TOKENS / contextLength);
  const prompt = (name: string, length: number) => ({ tokens: tokens(name, length, vocabularySize), shared: 0 });
  const half = contextLength / 2;
  const examples = Array.from({ length: rows }, (_, r) => ({
    prompt: prompt(`prompt ${r}`, half),
    completion: tokens(`completion ${r}`, half, vocabularySize),
    weights: Array.from({ length: half }, () => 1 / (rows * half)),
  }));
  const train = await timed(async () => {
    await engine.accumulate({ kind: "cross_entropy", examples });
    await engine.step(ADAM);
  });
  const requests = Array.from({ length: 64 }, (_, i) => ({
    prompt: prompt(`request ${i}`, contextLength * 0.75),
    key: foldIn(root, "sample", i),
  }));
  const sample = await timed(() => engine.sample(requests, { temperature: 1, maxTokens: 16, stop: [] }));
  await engine.release();
  return [
    count((rows * contextLength) / train.time),
    `${train.first.toFixed(1)} s`,
    count(requests.length / sample.time),
    `${sample.first.toFixed(1)} s`,
    peak(),
  ];
}
const ENGINE_HEAD = ["training tokens/s", "first step", "prompts answered/s", "first answers", "peak memory"];

/** The default configuration's agent and settings, with scenarios of the Kuhn and prisoner's dilemma rosters. */
async function defaultAgent(settings: Readonly<Record<string, unknown>> = {}) {
  const config = parseConfig({ engine: { threads }, ...settings });
  const games = await openGames(config, ".");
  const traces = await tracesOf(config, rostersOf({ games }), "base");
  const corpus = () => traces.flatMap(({ messages }) => messages.map(({ content }) => content));
  return { config, agent: await createAgent(config, games, corpus), traces };
}

async function episodesRow(scenarios: number): Promise<readonly string[]> {
  const { config, agent } = await defaultAgent({ sepo: { scenarios } });
  const reference: Sampler = await agent.engine.snapshot();
  const rosters = rostersOf(agent);
  const learner = { ...agent, rosters, reference };
  const player = modelPlayer("agent", modelOfAgent(agent));
  let episodes = 0;
  const step = async (key: Key) => {
    const played = await rollout(rosters, player, key, config.sepo);
    const groups = played.map((group) => ({ ...group, staleness: 0 }));
    await learn(learner, { groups, planned: groups.length, late: 0, dropped: 0 }, config.sepo, key, { step: 0, gaps: {} });
    episodes = groups.reduce((sum, { played }) => sum + played.length, 0);
  };
  const first = await seconds(() => step(foldIn(root, "step", 0)));
  const times: number[] = [];
  for (let i = 1; i <= 3; i++) times.push(await seconds(() => step(foldIn(root, "step", i))));
  await reference.release();
  await agent.engine.release();
  return [count(episodes), `${median(times).toFixed(2)} s`, count(episodes / median(times)), `${first.toFixed(1)} s`, peak()];
}

/** Resident memory along 1,000 steps, each a rollout of one scenario's worth or a supervised step. */
async function memoryRow(): Promise<readonly string[]> {
  const { config, agent, traces } = await defaultAgent();
  const examples = traces.map((trace) => supervisedExample(trace, agent.encoding));
  const [roster] = rostersOf(agent);
  const player = modelPlayer("agent", modelOfAgent(agent));
  const seen: string[] = [];
  for (let step = 0; step < 1000; step++) {
    await supervisedStep(agent.engine, examples.slice((step * 32) % 4000).slice(0, 32), config.base, 0.5);
    if (step % 20 === 0) await rollout([roster], player, foldIn(root, "rollout", step), { scenarios: 1, groupSize: 2 });
    if ([99, 249, 499, 749, 999].includes(step)) seen.push(`${count(process.memoryUsage().rss / 2 ** 20)} MB`);
  }
  await agent.engine.release();
  return seen;
}

async function startRow(): Promise<readonly string[]> {
  const model = defaultModel(640);
  const made = performance.now();
  const engine = createEmbeddedEngine({ model, key: root, threads });
  const creation = performance.now() - made;
  const [request] = [{ prompt: { tokens: tokens("p", 60, 640), shared: 0 }, key: root }];
  const settings = { temperature: 1, maxTokens: 16, stop: [] };
  const sample = await timed(() => engine.sample([request], settings));
  const example = { prompt: request.prompt, completion: tokens("c", 10, 640), weights: Array.from({ length: 10 }, () => 1) };
  const train = await timed(() => engine.accumulate({ kind: "cross_entropy", examples: [example] }));
  const launch = await seconds(async () => {
    spawnSync(process.execPath, [fileURLToPath(new URL("../src/cli/main.js", import.meta.url)), "games"]);
  });
  await engine.release();
  const milliseconds = (value: number) => `${(value * 1000).toFixed(0)} ms`;
  return [
    milliseconds(launch),
    milliseconds(creation / 1000),
    milliseconds(sample.first),
    milliseconds(sample.time),
    milliseconds(train.first),
    milliseconds(train.time),
  ];
}

interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly [name: string, row: () => Promise<readonly string[]>])[];
}
const SECTIONS: Readonly<Record<string, Section>> = {
  parameters: {
    title: "context 256",
    head: ["parameters", ...ENGINE_HEAD],
    rows: SIZES.map(([width, layers]) => {
      const model = modelOf(width, layers, 256);
      return [`${(parameterCount(model) / 1e6).toFixed(1)} million`, () => engineRow(model)];
    }),
  },
  context: {
    title: "2.4 million parameters",
    head: ["context", ...ENGINE_HEAD],
    rows: CONTEXTS.map((context) => [String(context), () => engineRow(modelOf(192, 4, context))]),
  },
  episodes: {
    title: "one SEPO step of the default configuration, both games",
    head: ["scenarios", "episodes", "time", "episodes/s", "first step", "peak memory"],
    rows: EPISODES.map((scenarios) => [String(scenarios), () => episodesRow(scenarios)]),
  },
  memory: {
    title: "resident memory along 1,000 supervised steps with 50 rollouts among them, default configuration",
    head: ["after steps", "100", "250", "500", "750", "1,000"],
    rows: [["", memoryRow]],
  },
  start: {
    title: "start-up of the default model",
    head: ["", "sepo games", "create engine", "first sample", "next samples", "first gradient", "next gradients"],
    rows: [["", startRow]],
  },
};

const [kind, index] = process.argv.slice(2);
if (index !== undefined && /^\d+$/.test(index)) {
  const [name, row] = SECTIONS[kind].rows[Number(index)];
  console.log(`| ${[name, ...(await row())].join(" | ")} |`);
} else {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SECTIONS);
  for (const name of names) {
    const section = SECTIONS[name];
    if (section === undefined) throw new Error(`expected ${Object.keys(SECTIONS).join(", ")}, got "${name}"`);
    console.log(`\n${name}: ${section.title}\n\n| ${section.head.join(" | ")} |\n|${" --- |".repeat(section.head.length)}`);
    for (const i of section.rows.keys()) {
      const { stdout, status } = spawnSync(process.execPath, [process.argv[1], name, String(i)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      process.stdout.write(stdout);
      if (status !== 0) process.exitCode = 1;
    }
  }
}
