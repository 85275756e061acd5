import type { Command } from "commander";
import { terminalTable } from "../report/table.ts";
import { openGames } from "../runs/games.ts";
import { type Forecast, forecast } from "../training/forecast.ts";
import { serverConnection } from "./connection.ts";
import { jsonOption, repeat } from "./options.ts";
import { createProgress } from "./progress.ts";
import { readConfig } from "./read-config.ts";

interface PlanFlags {
  readonly set: readonly string[];
  readonly trial?: boolean;
  readonly json?: boolean;
}

export function addPlan(program: Command): void {
  program
    .command("plan")
    .description("what a configuration asks for: steps, episodes, tokens and, by a short trial, time and memory")
    .argument("[config]", "TOML or JSON configuration")
    .option("-s, --set <key=value>", "override one key (repeatable)", repeat, [])
    .option("--trial", "do one step with the engine and time it")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Lengths of replies are those of the experts. A trial computes on this machine, or on the server of the configuration.

Examples:
  sepo plan recipes/small/config.toml --trial
  sepo plan recipes/qwen3.5-4b/config.toml --set engine.tokenizer=models/qwen3.5-4b`,
    )
    .action(async (file: string | undefined, { set, trial, json }: PlanFlags) => {
      const { config, folder } = await readConfig(file, set);
      const games = await openGames(config, folder);
      const progress = createProgress();
      progress.show(trial === true ? "a trial step" : "the language of the games");
      const found = await forecast(config, games, { trial: trial === true, connection: serverConnection() });
      progress.done();
      console.log(json === true ? JSON.stringify(found) : describe(found));
    });
}

function describe({ stages, vocabularySize, memory }: Forecast): string {
  const count = (value: number) => Math.round(value).toLocaleString("en");
  const timed = stages.some(({ seconds }) => seconds !== undefined);
  const total = stages.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  const table = terminalTable({
    title: `Planned, with a vocabulary of ${vocabularySize} tokens (the evaluation is of all three stages)`,
    head: ["stage", "steps", "examples or episodes", "prompt tokens", "reply tokens", ...(timed ? ["minutes"] : [])],
    rows: stages.map(({ stage, steps, items, promptTokens, replyTokens, seconds }) => [
      stage,
      count(steps),
      count(items),
      count(promptTokens),
      count(replyTokens),
      ...(seconds === undefined ? [] : [(seconds / 60).toFixed(1)]),
    ]),
  });
  if (!timed) return table;
  const used = memory === undefined ? "" : `, ${count(memory / 2 ** 20)} MB in use after the trial`;
  return `${table}\n\nabout ${(total / 60).toFixed(1)} minutes at the speed of the trial${used}`;
}
