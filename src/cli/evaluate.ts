import { type Command, Option } from "commander";
import { simulateAll } from "../evaluation/episodes.ts";
import { type AgentReport, evaluationKey, reportAgent, reportPolicy } from "../evaluation/stage.ts";
import type { Device } from "../engines/embedded/engine.ts";
import { GameError, PROTOCOLS, type Protocol } from "../games/index.ts";
import { measureObjective } from "../objective/objective.ts";
import { type Roster, allRosters, policiesOf, policyNamed, rosterOf } from "../opponents/index.ts";
import { objectiveSettings } from "../play/score.ts";
import { allTables, exploitabilityTable, objectiveTable } from "../report/agents.ts";
import { terminalTable } from "../report/table.ts";
import { planEpisodes } from "../stats/compare.ts";
import { POSITIONS, positionsFlag } from "../evaluation/policy-table.ts";
import { openAgent } from "../training/agent.ts";
import { deviceOption, naturalNumber, positiveNumber, positiveReal } from "./options.ts";
import { createProgress } from "./progress.ts";

interface EvaluateFlags {
  readonly policy?: string;
  readonly scripted?: boolean;
  readonly game?: string;
  readonly protocol: Protocol;
  readonly episodes: number;
  readonly precision?: number;
  readonly seed: number;
  readonly concurrency: number;
  readonly positions: number;
  readonly brief?: boolean;
  readonly device: Device;
  readonly json?: boolean;
}

export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("measure a checkpoint, or scripted policies, against every pool with 95% intervals")
    .argument("[checkpoint]", "a checkpoint folder")
    .option("--policy <name>", "a scripted policy instead of a checkpoint (needs --game)")
    .option("--scripted", "every scripted policy of every game (or of --game) instead of a checkpoint")
    .option("--game <name>", "only this game")
    .addOption(
      new Option("--protocol <name>", "the measurement rules, for scripted policies").choices(PROTOCOLS).default("corrected"),
    )
    .option("--episodes <n>", "episodes per opponent", positiveNumber, 200)
    .option(
      "--precision <half-width>",
      "instead of --episodes: choose them so that J's interval is this wide to each side",
      positiveReal,
    )
    .option(
      "--positions <n>",
      "positions per information key at which action probabilities and the worst case are measured",
      positiveNumber,
      POSITIONS,
    )
    .option("--seed <n>", "seed of the scenarios; the same seed gives every agent the same ones", naturalNumber, 0)
    .option("--concurrency <n>", "episodes that advance together; changes speed, never a result", positiveNumber, 2048)
    .option("--brief", "only the tables of J and exploitability")
    .addOption(deviceOption())
    .option("--json", "print the reports as JSON")
    .addHelpText(
      "after",
      `
The same seed gives every agent the same scenarios. A pilot of 100 episodes per opponent decides what --precision needs.

Examples:
  sepo evaluate runs/latest/checkpoints/sepo --episodes 500
  sepo evaluate --policy tit-for-tat --game ipd --precision 0.02
  sepo evaluate --scripted --episodes 2000 --brief`,
    )
    .action(async (checkpoint: string | undefined, flags: EvaluateFlags) => {
      if ([checkpoint, flags.policy, flags.scripted].filter((given) => given !== undefined).length !== 1)
        throw new GameError("name one of: a checkpoint folder, --policy, --scripted");
      const reports = checkpoint === undefined ? scripted(flags) : [await trained(checkpoint, flags)];
      if (flags.json === true) console.log(JSON.stringify(reports.length === 1 ? reports[0] : reports));
      else print(reports, flags.brief === true || flags.scripted === true);
    });
}

function print(reports: readonly AgentReport[], brief: boolean): void {
  const games = [...new Set(reports.flatMap((report) => report.games.map(({ game }) => game)))];
  const tables = brief
    ? games.flatMap((game) => [objectiveTable(game, reports), exploitabilityTable(game, reports)])
    : allTables(reports);
  console.log(tables.map(terminalTable).join("\n\n"));
  console.log(`\nMade by: ${[...new Set(reports.map(({ command }) => command))].join("\n         ")}`);
}

const PILOT = 100;

async function trained(checkpoint: string, flags: EvaluateFlags): Promise<AgentReport> {
  const progress = createProgress();
  const onProgress = (finished: number) => {
    if (finished % 64 === 0) progress.show(`${finished} episodes`);
  };
  const { engine, encoding, sampler, rosters } = await openAgent(checkpoint, { device: flags.device });
  const chosen = flags.game === undefined ? rosters : rosters.filter(({ game }) => game.facts.name === flags.game);
  if (chosen.length === 0)
    throw new GameError(
      `${checkpoint} was trained on ${rosters.map(({ game }) => game.facts.name).join(", ")}, not on ${flags.game}`,
    );
  const measure = (episodes: number) =>
    reportAgent(chosen, engine, encoding, sampler, {
      ...flags,
      episodes,
      name: checkpoint,
      command: `sepo evaluate ${checkpoint}${commandTail({ ...flags, episodes })}${positionsFlag(flags.positions)}`,
      onProgress,
    });
  const { precision } = flags;
  let { episodes } = flags;
  if (precision !== undefined) {
    const pilot = await measure(PILOT);
    episodes = Math.max(...pilot.games.map(({ objective }) => planEpisodes(objective.safetyIndex, PILOT, precision)));
    progress.note(`a pilot of ${PILOT} episodes asks for ${episodes} per opponent`);
  }
  const report = await measure(episodes);
  progress.done();
  await engine.release();
  return report;
}

function scripted(flags: EvaluateFlags): AgentReport[] {
  const { policy, game, protocol } = flags;
  if (policy !== undefined && game === undefined) throw new GameError("--policy needs --game");
  const rosters = game === undefined ? allRosters(protocol) : [rosterOf(game, protocol)];
  return rosters.flatMap((roster) => {
    const names = policy === undefined ? [...policiesOf(roster).keys()] : [policy];
    return names.map((name) => reportScripted(roster, name, flags));
  });
}

function reportScripted(roster: Roster, name: string, flags: EvaluateFlags): AgentReport {
  const { seed, precision } = flags;
  const policy = policyNamed(roster, name);
  let { episodes } = flags;
  if (precision !== undefined) {
    const pilot = simulateAll(roster, policy, evaluationKey(seed), { episodes: PILOT });
    episodes = planEpisodes(measureObjective(pilot, objectiveSettings(roster.game.facts)).safetyIndex, PILOT, precision);
  }
  const what = flags.scripted === true ? "--scripted" : `--policy ${name}`;
  const command = `sepo evaluate ${what} --protocol ${flags.protocol}${commandTail({ ...flags, episodes })}`;
  return reportPolicy(roster, policy, { name, seed, episodes, command });
}

const commandTail = ({ game, episodes, seed }: EvaluateFlags): string =>
  `${game === undefined ? "" : ` --game ${game}`} --episodes ${episodes} --seed ${seed}`;
