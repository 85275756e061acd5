import type { Command } from "commander";
import type { Protocol } from "../games/index.ts";
import { terminalTable } from "../report/table.ts";
import { type Manifest, writeDataset } from "../training/dataset.ts";
import { gameOption, jsonOption, positiveNumber, protocolOption, seedOption } from "./options.ts";
import { createProgress } from "./progress.ts";
import { namedRosters } from "./rosters.ts";

interface DataFlags {
  readonly out: string;
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
    .option("-o, --out <folder>", "folder to write; an earlier dataset in it is replaced", "data")
    .addOption(gameOption())
    .option("--games <names>", "the same as a list with commas")
    .option("--examples <n>", "decisions per game", positiveNumber, 8000)
    .addOption(protocolOption("the measurement rules; default: corrected"))
    .addOption(seedOption("seed of the traces"))
    .addOption(jsonOption("print the manifest"))
    .addHelpText("after", "\nExamples:\n  sepo data --out data --examples 8000\n  sepo data --game kuhn --seed 3 --json")
    .action(async ({ out, game, games, examples, protocol = "corrected", seed, json }: DataFlags) => {
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
      console.log(json === true ? JSON.stringify(manifest) : summary(manifest, out));
    });
}

const summary = ({ games, protocol, seed }: Manifest, folder: string): string =>
  terminalTable({
    title: `${folder}: protocol ${protocol}, seed ${seed}; counts per expert, opponent and action are in manifest.json`,
    head: ["game", "file", "examples", "SHA-256"],
    rows: Object.entries(games).flatMap(([game, { files }]) =>
      Object.entries(files).map(([file, { examples, sha256 }]) => [game, file, String(examples), sha256.slice(0, 16)]),
    ),
  });
