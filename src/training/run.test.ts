import { cp, mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAgent } from "../runs/agent.ts";
import { parseConfig } from "../runs/config.ts";
import type { RunEvent } from "../runs/stages.ts";
import { train } from "./run.ts";

const tabular = parseConfig({
  seed: 3,
  engine: { kind: "tabular" },
  base: { examples: 300, learningRate: 0.05 },
  sft: { examples: 300, learningRate: 0.05 },
  sepo: {
    exploiter: { every: 2, keep: 2, samples: 4 },
    updates: 2,
    steps: 6,
    groupSize: 3,
    learningRate: 0.05,
    checkpointEvery: 2,
    transcriptsEvery: 3,
  },
  evaluation: { episodes: 10 },
});
const embedded = parseConfig({
  ...tabular,
  games: ["ipd"],
  engine: {
    kind: "embedded",
    vocabularySize: 400,
    width: 32,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    headWidth: 16,
    feedForward: 48,
  },
  base: { examples: 96, batch: 32 },
  sft: { examples: 96, batch: 32 },
  sepo: { steps: 3, groupSize: 2, checkpointEvery: 1 },
  evaluation: { episodes: 2 },
  sampler: { maxTokens: 12 },
});

/** Rollouts two steps ahead of the steps that learn from them. */
const offPolicy = parseConfig({
  ...tabular,
  sepo: { ...tabular.sepo, checkpointEvery: 4, maxStepsOffPolicy: 2, exploiter: { every: 3, keep: 2, samples: 4 } },
});

const embeddedOffPolicy = parseConfig({
  ...embedded,
  sepo: { ...embedded.sepo, checkpointEvery: 2, maxStepsOffPolicy: 1 },
});

/** Everything a run leaves behind but its clock, as text by path. */
async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "timing.jsonl") continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length)] = (await readFile(path)).toString("base64");
  }
  return found;
}

describe("runs", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sepo-run-"));
  });
  afterAll(() => rm(root, { recursive: true }));

  for (const [name, config, stops] of [
    ["tabular", tabular, ["base 3", "sft 2", "sepo 3", "sepo 6"]],
    ["embedded", embedded, ["sft 1", "sepo 2"]],
    ["off-policy", offPolicy, ["sepo 3", "sepo 6"]],
    ["embedded, off-policy", embeddedOffPolicy, ["sepo 2"]],
  ] as const)
    test(`${name}: killed and resumed, a run ends with the same bytes`, { timeout: 240_000 }, async () => {
      const whole = join(root, `${name}-whole`);
      await train(config, whole);
      const broken = join(root, `${name}-broken`);
      let resume = false;
      for (const stop of stops) {
        const onEvent = (event: RunEvent) => {
          if (event.kind === "step" && `${event.stage} ${event.step}` === stop) throw new Error("killed");
        };
        // The line of the step is on disk and its checkpoint is not: the worst moment to die.
        await expect(train(config, broken, { resume, onEvent })).rejects.toThrow("killed");
        resume = true;
      }
      await train(config, broken, { resume });
      const [a, b] = [await contents(whole), await contents(broken)];
      expect(Object.keys(b).toSorted()).toEqual(Object.keys(a).toSorted());
      const strip = (text: string) => Buffer.from(text, "base64").toString().replaceAll(whole, "").replaceAll(broken, "");
      for (const path of Object.keys(a)) expect({ path, text: strip(b[path]) }).toEqual({ path, text: strip(a[path]) });
    });

  test("a checkpoint plays without the optimizer's state, and is not trained without it", async () => {
    const folder = join(root, "without-optimizer");
    await cp(join(root, "embedded-whole", "checkpoints", "sepo"), folder, { recursive: true });
    await rm(join(folder, "optimizer.safetensors"));
    const agent = await openAgent(folder);
    await agent.engine.release();
    await expect(openAgent(folder, { training: true })).rejects.toThrow(/optimizer\.safetensors: .* it is not there/);
  });

  test("off-policy: staleness grows to its bound and starts again after a checkpoint", async () => {
    const text = await readFile(join(root, "off-policy-whole", "metrics.jsonl"), "utf8");
    const lines: Record<string, number | string>[] = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const sepo = lines.filter(({ stage }) => stage === "sepo");
    expect(sepo.map((line) => line["staleness/max"])).toEqual([0, 1, 2, 2, 0, 1]);
    // The table changed under the episodes that were played ahead.
    expect(Number(sepo[2]["logprob_gap/kl"])).toBeGreaterThan(1e-9);
    expect(Number(sepo[0]["logprob_gap/kl"])).toBeLessThan(1e-9);
  });

  test("an alarm is raised once where samples are far from the weights that learn", async () => {
    const warnings: string[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.kind === "warning") warnings.push(event.text);
    };
    const config = parseConfig({ ...offPolicy, sepo: { ...offPolicy.sepo, steps: 4, gapAlarm: 1e-9 } });
    await train(config, join(root, "alarm"), { onEvent });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/step 2: .* nats per token .*logprob_gap\/kl/);
  });

  test("a run is not overwritten, and damaged checkpoints are named", async () => {
    const folder = join(root, "tabular-whole");
    await expect(train(tabular, folder)).rejects.toThrow(/already holds a run/);
    const file = join(folder, "checkpoints", "sepo", "tabular.json");
    await truncate(file, 40);
    await expect(openAgent(join(folder, "checkpoints", "sepo"))).rejects.toThrow(
      /sepo.tabular\.json: .*found 40: the file was shortened/,
    );
    await writeFile(join(folder, "checkpoints", "sft", "sepo.json"), '{"kind":"other"}');
    await expect(openAgent(join(folder, "checkpoints", "sft"))).rejects.toThrow(/sft.sepo\.json/);
  });
});

describe("configuration", () => {
  test("names wrong keys and values", () => {
    expect(() => parseConfig({ sepo: { stepz: 3 } })).toThrow(/stepz/);
    expect(() => parseConfig({ games: ["chess"] })).toThrow(/games/);
    expect(() => parseConfig({ games: ["ipd", "ipd"] })).toThrow(/named once/);
  });
});
