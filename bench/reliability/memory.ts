/** Memory along many steps. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Agent, createAgent, rostersOf } from "../../src/runs/agent.ts";
import { foldIn, seedKey } from "../../src/random.ts";
import { type RunConfig, parseConfig } from "../../src/runs/config.ts";
import { openGames } from "../../src/runs/games.ts";
import { corpus, tracesOf } from "../../src/training/run.ts";
import { sepo } from "../../src/training/sepo.ts";
import { supervised, supervisedExample } from "../../src/training/supervised.ts";
import { configOf } from "./configs.ts";
import type { Part } from "./part.ts";

/** Megabytes per 1,000 steps that memory may grow by once it is warm: of the process, and of objects still in use. */
const RESIDENT_BOUND = 10;
const HEAP_BOUND = 1;

/** Steps between readings, each after a collection of garbage: without it, both move by tens of megabytes as the collector sees fit. */
const EVERY = 10;

const collectGarbage = ((): (() => void) => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return () => void (typeof collect === "function" && collect());
})();

interface Reading {
  readonly step: number;
  /** In MB. */
  readonly resident: number;
  readonly heap: number;
}

/** Memory after some of the first `count` steps; the first third is left out, in which compiled code, pools and caches fill. */
async function readingsOf(steps: AsyncIterable<unknown>, count: number, onStep: (step: number) => void): Promise<Reading[]> {
  const readings: Reading[] = [];
  let step = 0;
  for await (const _ of steps) {
    if (++step >= count / 3 && step % EVERY === 0) {
      collectGarbage();
      const { rss, heapUsed } = process.memoryUsage();
      readings.push({ step, resident: rss / 2 ** 20, heap: heapUsed / 2 ** 20 });
    }
    onStep(step);
    if (step === count) break;
  }
  return readings;
}

/** Least-squares slope per 1,000 steps. */
function slopeOf(readings: readonly Reading[], kind: "resident" | "heap"): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = mean(readings.map(({ step }) => step));
  const level = mean(readings.map((reading) => reading[kind]));
  const covariance = mean(readings.map((reading) => (reading.step - middle) * (reading[kind] - level)));
  return (1000 * covariance) / mean(readings.map(({ step }) => (step - middle) ** 2));
}

async function open(config: RunConfig): Promise<Agent> {
  const games = await openGames(config, process.cwd());
  return createAgent(config, games, () => corpus(config, games));
}

async function tabularSepo(count: number, onStep: (step: number) => void): Promise<Reading[]> {
  const config = parseConfig(configOf("tabular"));
  const agent = await open(config);
  const settings = { ...config.sepo, steps: count, beta: 0 };
  // One signal for the whole run, as a command has.
  const { signal } = new AbortController();
  const steps = sepo({ ...agent, rosters: rostersOf(agent) }, settings, seedKey(config.seed), { signal });
  const readings = await readingsOf(steps, count, onStep);
  await agent.engine.release();
  return readings;
}

async function embeddedSupervised(count: number, onStep: (step: number) => void): Promise<Reading[]> {
  const config = parseConfig(configOf("embedded"));
  const agent = await open(config);
  const traces = await tracesOf(config, rostersOf(agent), "base");
  const examples = traces.map((trace) => supervisedExample(trace, agent.encoding));
  const settings = { ...config.base, epochs: ((count + 1) * config.base.batch) / examples.length };
  const readings = await readingsOf(
    supervised(agent.engine, examples, settings, foldIn(seedKey(config.seed), "base", "order")),
    count,
    onStep,
  );
  await agent.engine.release();
  return readings;
}

const WORK = {
  "SEPO with the tabular engine": tabularSepo,
  "supervised steps of a small embedded model": embeddedSupervised,
} as const;

/** A quantity along the readings, and whether it grew too much. */
function growthOf(readings: readonly Reading[], kind: "resident" | "heap", bound: number) {
  const slope = slopeOf(readings, kind);
  const [first, last] = [readings[0][kind], readings[readings.length - 1][kind]];
  const text = `from ${first.toFixed(1)} to ${last.toFixed(1)} MB (${slope.toFixed(2)} MB per 1,000 steps)`;
  return { text, excessive: slope > bound };
}

export const memory: Part = {
  name: "memory",
  claim:
    `Memory stays flat: per 1,000 steps, resident memory grows by less than ${RESIDENT_BOUND} MB and the heap in use by less than ` +
    `${HEAP_BOUND} MB, measured after collections of garbage and after a third of the steps.`,
  async run({ size, onProgress }) {
    // Few steps tell nothing of a slope; the short form sees that the measurement works.
    const count = size === "long" ? 2000 : 30;
    const facts: string[] = [];
    const failures: string[] = [];
    const work = Object.entries(WORK);
    for (const [i, [name, measure]] of work.entries()) {
      const readings = await measure(count, (step) => onProgress(i * count + step, work.length * count));
      const resident = growthOf(readings, "resident", RESIDENT_BOUND);
      const heap = growthOf(readings, "heap", HEAP_BOUND);
      facts.push(`${name}, ${count} steps: resident ${resident.text}, heap in use ${heap.text}.`);
      if (size === "long" && resident.excessive) failures.push(`${name}: resident memory grew ${resident.text}`);
      if (size === "long" && heap.excessive) failures.push(`${name}: the heap in use grew ${heap.text}`);
    }
    return { facts, failures };
  },
};
