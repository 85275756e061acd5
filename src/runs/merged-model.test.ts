import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedEngine, importEmbeddedEngine } from "../engines/embedded/engine.ts";
import { EngineError } from "../engines/engine.ts";
import { FileError } from "../files.ts";
import { loadTokenizer } from "../text/tokenizer-files.ts";
import { createAgent, saveAgent } from "./agent.ts";
import { parseConfig } from "./config.ts";
import { openGames } from "./games.ts";
import { writeMerged } from "./merged-model.ts";

const SHAPE = { width: 16, layers: 1, heads: 2, keyValueHeads: 1, headWidth: 8, feedForward: 24, vocabularySize: 320 };
const ADAM = { learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 1 };
const corpus = () => ["My value is 2.", "LOW"];

/** An agent of a configuration of the prisoner's dilemma, saved; what it was saved from is returned. */
async function saved(folder: string, engine: object): Promise<EmbeddedEngine> {
  const config = parseConfig({ games: ["ipd"], engine: { kind: "embedded", threads: 1, ...engine } });
  const agent = await createAgent(config, await openGames(config, process.cwd()), corpus);
  if (!(agent.engine instanceof EmbeddedEngine)) throw new TypeError("expected an embedded engine");
  const completion = [5, 6, 7];
  const loss = { kind: "cross_entropy", examples: [{ ...REQUEST, completion, weights: [1, 1, 1] }] } as const;
  await agent.engine.accumulate(loss);
  await agent.engine.step(ADAM);
  await saveAgent(agent, folder);
  return agent.engine;
}
const REQUEST = { prompt: { tokens: [1, 2, 3, 4], shared: 0 }, continuation: [5, 9, 7] };

describe("a merged model", () => {
  let root = "";
  let scores: readonly (readonly number[])[] = [];
  const path = (name: string) => join(root, name);
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sepo-merged-"));
    await (await saved(path("model"), SHAPE)).release();
    const adapted = await saved(path("adapted"), { from: path("model"), lora: { rank: 2 } });
    scores = await adapted.score([REQUEST], 1);
    await adapted.release();
  });
  afterAll(() => rm(root, { recursive: true }));

  test.each([
    ["of a checkpoint", { model: "adapted" }],
    ["of a model and a folder of adapters", { model: "model", adapter: "adapted" }],
  ])(
    "%s says what the adapted one says, with its tokenizer",
    async (name, { model, adapter }: { model: string; adapter?: string }) => {
      const out = path(name);
      await writeMerged({ model: path(model), ...(adapter === undefined ? {} : { adapter: path(adapter) }) }, out);
      const merged = await importEmbeddedEngine(out, { threads: 1 });
      const [own] = await merged.score([REQUEST], 1);
      await merged.release();
      own.forEach((logprob, t) => expect(logprob).toBeCloseTo(scores[0][t], 4));
      expect(await loadTokenizer(out)).toEqual(await loadTokenizer(path("model")));
      expect(await readdir(root)).not.toContain(`.partial-${name}`);
    },
  );

  test("the adapters changed what the model says", async () => {
    const plain = await importEmbeddedEngine(path("model"), { threads: 1 });
    const [own] = await plain.score([REQUEST], 1);
    await plain.release();
    expect(Math.max(...own.map((logprob, t) => Math.abs(logprob - scores[0][t])))).toBeGreaterThan(0.01);
  });

  test("a folder that holds something is left alone, and what is no model is named", async () => {
    await mkdir(path("used"));
    await writeFile(path("used/notes.txt"), "mine");
    await expect(writeMerged({ model: path("adapted") }, path("used"))).rejects.toThrow(/used: holds notes.txt already/);
    await expect(writeMerged({ model: path("nowhere") }, path("new"))).rejects.toThrow(FileError);
    await expect(writeMerged({ model: path("model"), adapter: path("used") }, path("new"))).rejects.toThrow(EngineError);
    await expect(writeMerged({ model: path("adapted") }, path("used/notes.txt/deeper"))).rejects.toThrow(FileError);
    expect(await readdir(root)).not.toContain("new");
  });
});
