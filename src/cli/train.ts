import { type Command, Option } from "commander";
import { DEVICES, type Device } from "../engines/driver.ts";
import { exploitabilityTable, objectiveTable } from "../report/agents.ts";
import { terminalTable } from "../report/table.ts";
import { ConfigError } from "../runs/config.ts";
import { readRunConfig } from "../runs/read.ts";
import { train } from "../training/run.ts";
import { serverConnection } from "./connection.ts";
import { interruptSignal } from "./failure.ts";
import { jsonOption, repeat } from "./options.ts";
import { createProgress } from "./progress.ts";
import { type ReadConfig, changedConfig, readConfig } from "./read-config.ts";
import { runEventLines } from "./run-events.ts";

interface TrainFlags {
  readonly out: string;
  readonly set: readonly string[];
  readonly device?: Device;
  readonly resume?: boolean;
  readonly from?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addTrain(program: Command): void {
  program
    .command("train")
    .description("train an agent through base, SFT and SEPO, evaluating each stage")
    .argument("[config]", "TOML or JSON configuration; every key has a default (see: sepo config)")
    .option("-o, --out <folder>", "run directory", "runs/latest")
    .option("-s, --set <key=value>", "override one key, e.g. sepo.steps=40 (repeatable)", repeat, [])
    .addOption(new Option("--device <name>", "where the model computes; short for --set engine.device").choices(DEVICES))
    .option("--resume", "continue the run in --out from its newest checkpoint; --set may change sepo and evaluation")
    .option("--from <checkpoint>", "begin with the weights of a checkpoint, or of a run's folder")
    .option("--dry-run", "print the complete configuration and stop")
    .addOption(jsonOption("print the final reports as JSON"))
    .addHelpText(
      "after",
      `
Examples:
  sepo train recipes/small/config.toml                train both games with the small model (minutes on a CPU)
  sepo train recipes/tabular/config.toml --out runs/t the exact tabular engine on four games (under a minute)
  sepo train --out runs/latest --resume               go on after a kill; the result is the same bytes
  sepo train --resume --set sepo.steps=100            train a finished run further; the change is recorded in it
  sepo train --set sepo.credit=payoff --dry-run       see every setting before starting`,
    )
    .action(async (file: string | undefined, flags: TrainFlags) => {
      const { config, folder } = await configOf(file, flags);
      if (flags.dryRun === true) {
        console.log(JSON.stringify(config, undefined, 2));
        return;
      }
      const progress = createProgress();
      const began = performance.now();
      try {
        const reports = await train(config, flags.out, {
          resume: flags.resume === true,
          modules: folder,
          ...(flags.from === undefined ? {} : { from: flags.from }),
          connection: serverConnection(),
          signal: interruptSignal(),
          onEvent: runEventLines(progress, began),
        });
        progress.done();
        if (flags.json === true) console.log(JSON.stringify(reports));
        else {
          for (const { game } of reports[0].games)
            console.log(
              `\n${terminalTable(objectiveTable(game, reports))}\n\n${terminalTable(exploitabilityTable(game, reports))}`,
            );
          const seconds = ((performance.now() - began) / 1000).toFixed(0);
          console.log(`\n${seconds} s. Everything is in ${flags.out}; see it with: npm run sepo -- report ${flags.out}`);
        }
      } finally {
        progress.done();
      }
    });
}

async function configOf(file: string | undefined, { resume, set, device, out, from }: TrainFlags): Promise<ReadConfig> {
  const assignments = device === undefined ? set : [...set, `engine.device=${device}`];
  if (resume !== true) return readConfig(file, assignments);
  if (file !== undefined || from !== undefined)
    throw new ConfigError(
      "--resume continues with the configuration and weights stored in the run; give no config and no --from",
    );
  return { config: changedConfig(await readRunConfig(out), assignments), folder: out };
}
