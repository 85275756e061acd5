import type { Command } from "commander";
import { type Protocol, WORDINGS } from "../games/index.ts";
import { terminalTable } from "../report/table.ts";
import { ConfigError } from "../runs/config.ts";
import { type GameEntry, writeDataset } from "../training/dataset.ts";
import { writeRelease } from "../training/release.ts";
import { gameOption, jsonOption, positiveNumber, protocolOption, seedOption } from "./options.ts";
import { createProgress } from "./progress.ts";
import { namedRosters } from "./rosters.ts";

interface DataFlags {
  readonly out?: string;
  readonly release?: string;
  readonly wordings?: boolean;
  readonly game?: readonly string[];
  readonly games?: string;
  readonly examples: number;
  readonly protocol?: Protocol;
  readonly seed: number;
  readonly json?: boolean;
}

export function addData(program: Command): void {
  program
    .command("data")
    .description("write supervised traces of the experts as messages JSONL, with a manifest")
    .option("-o, --out <folder>", "folder to write; an earlier dataset in it is replaced; default: data")
    .option("--release <folder>", "all games under both protocols, with a data card, as Hugging Face's datasets loads them")
    .option("--wordings", "with --release: the same episodes in every wording too")
    .addOption(gameOption())
    .option("--games <names>", "the same as a list with commas")
    .option("--examples <n>", "decisions per game", positiveNumber, 8000)
    .addOption(protocolOption("the measurement rules; default: corrected"))
    .addOption(seedOption("seed of the traces"))
    .addOption(jsonOption("print the manifest"))
    .addHelpText(
      "after",
      `
A folder with files that are not of a dataset is refused.

Examples:
  sepo data --out data --examples 8000
  sepo data --game kuhn --seed 3 --json
  sepo data --release sepo-experts`,
    )
    .action(async (flags: DataFlags) => (flags.release === undefined ? data(flags) : release(flags.release, flags)));
}

async function data(flags: DataFlags): Promise<void> {
  const { out = "data", game, games, examples, protocol = "corrected", seed, json } = flags;
  if (flags.wordings === true) throw new ConfigError("--wordings is for a --release");
  const listed = games?.split(",").map((name) => name.trim()) ?? [];
  const names = new Set([...(game ?? []), ...listed]);
  const rosters = await namedRosters(names.size === 0 ? undefined : [...names], protocol);
  const progress = createProgress();
  const manifest = await writeDataset(rosters, out, {
    examples,
    protocol,
    seed,
    onGame: (name) => progress.show(`playing ${name}`),
  });
  progress.done();
  if (json === true) console.log(JSON.stringify(manifest));
  else console.log(summary(out, `protocol ${protocol}, seed ${seed}`, manifest.games));
}

async function release(
  folder: string,
  { out, game, games, protocol, wordings, examples, seed, json }: DataFlags,
): Promise<void> {
  if ([out, game, games, protocol].some((given) => given !== undefined))
    throw new ConfigError("--release has every game and protocol; give no --out, --game, --games or --protocol with it");
  const progress = createProgress();
  const manifest = await writeRelease(folder, {
    examples,
    seed,
    ...(wordings === true ? { wordings: WORDINGS } : {}),
    onGame: (name) => progress.show(`playing ${name}`),
  });
  progress.done();
  if (json === true) return console.log(JSON.stringify(manifest));
  for (const [name, entries] of Object.entries(manifest.sets))
    console.log(`${summary(folder, `${name}, seed ${seed}`, entries)}\n`);
}

const summary = (folder: string, made: string, games: Readonly<Record<string, GameEntry>>): string =>
  terminalTable({
    title: `${folder}: ${made}; counts per expert, opponent and action are in manifest.json`,
    head: ["game", "file", "examples", "SHA-256"],
    rows: Object.entries(games).flatMap(([game, { files }]) =>
      Object.entries(files).map(([file, { examples, sha256 }]) => [game, file, String(examples), sha256.slice(0, 16)]),
    ),
  });
