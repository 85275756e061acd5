/**
 * The embedded engine against PyTorch on the same weights, batches and threads, in alternation, as ratios of medians. Losses and
 * gradients must agree to 1e-4 before anything is timed. Run on a machine that does nothing else:
 *
 *     npm run bench && node dist/bench/bench/pytorch.js reference/.venv/bin/python [repeats]
 *
 * `reference/README.md` makes that Python. MODEL (2m, grouped, default) and THREADS in the environment change the setup; COMPILE=0
 * leaves torch.compile out.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createEmbeddedEngine } from "../src/engines/embedded/engine.ts";
import { defaultModel, type ModelConfig } from "../src/engines/embedded/model.ts";
import { parameterCount, parametersOf } from "../src/engines/embedded/parameters.ts";
import type { Loss } from "../src/engines/engine.ts";
import { foldIn, normal, seedKey, uniformInteger } from "../src/random.ts";
import { ADAM, median, seconds } from "./timing.ts";

const python = process.argv[2];
if (python === undefined) throw new Error("expected the path of a python with torch as the first argument");
const repeats = Number(process.argv[3] ?? 9);
const threads = Number(process.env.THREADS ?? 2);

const MODELS: Readonly<Record<string, ModelConfig>> = {
  "2m": { ...defaultModel(2048), width: 192, layers: 4, heads: 6, keyValueHeads: 6, feedForward: 512 },
  grouped: { ...defaultModel(2048), width: 192, layers: 4, heads: 6, keyValueHeads: 2, feedForward: 512 },
  default: defaultModel(640),
};
const model = MODELS[process.env.MODEL ?? "2m"];
if (model === undefined) throw new Error(`MODEL: expected one of ${Object.keys(MODELS).join(", ")}`);

/**
 * 32 sequences of 256 tokens of which the last 128 carry loss, none shared; 128 prompts of 200 tokens that share 120; and 8 of these prompts
 * with 16 replies each, as in a group of GRPO.
 */
const ROWS = 32;
const LENGTH = 256;
const COUNT = 128;
const PROMPTS = 128;
const SHARED = 120;
const OWN = 80;
const NEW = 16;
const GROUP = 16;
const CLIP = 0.2;
const TOLERANCE = 1e-4;

const root = seedKey(1);
const tokens = (name: string, length: number) =>
  Array.from({ length }, (_, i) => uniformInteger(foldIn(root, name), model.vocabularySize, i));
const numbers = (name: string, mean: number, deviation: number) =>
  Array.from({ length: COUNT }, (_, i) => mean + deviation * normal(foldIn(root, name), i));

const rows = Array.from({ length: ROWS }, (_, r) => ({
  tokens: tokens(`row ${r}`, LENGTH + 1),
  weights: Array.from({ length: COUNT }, () => 1 / (ROWS * COUNT)),
  logprobs: numbers(`old ${r}`, -Math.log(model.vocabularySize), 0.1),
  advantages: numbers(`advantage ${r}`, 0, 1 / (ROWS * COUNT)),
}));
const examples = rows.map((row) => ({
  ...row,
  prompt: { tokens: row.tokens.slice(0, LENGTH + 1 - COUNT), shared: 0 },
  completion: row.tokens.slice(LENGTH + 1 - COUNT),
}));
const LOSSES: Readonly<Record<Loss["kind"], Loss>> = {
  cross_entropy: { kind: "cross_entropy", examples },
  ppo: { kind: "ppo", examples, clip: CLIP, temperature: 1 },
};
const prefix = tokens("prefix", SHARED);
const suffixes = Array.from({ length: PROMPTS }, (_, i) => tokens(`suffix ${i}`, OWN));
const requests = suffixes.map((own, i) => ({
  prompt: { tokens: [...prefix, ...own], shared: SHARED },
  key: foldIn(root, "sample", i),
}));

const engine = createEmbeddedEngine({ model, key: root, threads });
const folder = await mkdtemp(join(tmpdir(), "sepo-bench-"));
await engine.save(folder);
const list = (name: "tokens" | "weights" | "logprobs" | "advantages") => rows.map((row) => row[name]);
await writeFile(
  join(folder, "batch.json"),
  JSON.stringify({
    training: {
      tokens: list("tokens"),
      weights: list("weights"),
      logprobs: list("logprobs"),
      advantages: list("advantages"),
      first: LENGTH - COUNT,
      count: COUNT,
      clip: CLIP,
    },
    decoding: { prefix, suffixes, new: NEW, group: GROUP },
  }),
);

/** Asks the peer for one piece of work at a time. */
async function startPeer() {
  const script = fileURLToPath(new URL("../../../reference/pytorch-model.py", import.meta.url));
  const child = spawn(python, [script, folder, String(threads)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const line = await lines.next();
    if (line.done === true) throw new Error("the PyTorch process ended");
    return JSON.parse(line.value);
  };
  const about: { readonly torch: string; readonly threads: number } = await next();
  const ask = async (line: string): Promise<number> => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  return { about, ask, end: () => child.stdin.end() };
}

const peer = await startPeer();
console.log(
  `${parameterCount(model).toLocaleString("en")} parameters, ${threads} threads, Node ${process.version}, PyTorch ${peer.about.torch}`,
);

for (const [name, loss] of Object.entries(LOSSES)) {
  await engine.clearGradient();
  const ours = (await engine.accumulate(loss)).loss;
  const theirs = await peer.ask(`check ${name}`);
  const gradient = await engine.gradient();
  const reference: Record<string, readonly number[]> = JSON.parse(await readFile(join(folder, "gradient.json"), "utf8"));
  const pairs = parametersOf(model).flatMap((p) => reference[p.name].map((value, i) => [gradient[p.offset + i], value]));
  const error = Math.sqrt(pairs.reduce((sum, [a, b]) => sum + (a - b) ** 2, 0));
  const size = Math.sqrt(pairs.reduce((sum, [, b]) => sum + b * b, 0));
  const lossError = Math.abs(ours - theirs) / Math.abs(theirs);
  console.log(
    `${name}: loss ${ours.toFixed(6)}, relative difference ${lossError.toExponential(1)}; gradient ${(error / size).toExponential(1)}`,
  );
  if (!(error / size <= TOLERANCE) || !(lossError <= TOLERANCE))
    throw new Error(`${name}: the models do not agree to ${TOLERANCE}`);
}

const step = (loss: Loss) => async () => {
  await engine.accumulate(loss);
  await engine.step(ADAM);
};
const grouped = requests.map(({ key }, i) => ({ prompt: requests[Math.floor(i / GROUP)].prompt, key }));
const sample = (list: typeof requests) => () => engine.sample(list, { temperature: 1, maxTokens: NEW, stop: [] });
const modes = process.env.COMPILE === "0" ? ["eager"] : ["eager", "compile"];
const TASKS = [
  {
    name: "SFT step",
    units: ROWS * LENGTH,
    ours: step(LOSSES.cross_entropy),
    theirs: modes.map((m) => `step cross_entropy ${m}`),
  },
  { name: "GRPO step", units: ROWS * LENGTH, ours: step(LOSSES.ppo), theirs: modes.map((m) => `step ppo ${m}`) },
  { name: "decode", units: PROMPTS * NEW, ours: sample(requests), theirs: ["decode shared", "decode plain"] },
  { name: "decode groups", units: PROMPTS * NEW, ours: sample(grouped), theirs: ["decode groups"] },
];
for (const { name, units, ours, theirs } of TASKS) {
  const first = await seconds(ours);
  const firsts: number[] = [];
  for (const line of theirs) firsts.push(await peer.ask(line));
  const times: number[] = [];
  const others = theirs.map((): number[] => []);
  for (let i = 0; i < repeats; i++) {
    times.push(await seconds(ours));
    for (const [t, line] of theirs.entries()) others[t].push(await peer.ask(line));
  }
  const own = median(times);
  const rate = (time: number) =>
    `${Math.round(units / time)
      .toLocaleString("en")
      .padStart(7)} tokens/s`;
  console.log(`${name.padEnd(10)} sepo ${" ".repeat(23)}${rate(own)}   first ${first.toFixed(1)} s`);
  for (const [t, line] of theirs.entries()) {
    const other = median(others[t]);
    const ratios = times.map((time, i) => others[t][i] / time);
    console.log(
      `${" ".repeat(11)}PyTorch ${line.padEnd(20)}${rate(other)}   first ${firsts[t].toFixed(1)} s   sepo is ${median(ratios).toFixed(2)} times as fast` +
        ` (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
    );
  }
  if (name === "SFT step") await reportShare(own);
}

/** A training step multiplies matrices about three times as much as the pass forward: 2 operations a weight and token. */
async function reportShare(time: number): Promise<void> {
  const { width, layers, heads, keyValueHeads, headWidth, feedForward, vocabularySize } = model;
  const attention = 2 * heads * headWidth * (LENGTH / 2) * 2;
  const perLayer = 2 * width * ((heads * 2 + keyValueHeads * 2) * headWidth + 3 * feedForward) + attention;
  const lastForAll = 2 * width * keyValueHeads * 2 * headWidth;
  const chosen = perLayer - lastForAll + 2 * width * vocabularySize;
  const forward = ROWS * (LENGTH * ((layers - 1) * perLayer + lastForAll) + COUNT * chosen);
  const rate = await peer.ask("matmul 1024");
  console.log(
    `${" ".repeat(11)}${((3 * forward) / time / 1e9).toFixed(0)} GFLOP/s needed by the mathematics, ${((100 * 3 * forward) / time / rate).toFixed(0)}% of` +
      ` PyTorch's rate on 1024 x 1024 matrices (${(rate / 1e9).toFixed(0)} GFLOP/s)`,
  );
}

const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
const peak = process.resourceUsage().maxRSS * 1024;
console.log(`peak memory: sepo ${megabytes(peak)}, PyTorch ${megabytes(await peer.ask("memory"))}`);
peer.end();
await engine.release();
await rm(folder, { recursive: true });
