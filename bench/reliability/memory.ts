/** Resident memory along many steps. */
import { type Agent, createAgent, rostersOf } from "../../src/runs/agent.ts";
import { foldIn, seedKey } from "../../src/random.ts";
import { type RunConfig, parseConfig } from "../../src/runs/config.ts";
import { openGames } from "../../src/runs/games.ts";
import { corpus, tracesOf } from "../../src/training/run.ts";
import { sepo } from "../../src/training/sepo.ts";
import { supervised, supervisedExample } from "../../src/training/supervised.ts";
import { configOf } from "./configs.ts";
import type { Part } from "./part.ts";

/** Megabytes that resident memory may grow by per 1,000 steps once it is warm. */
const BOUND = 10;

interface Growth {
  /** Least-squares slope in MB per 1,000 steps, over the later part of the steps. */
  readonly slope: number;
  readonly first: number;
  readonly last: number;
}

/** Resident memory in MB after each of some steps, as many as wanted. */
async function growthOf(steps: AsyncIterable<unknown>, count: number, onStep: (step: number) => void): Promise<Growth> {
  // Compiled code, pools and caches fill within the first third.
  const warm = Math.floor(count / 3);
  const seen: { readonly step: number; readonly memory: number }[] = [];
  let step = 0;
  for await (const _ of steps) {
    if (++step >= warm) seen.push({ step, memory: process.memoryUsage.rss() / 2 ** 20 });
    onStep(step);
    if (step === count) break;
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middle, level] = [mean(seen.map((point) => point.step)), mean(seen.map((point) => point.memory))];
  const covariance = mean(seen.map((point) => (point.step - middle) * (point.memory - level)));
  const slope = (1000 * covariance) / mean(seen.map((point) => (point.step - middle) ** 2));
  return { slope, first: seen[0].memory, last: seen[seen.length - 1].memory };
}

async function open(config: RunConfig): Promise<Agent> {
  const games = await openGames(config, process.cwd());
  return createAgent(config, games, () => corpus(config, games));
}

async function tabularSepo(count: number, onStep: (step: number) => void): Promise<Growth> {
  const config = parseConfig(configOf("tabular"));
  const agent = await open(config);
  const settings = { ...config.sepo, steps: count, beta: 0 };
  const steps = sepo({ ...agent, rosters: rostersOf(agent) }, settings, seedKey(config.seed));
  const growth = await growthOf(steps, count, onStep);
  await agent.engine.release();
  return growth;
}

async function embeddedSupervised(count: number, onStep: (step: number) => void): Promise<Growth> {
  const config = parseConfig(configOf("embedded"));
  const agent = await open(config);
  const traces = await tracesOf(config, rostersOf(agent), "base");
  const examples = traces.map((trace) => supervisedExample(trace, agent.encoding));
  const settings = { ...config.base, epochs: ((count + 1) * config.base.batch) / examples.length };
  const growth = await growthOf(
    supervised(agent.engine, examples, settings, foldIn(seedKey(config.seed), "base", "order")),
    count,
    onStep,
  );
  await agent.engine.release();
  return growth;
}

const WORK = {
  "SEPO with the tabular engine": tabularSepo,
  "supervised steps of a small embedded model": embeddedSupervised,
} as const;

export const memory: Part = {
  name: "memory",
  claim: `Resident memory stays flat: it grows by less than ${BOUND} MB per 1,000 steps, measured after a third of the steps.`,
  async run({ size, onProgress }) {
    // Too few steps tell nothing of a slope; the short form sees that the measurement works.
    const count = size === "long" ? 2000 : 30;
    const facts: string[] = [];
    const failures: string[] = [];
    const work = Object.entries(WORK);
    for (const [i, [name, measure]] of work.entries()) {
      const growth = await measure(count, (step) => onProgress(i * count + step, work.length * count));
      const { slope, first, last } = growth;
      const text = `${name}, ${count} steps: from ${first.toFixed(0)} to ${last.toFixed(0)} MB, ${slope.toFixed(2)} MB per 1,000 steps`;
      facts.push(`${text}.`);
      if (size === "long" && slope > BOUND) failures.push(text);
    }
    return { facts, failures };
  },
};
