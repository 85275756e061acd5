/**
 * Speed of the embedded engine on work like a training step's: decisions that share a prefix of 100 tokens, with 30 to 110 tokens
 * of their own and 10 more to come. Run with `npm run bench && node dist/bench/bench/embedded.js`, on a machine that
 * does nothing else: threads that wait for each other slow down out of proportion. MODEL (small or default), THREADS, COUNTS, REPEATS
 * in the environment change the setup. Best of the repeats, because everything else in a time is other programs.
 */
import { createEmbeddedEngine } from "../src/engines/embedded/engine.ts";
import { defaultModel, type ModelConfig } from "../src/engines/embedded/model.ts";
import { parameterCount } from "../src/engines/embedded/parameters.ts";
import type { Prompt } from "../src/engines/engine.ts";
import { foldIn, seedKey, uniformInteger } from "../src/random.ts";

const VOCABULARY = 640;
const PREFIX = 100;
const COMPLETION = 10;
const REPEATS = Number(process.env.REPEATS ?? 5);
const THREADS = Number(process.env.THREADS ?? 2);

const tokens = (name: string, length: number) =>
  Array.from({ length }, (_, i) => uniformInteger(foldIn(seedKey(1), name), VOCABULARY, i));
const shared = tokens("prefix", PREFIX);
const promptOf = (name: string, length: number): Prompt => ({ tokens: [...shared, ...tokens(name, length)], shared: PREFIX });

interface Timing {
  readonly first: number;
  readonly best: number;
  /** Of all threads. */
  readonly processor: number;
}

/** Fewest milliseconds of a few runs, after one that compiles. */
async function timed(work: () => Promise<unknown>): Promise<Timing> {
  const times: number[] = [];
  const processor: number[] = [];
  for (let i = 0; i <= REPEATS; i++) {
    const start = performance.now();
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    times.push(performance.now() - start);
    processor.push((user + system) / 1000);
  }
  return { first: times[0], best: Math.min(...times.slice(1)), processor: Math.min(...processor.slice(1)) };
}

const milliseconds = (value: number) => `${value.toFixed(0).padStart(6)} ms`;

function report(name: string, { first, best, processor }: Timing, counts: Readonly<Record<string, number>>): void {
  const rates = Object.entries(counts).map(([unit, n]) => `${Math.round((n / best) * 1000).toLocaleString("en")} ${unit}/s`);
  console.log(
    `${name.padEnd(12)} ${milliseconds(best)}  processor ${milliseconds(processor)}  first ${milliseconds(first)}  ${rates.join(", ")}`,
  );
}

/** The model of recipes/small, and the default one. */
const MODELS: Readonly<Record<string, ModelConfig>> = {
  small: { ...defaultModel(VOCABULARY), width: 64, layers: 2, heads: 2, keyValueHeads: 1, feedForward: 176 },
  default: defaultModel(VOCABULARY),
};
const model = MODELS[process.env.MODEL ?? "default"];
const engine = createEmbeddedEngine({ model, key: seedKey(1), threads: THREADS });
console.log(`${parameterCount(model).toLocaleString("en")} parameters, ${THREADS} threads, Node ${process.version}`);

for (const count of (process.env.COUNTS ?? "128,450").split(",").map(Number)) {
  const prompts = Array.from({ length: count }, (_, i) => promptOf(`p${i}`, 30 + ((i * 37) % 81)));
  const own = prompts.reduce((total, prompt) => total + prompt.tokens.length - PREFIX, 0);
  const requests = prompts.map((prompt, i) => ({ prompt, key: foldIn(seedKey(2), i) }));
  const settings = { temperature: 1, maxTokens: COMPLETION, stop: [] };
  report(`sample ${count}`, await timed(() => engine.sample(requests, settings)), { "new tokens": count * COMPLETION });

  const completions = prompts.map((_, i) => tokens(`c${i}`, COMPLETION));
  const suffixes = own + count * COMPLETION;
  const scored = prompts.map((prompt, i) => ({ prompt, continuation: completions[i] }));
  report(`score ${count}`, await timed(() => engine.score(scored, 1)), { "suffix tokens": suffixes });

  const examples = prompts.map((prompt, i) => ({
    prompt,
    completion: completions[i],
    logprobs: completions[i].map(() => -6.5),
    advantages: completions[i].map(() => (i % 2) - 0.5),
  }));
  const train = async () => {
    await engine.accumulate({ kind: "ppo", examples, clip: 0.2, temperature: 1 });
    await engine.step({ learningRate: 1e-4, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, gradientClip: 1 });
  };
  report(`train ${count}`, await timed(train), { "suffix tokens": suffixes, "with prefix once": suffixes + PREFIX });
}
console.log(`resident memory ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`);
await engine.release();
