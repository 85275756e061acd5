/**
 * The supervised data of every game under both protocols as a folder of Hugging Face's `datasets`: JSON lines, a manifest, and a card whose
 * header names the configurations.
 */
import { z } from "zod";
import { GAME_NAMES, PROTOCOLS, type Protocol } from "../games/index.ts";
import { allRosters } from "../opponents/index.ts";
import { VERSION } from "../version.ts";
import {
  type DatasetOptions,
  type GameEntry,
  SPLITS,
  type Split,
  checkedNames,
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
  protocols: z.record(z.enum(PROTOCOLS), z.record(z.string(), gameEntry)),
});
export type ReleaseManifest = z.infer<typeof releaseSchema>;

/** Writes the release; see `writeDataset` for what becomes of files that are there. */
export async function writeRelease(
  folder: string,
  { examples, seed, onGame }: Omit<DatasetOptions, "protocol">,
): Promise<ReleaseManifest> {
  const rosters = PROTOCOLS.map((protocol) => ({ protocol, own: allRosters(protocol) }));
  for (const { own } of rosters) checkedNames(own);
  const old = await earlierFiles(folder, releaseSchema, ({ protocols }) => [
    CARD,
    ...Object.values(protocols).flatMap((games) => Object.values(games).flatMap(({ files }) => Object.keys(files))),
  ]);
  const contents = new Map<string, string>();
  const protocols: Record<string, Record<string, GameEntry>> = {};
  for (const { protocol, own } of rosters) {
    const games: Record<string, GameEntry> = {};
    for (const roster of own) {
      const { name } = roster.game.facts;
      onGame?.(`${name}, protocol ${protocol}`);
      const made = await gameFiles(roster, { examples, protocol, seed }, (split) => pathOf(protocol, name, split));
      games[name] = made.entry;
      for (const [path, content] of made.contents) contents.set(path, content);
    }
    protocols[protocol] = games;
  }
  const manifest = releaseSchema.parse({ version: VERSION, seed, examplesPerGame: examples, protocols });
  contents.set(CARD, cardOf(manifest));
  await replaceFiles(folder, old, contents, manifest);
  return manifest;
}

const pathOf = (protocol: Protocol, game: string, split: Split): string => `data/${protocol}/${game}/${split}.jsonl`;

/** Names of the configurations and the files of each: a protocol, or one of its games. The first is the default. */
const CONFIGURATIONS = PROTOCOLS.flatMap((protocol) => [
  { name: protocol, protocol, game: "*" },
  ...GAME_NAMES.map((game) => ({ name: `${protocol}-${game}`, protocol, game })),
]);

/** Sizes as the hub's cards name them. */
const SIZES = [
  ["n<1K", 1e3],
  ["1K<n<10K", 1e4],
  ["10K<n<100K", 1e5],
  ["100K<n<1M", 1e6],
] as const;

const SHOWN_ACTIONS = 8;

/** The card: a header in YAML, whose texts are quoted as in JSON, and what a user should know. */
function cardOf({ version, seed, examplesPerGame, protocols }: ReleaseManifest): string {
  const all = Object.entries(protocols).flatMap(([protocol, games]) =>
    Object.entries(games).map(([game, entry]) => ({ protocol, game, entry })),
  );
  const total = all.reduce(
    (sum, { entry }) => sum + Object.values(entry.files).reduce((part, file) => part + file.examples, 0),
    0,
  );
  const size = SIZES.find(([, limit]) => total < limit)?.[0] ?? "n>1M";
  const configurations = CONFIGURATIONS.map(({ name, protocol, game }, i) =>
    [
      `- config_name: ${name}`,
      ...(i === 0 ? ["  default: true"] : []),
      "  data_files:",
      ...SPLITS.flatMap((split) => [`  - split: ${split}`, `    path: "${pathOf(protocol, game, split)}"`]),
    ].join("\n"),
  );
  const files = all.flatMap(({ entry }) =>
    Object.entries(entry.files).map(
      ([path, { examples, episodes, sha256 }]) => `| ${path} | ${examples} | ${episodes} | \`${sha256}\` |`,
    ),
  );
  const counts = all.map(
    ({ protocol, game, entry }) =>
      `| ${protocol}-${game} | ${listOf(entry.experts)} | ${listOf(entry.opponents)} | ${listOf(entry.actions, SHOWN_ACTIONS)} |`,
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

Made by \`sepo data --release FOLDER --examples ${examplesPerGame} --seed ${seed}\`, version ${version}.
`;
}

/** The most frequent first. */
function listOf(counts: Readonly<Record<string, number>>, limit = Infinity): string {
  const sorted = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, limit).map(([name, count]) => `${name.replaceAll("|", "\\|")} ${count}`);
  return shown.join(", ") + (sorted.length > limit ? `, and ${sorted.length - limit} more` : "");
}
