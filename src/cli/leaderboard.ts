import { dirname } from "node:path";
import { type Command, Option } from "commander";
import { calibrate } from "../evaluation/calibration.ts";
import { jsonText, makeFolder, writeWhole } from "../files.ts";
import { GAME_NAMES, GameError, PROTOCOLS } from "../games/index.ts";
import { readEntry } from "../report/entries.ts";
import { leaderboard } from "../report/leaderboard.ts";
import { leaderboardTables } from "../report/leaderboard-tables.ts";
import { TABLE_FORMATS, type TableFormat, tableIn } from "../report/table.ts";
import { readCalibration } from "../runs/calibration-file.ts";
import { STAGES, type Stage } from "../runs/stages.ts";
import { VERSION } from "../version.ts";
import { gameOption, jsonOption, naturalNumber, positiveNumber } from "./options.ts";
import { createProgress } from "./progress.ts";
import { namedRosters } from "./rosters.ts";

interface LeaderboardFlags {
  readonly game?: readonly string[];
  readonly stage?: Stage;
  readonly format: TableFormat;
  readonly json?: boolean;
  readonly calibration?: string;
  readonly calibrate?: string;
  readonly episodes: number;
  readonly seed: number;
}

export function addLeaderboard(program: Command): void {
  program
    .command("leaderboard")
    .description("agents side by side, with rank intervals, beside scripted policies and J*")
    .argument("[folders...]", "directories of runs and of models' evaluations")
    .addOption(gameOption())
    .addOption(new Option("--stage <name>", "stage of runs; default: the last one evaluated").choices(STAGES))
    .addOption(new Option("--format <name>", "how tables are printed").choices(TABLE_FORMATS).default("terminal"))
    .option("--calibration <file>", "other calibration rows than those that come with the program")
    .addOption(jsonOption())
    .optionsGroup("To measure calibration rows:")
    .option("--calibrate <file>", "measure scripted policies and J* of every game and protocol (or of --game), and write them")
    .option("--episodes <n>", "per opponent", positiveNumber, 2000)
    .option("--seed <n>", "seed of the scenarios", naturalNumber, 0)
    .addHelpText(
      "after",
      `
Agents that were measured under different rules, or by different versions of the program, are refused.

Examples:
  sepo leaderboard runs/openai-gpt-5-mini runs/ollama-qwen3-0.6b runs/small
  sepo leaderboard runs/* --game kuhn --format markdown
  sepo leaderboard --calibrate rows.json --episodes 2000`,
    )
    .action(async (folders: readonly string[], flags: LeaderboardFlags) => {
      if (flags.calibrate !== undefined) return writeCalibration(flags.calibrate, flags);
      if (folders.length === 0) throw new GameError("name at least one directory of a run or of a model's evaluation");
      const { game, stage, json, format } = flags;
      const entries = await Promise.all(folders.map((folder) => readEntry(folder, stage)));
      const chosen = entries.map((entry) => ({
        ...entry,
        games: entry.games.filter((report) => game === undefined || game.includes(report.game)),
      }));
      const calibration = await readCalibration(flags.calibration);
      const board = leaderboard(chosen, calibration.version === VERSION ? calibration.games : []);
      if (board.games.length === 0) throw new GameError(`none of the agents plays ${(game ?? []).join(", ")}`);
      if (json === true) return console.log(JSON.stringify(board));
      const print = tableIn[format];
      console.log(leaderboardTables(board).map(print).join("\n\n"));
      console.log(`\nCalibration rows made by: ${calibration.command}`);
    });
}

/** Numbers with six digits, so that the file can be read; no table shows more. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (typeof inner === "number" ? Number(inner.toPrecision(6)) : inner)));

async function writeCalibration(path: string, { game, episodes, seed }: LeaderboardFlags): Promise<void> {
  const progress = createProgress();
  const games = [];
  for (const protocol of PROTOCOLS)
    for (const roster of await namedRosters(game ?? GAME_NAMES, protocol)) {
      const { name } = roster.game.facts;
      games.push(calibrate(roster, { episodes, seed, onPolicy: (policy) => progress.show(`${name}, ${protocol}: ${policy}`) }));
    }
  progress.done();
  const names = (game ?? []).map((name) => ` --game ${name}`).join("");
  const command = `sepo leaderboard --calibrate FILE${names} --episodes ${episodes} --seed ${seed}`;
  await makeFolder(dirname(path));
  await writeWhole(path, jsonText(rounded({ version: VERSION, command, games })));
  console.log(`calibration rows of ${games.length} games are in ${path}`);
}
