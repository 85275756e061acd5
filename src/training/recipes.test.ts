/** Every configuration under recipes/ parses, and asks of a server only what its profile honours. */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { PROFILES, type ProfileName, refusals } from "../engines/tinker/profiles.ts";
import { rosterOf } from "../opponents/index.ts";
import { seedKey } from "../random.ts";
import { loadChat } from "../text/model-folder.ts";
import { type RunConfig, assign, parseConfig } from "../runs/config.ts";
import { trainingPlan } from "../runs/plan.ts";
import { expertTraces } from "./traces.ts";

const folder = fileURLToPath(new URL("../../recipes", import.meta.url));
const recipes = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".toml"))
  // Studies are files of another kind (src/study/study.test.ts).
  .filter((path) => !Object.hasOwn(parse(readFileSync(`${folder}/${path}`, "utf8")), "variants"))
  .toSorted();
const read = (path: string, changes: readonly string[] = []): RunConfig => {
  const content: Record<string, unknown> = parse(readFileSync(`${folder}/${path}`, "utf8"));
  for (const change of changes) assign(content, change);
  return parseConfig(content);
};
/** What a server of a profile refuses of a recipe. */
const refusalsOf = (path: string, profile: ProfileName, changes: readonly string[] = []): string[] =>
  refusals(PROFILES[profile], trainingPlan(read(path, [...changes, `engine.profile=${profile}`])));

test("there are recipes, and both large models have two", () => {
  expect(recipes.map((path) => path.replaceAll("\\", "/"))).toEqual(
    expect.arrayContaining([
      "gemma-4-e4b/config.toml",
      "gemma-4-e4b/paper.toml",
      "qwen3.5-4b/config.toml",
      "qwen3.5-4b/paper.toml",
    ]),
  );
});

describe.each(recipes)("%s", (path) => {
  test("parses, and names games that its engine can play", () => {
    const { engine, games, protocol } = read(path);
    for (const name of Object.keys(games)) {
      const { facts } = rosterOf(name, { protocol }).game;
      expect(engine.kind !== "tabular" || facts.enumerable).toBe(true);
    }
  });
});

describe.each(recipes.filter((path) => read(path).engine.kind === "tinker"))("%s", (path) => {
  const { engine, games, protocol, sampler } = read(path);
  if (engine.kind !== "tinker") throw new Error("not a recipe of the tinker engine");

  test("is not refused by the profile it names", () => {
    expect(refusalsOf(path, engine.profile)).toEqual([]);
  });

  test("is not refused by another with the changes that its README lists", () => {
    const trainer = ["gradientClip=1", "weightDecay=0.01", "beta1=0.9", "beta2=0.999"].flatMap((setting) =>
      ["sft", "sepo"].map((stage) => `${stage}.${setting}`),
    );
    expect(refusalsOf(path, "tinker")).toEqual([]);
    expect(refusalsOf(path, "skyrl-jax")).toEqual([]);
    expect(refusalsOf(path, "skyrl-train", ["sepo.beta=0", ...trainer])).toEqual([]);
    expect(refusalsOf(path, "skyrl-train")).not.toEqual([]);
    expect(refusalsOf(path, "open-rl")).toEqual([]);
  });

  test("leaves room for every prompt and its longest reply", async () => {
    // A tokenizer with 120 merges makes more tokens of a prompt than the model's own.
    const name = engine.baseModel.startsWith("Qwen") ? "qwen3.5" : "gemma4";
    const chat = await loadChat(fileURLToPath(new URL(`../text/golden/${name}`, import.meta.url)));
    for (const game of Object.keys(games)) {
      const roster = rosterOf(game, { protocol });
      const traces = await expertTraces(roster, seedKey(0), { examples: 100, actions: "experts" });
      for (const { messages } of traces)
        expect(chat.prompt(messages.slice(0, 2)).tokens.length + sampler.maxTokens).toBeLessThan(engine.contextLength);
    }
  });
});
