/** What a run's folder says is what was done: continued, copied, damaged, extended and contested runs. */
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { jsonText, sha256 } from "../files.ts";
import { openAgent } from "../runs/agent.ts";
import { ConfigError, parseConfig } from "../runs/config.ts";
import { lockFolder } from "../runs/lock.ts";
import { readIdentity, readRunConfig, readMetrics, readReports, readRun, readTiming } from "../runs/read.ts";
import type { RunEvent } from "../runs/stages.ts";
import { train } from "./run.ts";

const config = parseConfig({
  games: ["ipd"],
  engine: { kind: "tabular" },
  base: { examples: 200 },
  sft: { examples: 400, learningRate: 0.1 },
  sepo: { steps: 6, groupSize: 3, checkpointEvery: 2, transcriptsEvery: 2, learningRate: 0.1 },
  evaluation: { episodes: 10, positions: 4 },
});
const longer = parseConfig({ ...config, sepo: { ...config.sepo, steps: 9 } });

describe("runs that are continued", () => {
  let root = "";
  let count = 0;
  /** A copy of the finished run, which each test may spoil. */
  let run = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sepo-trust-"));
    await train(config, join(root, "whole"));
  });
  afterAll(() => rm(root, { recursive: true }));
  beforeEach(async () => {
    run = join(root, `copy-${count++}`);
    await cp(join(root, "whole"), run, { recursive: true });
  });

  /** J of each stage, as the reports on disk tell. */
  const values = async (folder: string) =>
    (await readReports(folder)).map(({ report }) => report.games[0].objective.safetyIndex.value);
  const resume = async (what = config) => {
    const warnings: string[] = [];
    const onEvent = (event: RunEvent) => void (event.kind === "warning" && warnings.push(event.text));
    await train(what, run, { resume: true, onEvent });
    return warnings;
  };

  test("measure each stage from its own checkpoint when its report is missing", async () => {
    const before = await values(run);
    expect(new Set(before).size).toBe(3);
    await rm(join(run, "evaluation"), { recursive: true });
    await resume();
    expect(await values(run)).toEqual(before);
  });

  test("measure again what was measured with other settings or another checkpoint", async () => {
    await resume(parseConfig({ ...config, evaluation: { episodes: 12, positions: 4 } }));
    const reports = await readReports(run);
    expect(reports.map(({ report }) => report.games[0].episodesPerOpponent)).toEqual([12, 12, 12]);
    // The report of sft in the place of sepo's.
    await cp(join(run, "evaluation", "sft.json"), join(run, "evaluation", "sepo.json"));
    expect((await readRun(run)).reports.map(({ current }) => current)).toEqual([true, true, false]);
    await resume(parseConfig({ ...config, evaluation: { episodes: 12, positions: 4 } }));
    expect((await readRun(run)).reports.map(({ current }) => current)).toEqual([true, true, true]);
  });

  test("go on as long as asked, write the change down, and measure the new weights", async () => {
    const before = await values(run);
    await resume(longer);
    expect((await readIdentity(run)).changes).toMatchObject([{ stage: "sepo", step: 6, set: ["sepo.steps=9"] }]);
    expect((await readMetrics(run)).filter(({ stage }) => stage === "sepo")).toHaveLength(9);
    const after = await values(run);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).not.toBe(before[2]);
    expect((await readRun(run)).config.sepo.steps).toBe(9);
  });

  test("refuse a change that would make what was done untrue", async () => {
    const other = parseConfig({ ...config, seed: 4, sft: { ...config.sft, examples: 100 } });
    const refused = train(other, run, { resume: true });
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(/keeps seed, sft\.examples: seed is 0, sft\.examples is 400/);
  });

  test("leave out a damaged newest checkpoint, say so, and end with the same bytes", async () => {
    const weights = await readFile(join(run, "checkpoints", "sepo", "tabular.json"), "utf8");
    await truncate(join(run, "checkpoints", "sepo", "tabular.json"), 10);
    const warnings = await resume();
    expect(warnings.join()).toMatch(/left out: .*sepo.tabular\.json: expected \d+ bytes, found 10: the file was shortened/);
    expect(await readFile(join(run, "checkpoints", "sepo", "tabular.json"), "utf8")).toBe(weights);
    const steps = (await readTiming(run)).map(({ stage, step }) => `${stage} ${step}`);
    expect(new Set(steps).size).toBe(steps.length);
  });

  test("name a checkpoint whose content was changed without changing its size", async () => {
    const path = join(run, "checkpoints", "sepo", "tabular.json");
    const text = await readFile(path, "utf8");
    await writeFile(
      path,
      text.replace(/0\.(\d)/, (_, digit: string) => `0.${(Number(digit) + 1) % 10}`),
    );
    await expect(openAgent(join(run, "checkpoints", "sepo"))).rejects.toThrow(/tabular\.json: the file was changed/);
  });

  test.each([
    ["shortened", (text: string) => text.slice(0, 200), /metrics\.jsonl: expected \d+ bytes or more.*it was shortened/],
    ["edited", (text: string) => text.replace(/\d/, "7").replace("base", "bass"), /metrics\.jsonl: .*it was changed/],
    ["emptied", () => "", /metrics\.jsonl: expected \d+ bytes or more.*found 0/],
  ])("refuse a log that was %s", async (_, change, message) => {
    const path = join(run, "metrics.jsonl");
    await writeFile(path, change(await readFile(path, "utf8")));
    await expect(train(config, run, { resume: true })).rejects.toThrow(message);
  });

  test.each([
    ["edited", (text: string) => text.replace('"seed": 0', '"seed": 1'), /config\.json: .*it was edited/],
    ["edited where a change is allowed", (text: string) => text.replace('"steps": 6', '"steps": 9'), /it was edited/],
  ])("refuse a configuration that was %s", async (_, change, message) => {
    const path = join(run, "config.json");
    const text = await readFile(path, "utf8");
    expect(change(text)).not.toBe(text);
    await writeFile(path, change(text));
    await expect(resume()).rejects.toThrow(message);
    // Its form does not matter.
    await writeFile(path, `\uFEFF${text.replaceAll("\n", "\r\n")}`);
    await resume();
  });

  test("refuse the checkpoint of another run", async () => {
    const other = join(root, `other-${count}`);
    await train(parseConfig({ ...config, seed: 9 }), other);
    await cp(join(other, "checkpoints", "sft"), join(run, "checkpoints", "sft"), { recursive: true, force: true });
    await expect(train(config, run, { resume: true })).rejects.toThrow(/sft: the checkpoint belongs to another run/);
  });

  test("mend a checkpoint that a kill left between its old and new place", async () => {
    await rename(join(run, "checkpoints", "sepo"), join(run, "checkpoints", ".old-sepo"));
    await cp(join(run, "checkpoints", "sft"), join(run, "checkpoints", ".partial-sepo"), { recursive: true });
    await resume();
    expect((await readdir(join(run, "checkpoints"))).filter((name) => name.startsWith("."))).toEqual([]);
    expect((await readRun(run)).reports.every(({ current }) => current)).toBe(true);
  });

  test("clear away whatever kills left, and end with the same bytes", async () => {
    const content = async () => {
      const entries = await readdir(run, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && entry.name !== "timing.jsonl");
      const paths = files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
      return Promise.all(paths.map(async (path) => `${path} ${await readFile(path, "utf8")}`));
    };
    const before = await content();
    // Files that were being written, and a checkpoint of a stage that is done since.
    for (const name of ["run.json", "evaluation/sft.json", "transcripts/sepo-0002.jsonl"])
      await writeFile(join(run, `${name}.0a1b2c3d.partial`), "{");
    await cp(join(run, "checkpoints", "sft"), join(run, "checkpoints", "sft-0002"), { recursive: true });
    await resume();
    expect(await content()).toEqual(before);
  });

  test("forget a change that was written down and never made", async () => {
    const path = join(run, "run.json");
    const identity = await readIdentity(run);
    const set = { stage: "sepo", step: 6, set: ["sepo.steps=9"] };
    const stored = { ...(await readRunConfig(run)), sepo: longer.sepo };
    const change = { ...set, config: sha256(jsonText(stored)) };
    await writeFile(path, JSON.stringify({ ...identity, changes: [change] }));
    await resume();
    expect((await readIdentity(run)).changes).toEqual([]);
    // Made, it is kept, and written down once.
    await writeFile(path, JSON.stringify({ ...identity, changes: [change] }));
    await resume(longer);
    expect((await readIdentity(run)).changes).toEqual([change]);
    await resume(longer);
    expect((await readIdentity(run)).changes).toEqual([change]);
  });

  test("say so when all of a tiny dataset is held back", async () => {
    const folder = join(root, `tiny-${count}`);
    const tiny = parseConfig({ ...config, base: { examples: 5 } });
    await expect(train(tiny, folder)).rejects.toThrow(/base\.examples: all \d+ examples are of episodes held back/);
    await expect(train(tiny, folder)).rejects.toThrow(ConfigError);
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
  });

  test("do not begin with other weights than those they were to begin with", async () => {
    const identity = await readIdentity(run);
    await writeFile(join(run, "run.json"), JSON.stringify({ ...identity, from: "0".repeat(64) }));
    await rm(join(run, "checkpoints"), { recursive: true });
    await expect(resume()).rejects.toThrow(/was stopped before it had the weights.*--from/);
  });

  test("can be begun again after a start that left no configuration", async () => {
    const folder = join(root, `begun-${count}`);
    await mkdir(join(folder, "modules", "1"), { recursive: true });
    await expect(train(config, folder)).rejects.toThrow(/begun.* has a folder called modules of its own/);
    await writeFile(join(folder, "run.json"), "{}");
    await writeFile(join(folder, "modules", "1", "left.js"), "");
    await writeFile(join(folder, "config.json.0a1b2c3d.partial"), "{");
    await train(config, folder);
    expect((await readdir(folder)).toSorted()).toEqual((await readdir(run)).toSorted());
  });

  test("in use are named as that, not as there", async () => {
    const lock = await lockFolder(run);
    await expect(train(config, run)).rejects.toThrow(`in use by process ${process.pid} `);
    await lock.release();
  });

  test("mean the same in another place", async () => {
    const elsewhere = join(root, `moved-${count}`);
    await rename(run, elsewhere);
    expect((await readRun(elsewhere)).reports).toHaveLength(3);
    const agent = await openAgent(elsewhere);
    expect(agent.checkpoint.folder).toBe(join(elsewhere, "checkpoints", "sepo"));
    run = elsewhere;
    await resume();
  });

  test("are not begun where another run left anything", async () => {
    await rm(join(run, "checkpoints"), { recursive: true });
    await expect(train(parseConfig({ ...config, seed: 7 }), run)).rejects.toThrow(/already holds a run \(.*evaluation/);
  });

  test("let one process in", async () => {
    const folder = join(root, `contested-${count}`);
    const results = await Promise.allSettled([train(config, folder), train(parseConfig({ ...config, seed: 2 }), folder)]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const { config: kept, reports } = await readRun(folder);
    expect(reports.map(({ provenance }) => provenance.seed)).toEqual([kept.seed, kept.seed, kept.seed]);
    const steps = (await readMetrics(folder)).map(({ stage, step }) => `${stage} ${step}`);
    expect(new Set(steps).size).toBe(steps.length);
  });

  test("can begin with the weights of another, which is recorded", async () => {
    const folder = join(root, `warm-${count}`);
    const still = parseConfig({ ...config, base: { epochs: 0 }, sft: { epochs: 0 }, sepo: { ...config.sepo, steps: 0 } });
    await train(still, folder, { from: run });
    expect((await readIdentity(folder)).from).toBe((await openAgent(run)).checkpoint.sha256);
    // Nothing was trained, so the first stage of the new run plays as the last of the old one.
    expect((await values(folder))[0]).toBe((await values(run))[2]);
  });

  test("stop when anything is not a number, without saving it", async () => {
    const folder = join(root, `nan-${count}`);
    const wild = parseConfig({ ...config, base: { examples: 200, learningRate: 1e300, gradientClip: 0 } });
    await expect(train(wild, folder)).rejects.toThrow(/tabular: .* (NaN|Infinity|-Infinity)/);
    expect(await readdir(join(folder, "checkpoints"))).toEqual([]);
  });
});
