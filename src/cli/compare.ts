import type { Command } from "commander";
import type { Device } from "../engines/driver.ts";
import { type Difference, compareAgents } from "../evaluation/compare.ts";
import { GameError, type Protocol } from "../games/index.ts";
import { interval, terminalTable } from "../report/table.ts";
import { inWords } from "../stats/compare.ts";
import { serverConnection } from "./connection.ts";
import { chosenRosters, openContestant } from "./contestant.ts";
import { deviceOption, episodesOption, gameOption, jsonOption, protocolOption, seedOption } from "./options.ts";
import { createProgress } from "./progress.ts";

interface CompareFlags {
  readonly game?: readonly string[];
  readonly protocol?: Protocol;
  readonly episodes: number;
  readonly seed: number;
  readonly device: Device;
  readonly json?: boolean;
}

export function addCompare(program: Command): void {
  program
    .command("compare")
    .description("difference in J between two or more agents on the same scenarios, with paired intervals")
    .argument(
      "<agents...>",
      "checkpoints, folders of runs or of models' evaluations, cassette:FILE, or game:policy for scripted agents",
    )
    .addOption(gameOption())
    .addOption(protocolOption())
    .addOption(episodesOption())
    .addOption(seedOption("seed of the scenarios"))
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Every agent is compared with the first one. With several comparisons, p-values are adjusted by Holm's method for their number.

Examples:
  sepo compare runs/latest/checkpoints/sepo runs/latest/checkpoints/sft --episodes 500
  sepo compare runs/openai-gpt-5-mini runs/ollama-qwen3-0.6b --episodes 20    # replays their answers, asks nobody
  sepo compare kuhn:equilibrium kuhn:tight-value kuhn:equilibrium-1/6 --episodes 2000`,
    )
    .action(async (names: readonly string[], flags: CompareFlags) => {
      if (names.length < 2) throw new GameError(`name at least two agents to compare, got ${names.length}`);
      const { device, protocol, episodes, seed } = flags;
      const options = { device, ...serverConnection(), ...(protocol === undefined ? {} : { protocol }) };
      const agents = await Promise.all(names.map((name) => openContestant(name, options)));
      const progress = createProgress();
      const first = { ...agents[0], rosters: chosenRosters(agents[0].rosters, flags.game, names[0]) };
      const rows = await compareAgents([first, ...agents.slice(1)], {
        episodes,
        seed,
        onAgent: (game, agent) => progress.show(`${game}: ${agent}`),
      });
      progress.done();
      await Promise.all(agents.map((agent) => agent.release()));
      if (flags.json === true) console.log(JSON.stringify(rows));
      else print(rows, flags);
    });
}

function print(rows: readonly Difference[], { episodes, seed }: CompareFlags): void {
  const family =
    rows.length === 1 ? "one comparison" : `${rows.length} comparisons, p-values adjusted by Holm's method, intervals to match`;
  console.log(
    terminalTable({
      title: `Difference in J on shared scenarios: protocol ${rows[0].protocol}, ${episodes} episodes per opponent, seed ${seed}, ${family}`,
      head: ["game", "first", "second", "J first - J second", "p", "verdict"],
      rows: rows.map(({ game, first, second, difference, low, high, adjusted, verdict }) => [
        game,
        first,
        second,
        interval({ ...difference, low, high }),
        adjusted < 0.001 ? "< 0.001" : adjusted.toFixed(3),
        inWords(verdict, first, second),
      ]),
    }),
  );
}
