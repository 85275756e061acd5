/**
 * The supervised data of every game under both protocols as a folder of Hugging Face's `datasets`: JSON lines, a manifest, and a card whose
 * header names the configurations.
 */
import { z } from "zod";
import { GAME_NAMES, PROTOCOLS, type WordingName } from "../games/index.ts";
import { rosterOf } from "../opponents/index.ts";
import { VERSION } from "../version.ts";
import {
  type DatasetOptions,
  type GameEntry,
  SPLITS,
  type Split,
  earlierFiles,
  gameEntry,
  gameFiles,
  replaceFiles,
} from "./dataset.ts";

const CARD = "README.md";

const releaseSchema = z.strictObject({
  version: z.string(),
  seed: z.number(),
  examplesPerGame: z.number(),
  /** By protocol, and wording where it is not the standard one (`corrected-brief`): the games. */
  sets: z.record(z.string(), z.record(z.string(), gameEntry)),
});
export type ReleaseManifest = z.infer<typeof releaseSchema>;

export interface ReleaseOptions extends Omit<DatasetOptions, "protocol"> {
  /** Words that the games are told in; the same episodes in each. */
  readonly wordings?: readonly WordingName[];
}

/** Writes the release; see `writeDataset` for what becomes of files that are there. */
export async function writeRelease(
  folder: string,
  { examples, seed, wordings = ["standard"], onGame }: ReleaseOptions,
): Promise<ReleaseManifest> {
  const old = await earlierFiles(folder, releaseSchema, ({ sets }) => [
    CARD,
    ...Object.values(sets).flatMap((games) => Object.values(games).flatMap(({ files }) => Object.keys(files))),
  ]);
  const contents = new Map<string, string>();
  const sets: Record<string, Record<string, GameEntry>> = {};
  for (const protocol of PROTOCOLS)
    for (const wording of wordings) {
      const set = wording === "standard" ? protocol : `${protocol}-${wording}`;
      const games: Record<string, GameEntry> = {};
      for (const name of GAME_NAMES) {
        onGame?.(`${name}, ${set}`);
        const roster = rosterOf(name, { protocol, options: { wording } });
        const made = await gameFiles(roster, { examples, protocol, seed }, (split) => pathOf(set, name, split));
        games[name] = made.entry;
        for (const [path, content] of made.contents) contents.set(path, content);
      }
      sets[set] = games;
    }
  const manifest = { version: VERSION, seed, examplesPerGame: examples, sets };
  contents.set(CARD, cardOf(manifest, wordings));
  await replaceFiles(folder, old, contents, manifest);
  return manifest;
}

const pathOf = (set: string, game: string, split: Split): string => `data/${set}/${game}/${split}.jsonl`;

/** Sizes as the hub's cards name them. */
const SIZES = [
  ["n<1K", 1e3],
  ["1K<n<10K", 1e4],
  ["10K<n<100K", 1e5],
  ["100K<n<1M", 1e6],
] as const;

const SHOWN_ACTIONS = 8;

/** The card: a header in YAML, whose texts are quoted as in JSON, and what a user should know. */
function cardOf({ version, seed, examplesPerGame, sets }: ReleaseManifest, wordings: readonly WordingName[]): string {
  const all = Object.entries(sets).flatMap(([set, games]) =>
    Object.entries(games).map(([game, entry]) => ({ set, game, entry })),
  );
  // A set, and each of its games; the first is the default.
  const named = Object.keys(sets).flatMap((set) => [
    { name: set, set, game: "*" },
    ...GAME_NAMES.map((game) => ({ name: `${set}-${game}`, set, game })),
  ]);
  const total = all.reduce(
    (sum, { entry }) => sum + Object.values(entry.files).reduce((part, file) => part + file.examples, 0),
    0,
  );
  const size = SIZES.find(([, limit]) => total < limit)?.[0] ?? "n>1M";
  const configurations = named.map(({ name, set, game }, i) =>
    [
      `- config_name: ${name}`,
      ...(i === 0 ? ["  default: true"] : []),
      "  data_files:",
      ...SPLITS.flatMap((split) => [`  - split: ${split}`, `    path: "${pathOf(set, game, split)}"`]),
    ].join("\n"),
  );
  const files = all.flatMap(({ entry }) =>
    Object.entries(entry.files).map(
      ([path, { examples, episodes, sha256 }]) => `| ${path} | ${examples} | ${episodes} | \`${sha256}\` |`,
    ),
  );
  const counts = all.map(
    ({ set, game, entry }) =>
      `| ${set}-${game} | ${listOf(entry.experts)} | ${listOf(entry.opponents)} | ${listOf(entry.actions, SHOWN_ACTIONS)} |`,
  );
  return `---
pretty_name: "SEPO: experts in five games"
license: apache-2.0
language:
- en
task_categories:
- text-generation
size_categories:
- "${size}"
tags:
- chat
- game-theory
- multi-agent
- sft
- synthetic
configs:
${configurations.join("\n")}
---

# SEPO: experts in five games

Decisions of scripted experts in five repeated two-player games, as chats: the rules (system), the position (user), and
the answer (assistant), a short reason that is true of the position and the action alone on the last line. They are what
sepo's SFT stage learns from. SEPO (arXiv 2605.30854) trains agents from there.

Games: the iterated prisoner's dilemma (\`ipd\`), a first-price auction (\`auction\`), split bargaining (\`split\`), item
negotiation (\`negotiation\`) and Kuhn poker (\`kuhn\`).

\`\`\`python
from datasets import load_dataset

data = load_dataset("FOLDER", "corrected-kuhn")  # or "corrected", "paper": all five games of a protocol
\`\`\`

\`data["train"]\` is in the conversational form of TRL's \`SFTTrainer\` (column \`messages\`); the other columns are not used by it.

## Columns

| column | meaning |
| --- | --- |
| \`messages\` | a list of \`{role, content}\`: system, user, assistant |
| \`game\` | name of the game |
| \`protocol\` | \`corrected\`, or \`paper\`: the rules and opponents as published |
| \`expert\` | the scripted policy that decides |
| \`opponent\` | whom it plays; held-out opponents never occur |
| \`action\` | what it does, as on the last line of the answer |
| \`episode\` | number of the episode in its game and protocol |
${wordings.length > 1 ? `\nSets with the name of a wording (${wordings.filter((name) => name !== "standard").join(", ")}) tell the same episodes in other words.\n` : ""}

## Splits

An episode is wholly in one split: each goes to \`validation\` with probability 0.2. Within a protocol and game all decisions of an
episode are there, in order.

| file | examples | episodes | SHA-256 |
| --- | --- | --- | --- |
${files.join("\n")}

## Counts

Examples by expert, opponent and action, both splits together; the ${SHOWN_ACTIONS} most frequent actions, all in \`manifest.json\`.

| configuration | experts | opponents | actions |
| --- | --- | --- | --- |
${counts.join("\n")}

## What to know

Made, not collected: experts and opponents are programs, the language is a template's, and an expert is worth imitating in part only.
No person's data is in it. The same command, seed and version give the same bytes.

Made by \`sepo data --release FOLDER --examples ${examplesPerGame} --seed ${seed}${wordings.length > 1 ? " --wordings" : ""}\`, version ${version}.
`;
}

/** The most frequent first. */
function listOf(counts: Readonly<Record<string, number>>, limit = Infinity): string {
  const sorted = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, limit).map(([name, count]) => `${name.replaceAll("|", "\\|")} ${count}`);
  return shown.join(", ") + (sorted.length > limit ? `, and ${sorted.length - limit} more` : "");
}
