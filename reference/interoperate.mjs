/**
 * Models go from this package to Hugging Face transformers and back with the same log-probabilities, within 1e-4 nats on 100 prompts:
 *
 *     npm run build && node reference/interoperate.mjs PYTHON [CHECKPOINT]
 *
 * PYTHON is the interpreter of README.md. A checkpoint of a run may be named; otherwise a random default model is exported.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEmbeddedEngine, importEmbeddedEngine, loadEmbeddedEngine } from "../dist/engines/embedded/engine.js";
import { defaultModel } from "../dist/engines/embedded/model.js";
import { foldIn, seedKey, uniformInteger } from "../dist/random.js";

const [python, checkpoint] = process.argv.slice(2);
if (python === undefined) {
  console.error("usage: interoperate.mjs PYTHON [CHECKPOINT]");
  process.exit(2);
}
const script = fileURLToPath(new URL("compare-transformers.py", import.meta.url));
const PROMPTS = 100;
const SHARED = 20;

function call(...words) {
  const { status } = spawnSync(python, [script, ...words], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}

/** Scores random texts of 21 to 160 tokens after the first ones, all of which share a prefix, and lets transformers score them too. */
async function compare(engine, folder, scores) {
  const tokens = (name, length) =>
    Array.from({ length }, (_, i) => uniformInteger(foldIn(seedKey(3), name), engine.model.vocabularySize, i));
  const shared = tokens("shared", SHARED);
  const requests = Array.from({ length: PROMPTS }, (_, i) => ({
    prompt: { tokens: [...shared, ...tokens(`own ${i}`, 1)], shared: SHARED },
    continuation: tokens(`continuation ${i}`, 20 + ((i * 37) % 120)),
  }));
  const logprobs = await engine.score(requests, 1);
  const listed = requests.map(({ prompt, continuation }, i) => ({
    prompt: prompt.tokens,
    continuation,
    logprobs: logprobs[i],
  }));
  await writeFile(scores, JSON.stringify({ temperature: 1, requests: listed }));
  await engine.release();
  call("check", folder, scores);
}

const folder = await mkdtemp(join(tmpdir(), "sepo-interoperate-"));
const scores = join(folder, "scores.json");
console.log("exported to transformers:");
const own = checkpoint ?? folder;
const engine =
  checkpoint === undefined
    ? createEmbeddedEngine({ model: defaultModel(640), key: seedKey(0) })
    : await loadEmbeddedEngine(checkpoint);
if (checkpoint === undefined) await engine.save(folder);
await compare(engine, own, scores);
console.log("imported from transformers:");
const theirs = join(folder, "theirs");
call("make", theirs);
await compare(await importEmbeddedEngine(theirs), theirs, scores);
await rm(folder, { recursive: true });
