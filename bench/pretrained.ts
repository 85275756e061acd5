/**
 * A pretrained model in the embedded engine: prefill, decoding, one LoRA step, full steps; seconds, tokens a second, peak memory.
 *
 *     npx tsc --outDir dist/bench && node dist/bench/bench/pretrained.js FOLDER PART...
 *
 * FOLDER holds a Llama or Qwen3 model. Parts: prefill, single, decode:BATCH, lora:EXAMPLES, full:EXAMPLES. One part a process, where
 * its peak memory matters. Prompts have 200 tokens, of which the first 120 are shared; completions to learn from have 12.
 * `bench/pretrained_torch.py` does the same in PyTorch. THREADS (2), REPEATS (3) and RANK (16) in the environment change the setup.
 */
import { importEmbeddedEngine, type EmbeddedEngine } from "../src/engines/embedded/engine.ts";
import type { Prompt } from "../src/engines/engine.ts";
import { foldIn, seedKey, uniformInteger } from "../src/random.ts";
import { ADAM, median, seconds } from "./timing.ts";

const [folder, ...parts] = process.argv.slice(2);
const threads = Number(process.env.THREADS ?? 2);
const repeats = Number(process.env.REPEATS ?? 3);
const rank = Number(process.env.RANK ?? 16);
const PROMPT = 200;
const SHARED = 120;
const COMPLETION = 12;
const NEW = 16;
const key = seedKey(1);

const peak = () => `peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`;

function promptsOf({ model }: EmbeddedEngine, count: number, shared: number): readonly Prompt[] {
  const tokens = (name: string, length: number) =>
    Array.from({ length }, (_, i) => 100 + uniformInteger(foldIn(key, name), model.vocabularySize - 100, i));
  const prefix = tokens("prefix", shared);
  return Array.from({ length: count }, (_, i) => ({ tokens: [...prefix, ...tokens(`own ${i}`, PROMPT - shared)], shared }));
}

const processor = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The median time of a few runs after one that compiles, and the processor time of one, which other programs change less. */
async function timed(name: string, tokens: number, work: () => Promise<unknown>): Promise<number> {
  const first = await seconds(work);
  const times: number[] = [];
  const before = processor();
  for (let i = 0; i < repeats; i++) times.push(await seconds(work));
  const cpu = ((processor() - before) / repeats).toFixed(2);
  const middle = median(times);
  const all = times.map((x) => x.toFixed(2)).join(" ");
  const rate = `${(tokens / middle).toFixed(0)} tokens/s`;
  console.log(
    `${name.padEnd(32)} ${middle.toFixed(2)} s [${all}], processor ${cpu} s, first ${first.toFixed(1)} s, ${rate}, ${peak()}`,
  );
  return middle;
}

async function prefill(engine: EmbeddedEngine): Promise<void> {
  for (const shared of [0, SHARED]) {
    const requests = promptsOf(engine, 16, shared).map((prompt) => ({ prompt, continuation: [5] }));
    await timed(`prefill 16 x ${PROMPT}, ${shared} shared`, 16 * PROMPT, () => engine.score(requests, 1));
  }
}

async function decode(engine: EmbeddedEngine, batch: number, shared: number): Promise<void> {
  const requests = promptsOf(engine, batch, shared).map((prompt, i) => ({ prompt, key: foldIn(key, i) }));
  const times: number[] = [];
  for (const maxTokens of [1, 1 + NEW]) {
    const sample = () => engine.sample(requests, { temperature: 1, maxTokens, stop: [] });
    times.push(await timed(`sample ${batch} x ${maxTokens}, ${shared} shared`, batch * maxTokens, sample));
  }
  console.log(`decode at batch ${batch}: ${((batch * NEW) / (times[1] - times[0])).toFixed(1)} tokens/s`);
}

async function train(engine: EmbeddedEngine, count: number): Promise<void> {
  for (const shared of [0, SHARED]) {
    const examples = promptsOf(engine, count, shared).map((prompt, i) => ({
      prompt,
      completion: Array.from({ length: COMPLETION }, (_, t) => 100 + i + t),
      weights: Array.from({ length: COMPLETION }, () => 1 / (count * COMPLETION)),
    }));
    const work = async () => {
      await engine.accumulate({ kind: "cross_entropy", examples });
      await engine.step(ADAM);
    };
    await timed(`step of ${count} x ${PROMPT + COMPLETION}, ${shared} shared`, count * (PROMPT + COMPLETION), work);
  }
}

for (const part of parts) {
  const [name, size] = part.split(":");
  const lora = name === "lora" ? { lora: { rank, key } } : {};
  const start = performance.now();
  const engine = await importEmbeddedEngine(folder, { threads, ...lora });
  console.log(
    `${part}: loaded in ${((performance.now() - start) / 1000).toFixed(1)} s, ${threads} threads, Node ${process.version}`,
  );
  if (name === "prefill") await prefill(engine);
  else if (name === "single") await decode(engine, 1, 0);
  else if (name === "decode") await decode(engine, Number(size), SHARED);
  else if (name === "lora" || name === "full") await train(engine, Number(size));
  else throw new Error(`unknown part ${part}`);
  await engine.release();
}
