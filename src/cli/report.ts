import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import writeFileAtomic from "write-file-atomic";
import type { AgentReport } from "../evaluation/stage.ts";
import { allTables, exploitabilityTable, objectiveTable, seedsTable } from "../report/agents.ts";
import { markdownTable, terminalTable } from "../report/table.ts";
import { ConfigError } from "../training/config.ts";
import { STAGES } from "../training/run.ts";

interface ReportFlags {
  readonly format: "terminal" | "markdown";
  readonly brief?: boolean;
  readonly overSeeds?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

export function addReport(program: Command): void {
  program
    .command("report")
    .description("tables of one run or several: J and its parts, exploitability, every opponent, action probabilities")
    .argument("[runs...]", "run directories (default: runs/latest)")
    .addOption(new Option("--format <format>", "how to print").choices(["terminal", "markdown"]).default("terminal"))
    .option("--brief", "only the tables of J and exploitability")
    .option("--over-seeds", "runs that differ by their seed alone: means over runs, with intervals over runs")
    .option("-o, --out <file>", "write to a file instead of the terminal")
    .option("--json", "print the reports as JSON")
    .addHelpText(
      "after",
      `
An interval over episodes says what more episodes of one model would change; only several seeds say what another training run would.

Examples:
  sepo report runs/latest --brief
  sepo report runs/seed0 runs/seed1 runs/seed2 --over-seeds
  sepo report runs/latest --format markdown --out report.md`,
    )
    .action(async (named: readonly string[], flags: ReportFlags) => {
      const runs = named.length === 0 ? ["runs/latest"] : named;
      const byRun = await Promise.all(runs.map(readReports));
      const reports = byRun.flatMap((own, i) =>
        runs.length === 1 ? own : own.map((report) => ({ ...report, agent: `${runs[i]} ${report.agent}` })),
      );
      const games = [...new Set(reports.flatMap((report) => report.games.map(({ game }) => game)))];
      if (new Set(reports.flatMap((report) => report.games.map(({ protocol }) => protocol))).size > 1)
        process.stderr.write(
          "sepo: warning: these runs were measured under different protocols; their numbers are not comparable\n",
        );
      const tables =
        flags.overSeeds === true
          ? games.map((game) => seedsTable(game, byRun))
          : flags.brief === true
            ? games.flatMap((game) => [objectiveTable(game, reports), exploitabilityTable(game, reports)])
            : allTables(reports);
      const body = tables.map(flags.format === "markdown" ? markdownTable : terminalTable).join("\n\n");
      const made = reports.map(({ agent, command }) => `${agent}: ${command}`).join("\n");
      const text = flags.json === true ? JSON.stringify(reports) : `${body}\n\nMade by\n${made}`;
      if (flags.out === undefined) console.log(text);
      else await writeFileAtomic(flags.out, `${text}\n`);
    });
}

/** The evaluations of a run in the order of its stages, then others by name. */
async function readReports(run: string): Promise<AgentReport[]> {
  const folder = join(run, "evaluation");
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new ConfigError(`${folder}: expected the evaluations of a run, but it cannot be read`, { cause });
  });
  const order = (name: string): number => STAGES.findIndex((stage) => `${stage}.json` === name);
  const files = names.filter((name) => name.endsWith(".json")).toSorted((a, b) => order(a) - order(b));
  if (files.length === 0) throw new ConfigError(`${folder}: holds no evaluation yet`);
  return Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      try {
        const report: AgentReport = JSON.parse(text);
        return report;
      } catch (cause) {
        throw new ConfigError(`${join(folder, name)}: expected JSON; the file is malformed or truncated`, { cause });
      }
    }),
  );
}
