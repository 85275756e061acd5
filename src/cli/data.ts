import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import writeFileAtomic from "write-file-atomic";
import { GAME_NAMES, PROTOCOLS, type Protocol } from "../games/index.ts";
import { rosterOf } from "../opponents/index.ts";
import { foldIn, seedKey } from "../random.ts";
import { type Trace, expertTraces } from "../training/traces.ts";
import { naturalNumber, positiveNumber } from "./options.ts";
import { createProgress } from "./progress.ts";

interface DataFlags {
  readonly out: string;
  readonly games?: string;
  readonly examples: number;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly json?: boolean;
}

const counts = (values: readonly string[]): Record<string, number> => {
  const table: Record<string, number> = {};
  for (const value of values.toSorted()) table[value] = (table[value] ?? 0) + 1;
  return table;
};

/** One line per example, in the `messages` form that supervised trainers read. */
const jsonl = (traces: readonly Trace[]): string =>
  traces
    .map(
      ({ messages, game, expert, opponent, episode }) =>
        `${JSON.stringify({ messages, game: game.facts.name, expert, opponent, episode })}\n`,
    )
    .join("");

export function addData(program: Command): void {
  program
    .command("data")
    .description("write supervised traces of the experts as messages JSONL, with a manifest")
    .option("-o, --out <folder>", "folder to write", "data")
    .option("--games <names>", "comma-separated; default: all")
    .option("--examples <n>", "decisions per game", positiveNumber, 8000)
    .addOption(new Option("--protocol <name>", "the measurement rules").choices(PROTOCOLS).default("corrected"))
    .option("--seed <n>", "seed of the traces", naturalNumber, 0)
    .option("--json", "print the manifest")
    .addHelpText("after", "\nExamples:\n  sepo data --out data --examples 8000\n  sepo data --games kuhn --seed 3 --json")
    .action(async ({ out, games, examples, protocol, seed, json }: DataFlags) => {
      const names = games === undefined ? GAME_NAMES : games.split(",");
      const progress = createProgress();
      await mkdir(out, { recursive: true });
      const manifest: Record<string, { readonly files: object; readonly [key: string]: object }> = {};
      for (const name of names) {
        progress.show(`playing ${name}`);
        const traces = await expertTraces(rosterOf(name, protocol), foldIn(seedKey(seed), "sft", name), {
          examples,
          actions: "experts",
        });
        const files: Record<string, object> = {};
        for (const split of ["train", "validation"] as const) {
          const content = jsonl(traces.filter((trace) => trace.split === split));
          const file = `${name}.${split}.jsonl`;
          await writeFileAtomic(join(out, file), content);
          files[file] = {
            examples: content.split("\n").length - 1,
            sha256: createHash("sha256").update(content).digest("hex"),
          };
        }
        manifest[name] = {
          files,
          experts: counts(traces.map(({ expert }) => expert)),
          opponents: counts(traces.map(({ opponent }) => opponent)),
          actions: counts(traces.map(({ action }) => action)),
        };
      }
      const content = { seed, protocol, examplesPerGame: examples, games: manifest };
      await writeFileAtomic(join(out, "manifest.json"), `${JSON.stringify(content, undefined, 2)}\n`);
      progress.done();
      if (json === true) console.log(JSON.stringify(content));
      else for (const [name, { files }] of Object.entries(manifest)) console.log(name, files);
    });
}
