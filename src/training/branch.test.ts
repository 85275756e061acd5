import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { branchRun, sharedPart } from "../runs/branch.ts";
import { type RunConfig, parseConfig } from "../runs/config.ts";
import { openGames } from "../runs/games.ts";
import { train } from "./run.ts";

const tabular = {
  seed: 3,
  games: ["ipd", "kuhn"],
  engine: { kind: "tabular" },
  base: { examples: 300, learningRate: 0.05 },
  sft: { examples: 300, learningRate: 0.05 },
  sepo: { steps: 3, groupSize: 2, checkpointEvery: 2 },
  evaluation: { episodes: 6 },
};
const embedded = {
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
  sepo: { steps: 2, groupSize: 2, reference: "base", beta: 0.1 },
  evaluation: { episodes: 2 },
  sampler: { maxTokens: 12 },
};

/** Everything a run leaves behind but its clock, as text by path, without the name of its folder. */
async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "timing.jsonl") continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length)] = (await readFile(path)).toString("latin1").replaceAll(folder, "");
  }
  return found;
}

describe("a run that begins where another's SFT ends", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sepo-branch-"));
  });
  afterAll(() => rm(root, { recursive: true }));

  const branch = async (source: string, folder: string, config: RunConfig): Promise<void> =>
    branchRun(source, folder, config, await openGames(config, root));

  for (const [name, shared, other] of [
    ["another credit", tabular, { ...tabular, sepo: { ...tabular.sepo, credit: "payoff" } }],
    ["other weights", tabular, { ...tabular, games: { ipd: {}, kuhn: { weights: { exploitability: 2 } } } }],
    ["another evaluation", tabular, { ...tabular, evaluation: { episodes: 4 } }],
    ["a language model", embedded, { ...embedded, sepo: { ...embedded.sepo, credit: "payoff" } }],
  ] as const)
    test(`${name}: has the bytes of one trained alone`, { timeout: 120_000 }, async () => {
      const [source, branched, alone] = ["source", "branched", "alone"].map((each) => join(root, `${name} ${each}`));
      await train(parseConfig(shared), source, { until: "sft" });
      const config = parseConfig(other);
      await branch(source, branched, config);
      await train(config, branched, { resume: true });
      await train(config, alone);
      const [a, b] = [await contents(alone), await contents(branched)];
      expect(Object.keys(b).toSorted()).toEqual(Object.keys(a).toSorted());
      for (const path of Object.keys(a)) expect({ path, text: b[path] }).toEqual({ path, text: a[path] });
    });

  test("is refused where base or SFT would differ, and where the source is not that far", async () => {
    const source = join(root, "base only");
    await train(parseConfig(tabular), source, { until: "base" });
    for (const set of [{ seed: 4 }, { sft: { examples: 200 } }, { protocol: "paper" }, { games: ["kuhn"] }])
      await expect(branch(source, join(root, "never"), parseConfig({ ...tabular, ...set }))).rejects.toThrow(/are not those/);
    await expect(branch(source, join(root, "never"), parseConfig(tabular))).rejects.toThrow(/checkpoints.sft/);
    expect(await readdir(root)).not.toContain("never");
  });

  test("the shared part knows the order of games and what only changes speed", () => {
    const part = (set: object) => sharedPart(parseConfig({ ...embedded, ...set }));
    expect(part({ games: ["kuhn", "ipd"] })).not.toBe(part({ games: ["ipd", "kuhn"] }));
    expect(part({ engine: { ...embedded.engine, threads: 1 } })).toBe(part({}));
    expect(part({ engine: { ...embedded.engine, width: 64 } })).not.toBe(part({}));
  });
});
