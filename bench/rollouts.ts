/**
 * What a slow server costs a SEPO step, by how episodes wait for each other: a server on the loopback whose replies take lognormal
 * times and whose optimizer steps take two seconds, and the same seed in every row. Times are mostly the server's, so they say how waits add
 * up and not how fast anything computes.
 *
 *     npm run bench && node dist/bench/bench/rollouts.js [steps]
 */
import type { Engine } from "../src/engines/engine.ts";
import { createTinkerEngine } from "../src/engines/tinker/engine.ts";
import { TinkerServer } from "../src/engines/tinker/testing/server.ts";
import { OBJECTIVE_POOLS, rosterOf } from "../src/opponents/index.ts";
import { tableEncoding, tableVocabulary } from "../src/play/encoding.ts";
import { foldIn, normal, seedKey } from "../src/random.ts";
import { parseConfig } from "../src/runs/config.ts";
import type { Metrics } from "../src/training/metrics.ts";
import { sepo } from "../src/training/sepo.ts";
import type { StreamSettings } from "../src/training/stream.ts";
import { mean } from "../src/stats/estimate.ts";

const steps = Number(process.argv[2] ?? 6);
/** Milliseconds: median of a reply, deviation of its logarithm, and an optimizer step. */
const REPLY = 300;
const SPREAD = 1;
const TRAINING = 2000;
const GROUP = 8;

const root = seedKey(0);
const roster = rosterOf("ipd");
const vocabulary = tableVocabulary([roster.game]);
const encoding = tableEncoding(vocabulary);

interface Way extends StreamSettings {
  readonly name: string;
  readonly together: boolean;
}
const WAYS: readonly Way[] = [
  { name: "all episodes wait for each other's replies", together: true, maxStepsOffPolicy: 0, stragglerSeconds: 0 },
  { name: "each episode by itself", together: false, maxStepsOffPolicy: 0, stragglerSeconds: 0 },
  { name: "and at most 1 s for the slower half", together: false, maxStepsOffPolicy: 0, stragglerSeconds: 1 },
  { name: "the same, and late groups join the next step", together: false, maxStepsOffPolicy: 1, stragglerSeconds: 1 },
  { name: "one step ahead, waiting for all", together: false, maxStepsOffPolicy: 1, stragglerSeconds: 0 },
  { name: "one step ahead, and at most 1 s for the slower half", together: false, maxStepsOffPolicy: 2, stragglerSeconds: 1 },
];

async function run({ together, maxStepsOffPolicy, stragglerSeconds }: Way) {
  const server = await TinkerServer.start({
    kind: "tinker",
    vocabularySize: encoding.vocabularySize,
    fault(operation, count) {
      if (operation === "optim_step") return { late: TRAINING };
      if (operation === "forward_backward") return { late: REPLY }; // also scores replies that cannot be read
      return operation === "asample" ? { late: REPLY * Math.exp(SPREAD * normal(foldIn(root, "reply"), count)) } : undefined;
    },
  });
  const engine = await createTinkerEngine({
    profile: "tinker",
    baseUrl: server.baseUrl,
    apiKey: "tml-bench",
    baseModel: "bigram",
    rank: 4,
    vocabularySize: encoding.vocabularySize,
    contextLength: 64,
    key: root,
  });
  const config = parseConfig({
    sepo: {
      steps,
      scenarios: 2,
      groupSize: GROUP,
      beta: 0,
      learningRate: 0.01,
      maxStepsOffPolicy,
      stragglerSeconds,
      checkpointEvery: steps,
    },
  });
  const sampling = { temperature: 1, maxTokens: 1, stop: encoding.stop };
  // Players of one batch wait for each other's replies.
  const learner = together ? batching(engine) : engine;
  const all: Metrics[] = [];
  const seconds: number[] = [];
  let began = performance.now();
  for await (const { metrics } of sepo({ engine: learner, encoding, sampling, rosters: [roster] }, config.sepo, root)) {
    all.push(metrics);
    seconds.push((performance.now() - began) / 1000);
    began = performance.now();
  }
  await engine.release();
  await server.stop();
  const total = (name: string) => all.reduce((sum, metrics) => sum + metrics[name], 0);
  // The first step has nothing ahead of it.
  return {
    seconds: mean(seconds.slice(1)),
    stale: mean(all.slice(1).map((metrics) => metrics["staleness/mean"])),
    late: total("groups/late"),
    dropped: total("groups/dropped"),
  };
}

/** The same engine, asked by all episodes together. */
const batching = (engine: Engine): Engine =>
  new Proxy(engine, {
    get(target, name) {
      const value: unknown = name === "independent" ? false : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

const episodes = 2 * GROUP * OBJECTIVE_POOLS.reduce((sum, pool) => sum + roster.pools[pool].length, 0);
console.log(`${episodes} episodes of 8 replies a step; ${steps} steps, the first not counted`);
let reference: number | undefined;
for (const way of WAYS) {
  const { seconds, stale, late, dropped } = await run(way);
  reference ??= seconds;
  console.log(
    `${way.name}: ${seconds.toFixed(1)} s a step, ${(reference / seconds).toFixed(2)} times as fast; staleness ${stale.toFixed(2)}, ${late} groups late, ${dropped} dropped of ${(steps * episodes) / GROUP}`,
  );
}
