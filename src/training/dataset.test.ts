import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { sha256 } from "../files.ts";
import { GAME_NAMES, PROTOCOLS } from "../games/index.ts";
import { rosterOf } from "../opponents/index.ts";
import { writeDataset } from "./dataset.ts";
import { type ReleaseManifest, writeRelease } from "./release.ts";

const line = z.strictObject({
  messages: z.array(z.strictObject({ role: z.string(), content: z.string() })),
  game: z.string(),
  protocol: z.string(),
  expert: z.string(),
  opponent: z.string(),
  action: z.string(),
  episode: z.number(),
});
const linesOf = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((each) => line.parse(JSON.parse(each)));

const SETS = PROTOCOLS.flatMap((protocol) => [protocol, `${protocol}-brief`]);

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

describe("data for other trainers", () => {
  let root = "";
  let manifest: ReleaseManifest;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sepo-data-"));
    manifest = await writeRelease(join(root, "release"), { examples: 80, seed: 4, wordings: ["standard", "brief"] });
  });
  afterAll(() => rm(root, { recursive: true }));

  test("a release has every game under both protocols, with counts and hashes of what is there", async () => {
    expect(Object.keys(manifest.sets)).toEqual(SETS);
    for (const [set, games] of Object.entries(manifest.sets)) {
      expect(Object.keys(games)).toEqual(GAME_NAMES);
      for (const [game, { files, experts, opponents, actions }] of Object.entries(games)) {
        const episodes: Set<number>[] = [];
        for (const [path, { examples, episodes: count, sha256: hash }] of Object.entries(files)) {
          const text = await readFile(join(root, "release", path), "utf8");
          expect(sha256(text)).toBe(hash);
          const lines = linesOf(text);
          expect(lines).toHaveLength(examples);
          for (const { messages, action, ...each } of lines) {
            expect(each).toMatchObject({ game, protocol: set.replace("-brief", "") });
            expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
            expect(messages[2].content.split("\n").at(-1)).toBe(action);
          }
          episodes.push(new Set(lines.map(({ episode }) => episode)));
          expect(episodes.at(-1)?.size).toBe(count);
        }
        const total = sum(Object.fromEntries(Object.entries(files).map(([path, { examples }]) => [path, examples])));
        expect([experts, opponents, actions].map(sum)).toEqual([total, total, total]);
        expect([...episodes[0]].filter((episode) => episodes[1].has(episode))).toEqual([]);
      }
    }
  });

  test("a wording has the same episodes in other words, in the same splits", async () => {
    const read = async (set: string) =>
      linesOf(await readFile(join(root, "release", "data", set, "ipd", "train.jsonl"), "utf8"));
    const [standard, brief] = await Promise.all(["corrected", "corrected-brief"].map(read));
    const played = (lines: typeof standard) => lines.map((each) => ({ ...each, messages: [] }));
    expect(played(brief)).toEqual(played(standard));
    expect(brief[0].messages[0]).not.toEqual(standard[0].messages[0]);
  });

  test("its card names a configuration for each set and game, whose files are there", async () => {
    const card = await readFile(join(root, "release", "README.md"), "utf8");
    const [, header] = card.split("---\n");
    const names = [...header.matchAll(/^- config_name: (.*)$/gm)].map(([, name]) => name);
    expect(names).toEqual(SETS.flatMap((set) => [set, ...GAME_NAMES.map((game) => `${set}-${game}`)]));
    const paths = [...header.matchAll(/^ +path: "(.*)"$/gm)].map(([, path]) => path);
    expect(paths).toHaveLength(2 * names.length);
    for (const path of paths.filter((each) => !each.includes("*")))
      expect((await readFile(join(root, "release", path), "utf8")).length).toBeGreaterThan(0);
    for (const { files } of Object.values(manifest.sets["paper"]))
      for (const { sha256: hash } of Object.values(files)) expect(card).toContain(hash);
  });

  test("is the same bytes for the same seed; an earlier release is replaced, and nothing of it stays", async () => {
    const folder = join(root, "again");
    await writeRelease(folder, { examples: 20, seed: 1 });
    expect(await writeRelease(folder, { examples: 80, seed: 4, wordings: ["standard", "brief"] })).toEqual(manifest);
    const names = async (path: string) => (await readdir(path, { recursive: true })).toSorted();
    expect(await names(folder)).toEqual(await names(join(root, "release")));
    expect(await readFile(join(folder, "README.md"), "utf8")).toBe(await readFile(join(root, "release", "README.md"), "utf8"));
  });

  test("a folder with files of somebody else is refused and left as it is, also below", async () => {
    const options = { examples: 20, seed: 0 };
    const folder = join(root, "other");
    await mkdir(join(folder, "data"), { recursive: true });
    await writeFile(join(folder, "data", "mine.txt"), "mine");
    await expect(writeRelease(folder, options)).rejects.toThrow("data/mine.txt");
    await expect(writeDataset([rosterOf("kuhn")], folder, { ...options, protocol: "paper" })).rejects.toThrow("data/mine.txt");
    expect(await readdir(folder)).toEqual(["data"]);
    // A release is no dataset of `sepo data`, and the other way round.
    await expect(writeDataset([rosterOf("kuhn")], join(root, "release"), { ...options, protocol: "paper" })).rejects.toThrow(
      /manifest\.json/,
    );
  });

  test("names are checked before anything is played or written", async () => {
    const kuhn = rosterOf("kuhn");
    const named = (name: string) => ({ ...kuhn, game: { ...kuhn.game, facts: { ...kuhn.game.facts, name } } });
    const options = { examples: 20, seed: 0, protocol: "corrected", onGame: () => expect.unreachable() } as const;
    const folder = join(root, "never");
    await expect(writeDataset([named("a/b")], folder, options)).rejects.toThrow('"a/b" cannot name a file');
    await expect(writeDataset([kuhn, named("Kuhn")], folder, options)).rejects.toThrow('two of the games are called "Kuhn"');
    expect(await readdir(root)).not.toContain("never");
  });

  test("fewer games replace more: no file of an earlier dataset stays", async () => {
    const folder = join(root, "fewer");
    const options = { examples: 20, seed: 0, protocol: "corrected" } as const;
    await writeDataset([rosterOf("kuhn"), rosterOf("ipd")], folder, options);
    await writeDataset([rosterOf("kuhn")], folder, options);
    expect((await readdir(folder)).toSorted()).toEqual(["kuhn.train.jsonl", "kuhn.validation.jsonl", "manifest.json"]);
  });
});
