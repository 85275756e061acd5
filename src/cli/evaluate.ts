import type { Command } from "commander";
import type { Device } from "../engines/driver.ts";
import { POSITIONS } from "../evaluation/action-table.ts";
import { type AgentReport, reportAgent, reportPolicy } from "../evaluation/report.ts";
import { planned } from "../evaluation/precision.ts";
import { GameError, type Protocol, WORDINGS, type WordingName } from "../games/index.ts";
import { type Roster, policiesOf, policyNamed } from "../opponents/index.ts";
import { modelPlayer } from "../play/players/model.ts";
import { allTables, exploitabilityTable, objectiveTable } from "../report/agents.ts";
import { terminalTable } from "../report/table.ts";
import { modelOf, openAgent, rostersOf } from "../runs/agent.ts";
import { AGENT_NAMES, agentName } from "./agent-name.ts";
import { serverConnection } from "./connection.ts";
import { chosenRosters } from "./contestant.ts";
import { type PrintedReport, evaluateCassette, evaluateNamed, modelTables } from "./evaluate-model.ts";
import { type ModelFlags, addModelOptions } from "./model-options.ts";
import {
  deviceOption,
  episodesOption,
  gameOption,
  jsonOption,
  positiveNumber,
  positiveReal,
  protocolOption,
  seedOption,
} from "./options.ts";
import { createProgress } from "./progress.ts";
import { namedRosters } from "./rosters.ts";

interface EvaluateFlags extends ModelFlags {
  readonly policy?: string;
  readonly scripted?: boolean;
  readonly game?: readonly string[];
  readonly protocol?: Protocol;
  readonly episodes: number;
  readonly precision?: number;
  readonly seed: number;
  readonly concurrency?: number;
  readonly positions?: number;
  readonly brief?: boolean;
  readonly device: Device;
  readonly json?: boolean;
}

/** Episodes of a checkpoint that advance together. */
const CONCURRENCY = 2048;

export function addEvaluate(program: Command): void {
  const command = program
    .command("evaluate")
    .description("measure any model, a checkpoint, or scripted policies, against every pool with 95% intervals")
    .argument("[agent]", `a checkpoint, the folder of a run (then its last finished stage), or ${AGENT_NAMES}`)
    .option("--policy <name>", "a scripted policy instead of a checkpoint (needs --game)")
    .option("--scripted", "every scripted policy of every game (or of --game) instead of a checkpoint")
    .addOption(gameOption())
    .addOption(protocolOption())
    .addOption(episodesOption())
    .option(
      "--precision <half-width>",
      "instead of --episodes: choose them so that J's interval is this wide to each side",
      positiveReal,
    )
    .option(
      "--positions <n>",
      `positions per information key at which action probabilities and the worst case are measured; default: ${POSITIONS}, or 4 of chat models`,
      positiveNumber,
    )
    .addOption(seedOption("seed of the scenarios; the same seed gives every agent the same ones"))
    .option(
      "--concurrency <n>",
      `episodes that advance together; changes speed, never a result; default: ${CONCURRENCY}, or 8 of chat models`,
      positiveNumber,
    )
    .option("--brief", "only the tables of J and exploitability")
    .addOption(deviceOption())
    .addOption(jsonOption("print the reports as JSON"));
  addModelOptions(command)
    .addHelpText(
      "after",
      `
The same seed gives every agent the same scenarios. A pilot of 100 episodes per opponent decides what --precision needs.

Examples:
  sepo evaluate runs/latest/checkpoints/sepo --episodes 500
  sepo evaluate --policy tit-for-tat --game ipd --precision 0.02
  sepo evaluate --scripted --episodes 2000 --brief
  sepo evaluate openai:gpt-5-mini --game ipd --episodes 20 --price 0.25,2 --dry-run
  sepo evaluate ollama:qwen3:0.6b --game kuhn --episodes 20 --concurrency 2
  sepo evaluate cassette:runs/ollama-qwen3-0.6b/calls.jsonl --game kuhn --episodes 20`,
    )
    .action(async (agent: string | undefined, flags: EvaluateFlags) => {
      const given = [
        agent === undefined ? [] : "a checkpoint",
        flags.policy === undefined ? [] : "--policy",
        flags.scripted ? "--scripted" : [],
      ].flat();
      if (given.length !== 1)
        throw new GameError(
          `name exactly one of: a checkpoint folder or model, --policy, --scripted; got ${given.length === 0 ? "none" : given.join(" and ")}`,
        );
      const brief = flags.brief === true;
      if (agent === undefined) {
        refuseWords("scripted policies read no words", flags);
        return show(await scripted(flags), flags, brief || flags.scripted === true);
      }
      const name = agentName(agent);
      switch (name.kind) {
        case "model":
          return showModel(await evaluateNamed(name, flags), flags);
        case "cassette":
          return showModel(await evaluateCassette(name.file, flags), flags);
        case "policy":
          refuseWords("scripted policies read no words", flags);
          return show(await scripted({ ...flags, policy: name.policy, game: [name.game] }), flags, brief);
        case "path":
          if (flags.system !== undefined) throw new GameError("--system: a system prompt of your own is for chat models");
          return show(await inWords(name.path, flags), flags, brief);
      }
    });
}

/** Throws `GameError` for options about words where they mean nothing. */
function refuseWords(reason: string, { wording, system }: Pick<EvaluateFlags, "wording" | "system">): void {
  const given = [wording === undefined ? [] : "--wording", system === undefined ? [] : "--system"].flat();
  if (given.length > 0) throw new GameError(`${given.join(" and ")}: ${reason}`);
}

/** The reports of a checkpoint in the wording that is asked for, or in each. */
async function inWords(checkpoint: string, flags: EvaluateFlags): Promise<AgentReport[]> {
  if (flags.wording !== "all") return [await trained(checkpoint, flags, flags.wording)];
  const reports: AgentReport[] = [];
  for (const wording of WORDINGS) {
    const report = await trained(checkpoint, flags, wording);
    reports.push({ ...report, agent: `${report.agent}, ${wording} words` });
  }
  return reports;
}

function show(reports: readonly AgentReport[], flags: EvaluateFlags, brief: boolean): void {
  if (flags.json === true) console.log(JSON.stringify(reports.length === 1 ? reports[0] : reports));
  else print(reports, brief);
}

function showModel(found: PrintedReport | undefined, flags: EvaluateFlags): void {
  if (found === undefined) return;
  if (flags.json === true) return console.log(JSON.stringify(found));
  print([found.report], flags.brief === true, [found]);
}

function print(reports: readonly AgentReport[], brief: boolean, models: readonly PrintedReport[] = []): void {
  const games = [...new Set(reports.flatMap((report) => report.games.map(({ game }) => game)))];
  const tables = brief
    ? games.flatMap((game) => [objectiveTable(game, reports), exploitabilityTable(game, reports)])
    : allTables(reports);
  const shown = [...tables, ...(models.length === 0 ? [] : modelTables(models))];
  console.log(shown.map(terminalTable).join("\n\n"));
  console.log(`\nMade by: ${[...new Set(reports.map(({ command }) => command))].join("\n         ")}`);
}

async function trained(checkpoint: string, flags: EvaluateFlags, wording?: WordingName): Promise<AgentReport> {
  const { device, protocol, precision, seed, concurrency = CONCURRENCY, positions = POSITIONS } = flags;
  const progress = createProgress();
  const agent = await openAgent(checkpoint, {
    device,
    ...serverConnection(),
    ...(protocol === undefined ? {} : { protocol }),
    ...(wording === undefined ? {} : { wording }),
  });
  const model = modelOf(agent);
  const rosters = chosenRosters(rostersOf(agent), flags.game, checkpoint);
  const measure = (episodes: number) =>
    reportAgent(
      rosters,
      { player: modelPlayer(checkpoint, model), model },
      {
        seed,
        concurrency,
        positions,
        episodes,
        name: checkpoint,
        command:
          `sepo evaluate ${checkpoint}${commandTail({ ...flags, episodes })} --positions ${positions}` +
          (wording === undefined ? "" : ` --wording ${wording}`),
        onProgress: (finished, all) => {
          if (finished % 64 === 0) progress.show(`${finished}/${all} episodes`);
        },
      },
    );
  try {
    return await planned(measure, flags.episodes, precision, (text) => progress.note(text));
  } finally {
    progress.done();
    await agent.engine.release();
  }
}

async function scripted(flags: EvaluateFlags): Promise<AgentReport[]> {
  const { policy, game, protocol } = flags;
  if (policy !== undefined && game === undefined) throw new GameError("--policy needs --game");
  const rosters = await namedRosters(game, protocol);
  const reports: AgentReport[] = [];
  for (const roster of rosters)
    for (const name of policy === undefined ? policiesOf(roster).keys() : [policy])
      reports.push(await reportScripted(roster, name, flags));
  return reports;
}

function reportScripted(roster: Roster, name: string, flags: EvaluateFlags): Promise<AgentReport> {
  const { seed, precision } = flags;
  const policy = policyNamed(roster, name);
  const { name: game, protocol } = roster.game.facts;
  const measure = (episodes: number) => {
    const command = `sepo evaluate --policy ${name}${commandTail({ ...flags, game: [game], protocol, episodes })}`;
    return Promise.resolve(reportPolicy(roster, policy, { name, seed, episodes, command }));
  };
  return planned(measure, flags.episodes, precision);
}

const commandTail = ({ game, protocol, episodes, seed }: EvaluateFlags): string =>
  (game ?? []).map((name) => ` --game ${name}`).join("") +
  (protocol === undefined ? "" : ` --protocol ${protocol}`) +
  ` --episodes ${episodes} --seed ${seed}`;
