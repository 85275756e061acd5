import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { type Command, Option } from "commander";
import { parse as parseToml } from "smol-toml";
import { DEVICES, type Device } from "../engines/embedded/engine.ts";
import { exploitabilityTable, objectiveTable } from "../report/agents.ts";
import { terminalTable } from "../report/table.ts";
import { ConfigError, type RunConfig, assign, parseConfig } from "../training/config.ts";
import { type RunEvent, storedConfig, train } from "../training/run.ts";
import { type Progress, createProgress } from "./progress.ts";

interface TrainFlags {
  readonly out: string;
  readonly set: readonly string[];
  readonly device?: Device;
  readonly resume?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const repeat = (value: string, all: readonly string[]): string[] => [...all, value];

export function addTrain(program: Command): void {
  program
    .command("train")
    .description("train an agent through base, SFT and SEPO, evaluating each stage")
    .argument("[config]", "TOML or JSON configuration; every key has a default")
    .option("-o, --out <folder>", "run directory", "runs/latest")
    .option("-s, --set <key=value>", "override one key, e.g. sepo.steps=40 (repeatable)", repeat, [])
    .addOption(new Option("--device <name>", "where the model computes; short for --set engine.device").choices(DEVICES))
    .option("--resume", "continue the run in --out from its newest checkpoint, with its own configuration")
    .option("--dry-run", "print the complete configuration and stop")
    .option("--json", "print the final reports as JSON")
    .addHelpText(
      "after",
      `
Examples:
  sepo train recipes/small/config.toml                train both games with the small model (minutes on a CPU)
  sepo train recipes/tabular/config.toml --out runs/t the exact tabular engine on four games (under a minute)
  sepo train --out runs/latest --resume               go on after a kill; the result is the same bytes
  sepo train --set sepo.credit=payoff --dry-run       see every setting before starting`,
    )
    .action(async (file: string | undefined, flags: TrainFlags) => {
      const chosen = flags.device === undefined ? [] : [`engine.device=${flags.device}`];
      const config = flags.resume === true ? await resumed(file, flags) : await readConfig(file, [...flags.set, ...chosen]);
      if (flags.dryRun === true) {
        console.log(JSON.stringify(config, undefined, 2));
        return;
      }
      const progress = createProgress();
      const controller = new AbortController();
      const stop = () => controller.abort();
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
      const began = performance.now();
      const reports = await train(config, flags.out, {
        resume: flags.resume === true,
        signal: controller.signal,
        onEvent: describer(progress, began),
      });
      progress.done();
      if (flags.json === true) console.log(JSON.stringify(reports));
      else {
        for (const game of config.games)
          console.log(
            `\n${terminalTable(objectiveTable(game, reports))}\n\n${terminalTable(exploitabilityTable(game, reports))}`,
          );
        console.log(
          `\n${((performance.now() - began) / 1000).toFixed(0)} s. Everything is in ${flags.out}; see it with: sepo report ${flags.out}`,
        );
      }
    });
}

function describer(progress: Progress, began: number): (event: RunEvent) => void {
  let last = "";
  return (event) => (last = describe(event, last, progress, began));
}

/** Shows an event; returns what the next may be shown beside. */
function describe(event: RunEvent, last: string, progress: Progress, began: number): string {
  const time = `${((performance.now() - began) / 1000).toFixed(0)} s`;
  switch (event.kind) {
    case "step": {
      const shown = Object.entries(event.metrics).filter(
        ([key]) => key === "loss" || key.endsWith("/reward") || key === "entropy" || key.endsWith("failure_rate"),
      );
      const text = `${time} ${event.stage} ${event.step}/${event.steps} ${shown.map(([key, value]) => `${key} ${value.toFixed(3)}`).join("  ")}`;
      if (event.step === event.steps || event.step % 20 === 0) progress.note(text);
      else progress.show(text);
      return text;
    }
    case "playing":
      if (event.finished % 16 === 0 || event.finished === event.episodes)
        progress.show(`${last}  playing ${event.step}: ${event.finished}/${event.episodes} episodes`.trimStart());
      return last;
    case "checkpoint":
      progress.show(`${time} saved ${event.folder}`);
      return last;
    case "evaluating":
      if (event.finished % 64 === 0) progress.show(`${time} evaluating ${event.stage}: ${event.finished} episodes`);
      return "";
    case "engine":
      progress.show(`${time} ${event.text}`);
      return last;
    case "warning":
      progress.note(`${time} warning: ${event.text}`);
      return last;
    case "evaluated":
      progress.note(
        `${time} evaluated ${event.stage}: ${event.report.games.map(({ game, objective }) => `${game} J ${objective.safetyIndex.value.toFixed(3)}`).join(", ")}`,
      );
      return "";
  }
}

async function resumed(file: string | undefined, flags: TrainFlags): Promise<RunConfig> {
  if (file !== undefined || flags.set.length > 0 || flags.device !== undefined)
    throw new ConfigError("--resume continues with the configuration stored in the run; give no config, --set or --device");
  return storedConfig(flags.out);
}

/** Reads a configuration file and applies `--set` assignments. */
export async function readConfig(file: string | undefined, assignments: readonly string[]): Promise<RunConfig> {
  const target: Record<string, unknown> = file === undefined ? {} : await parseFile(file);
  for (const assignment of assignments) assign(target, assignment);
  return parseConfig(target);
}

async function parseFile(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`${file}: expected a TOML or JSON configuration, but it cannot be read`, { cause });
  });
  try {
    const value: unknown = extname(file) === ".json" ? JSON.parse(text) : parseToml(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw new ConfigError(`${file}: ${cause instanceof Error ? cause.message : "malformed"}`, { cause });
  }
  throw new ConfigError(`${file}: expected a table of settings`);
}
