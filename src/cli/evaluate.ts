import type { Command } from "commander";
import { type AgentReport, reportAgent } from "../evaluation/stage.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { GameError } from "../games/index.ts";
import { policyNamed, rosterOf } from "../opponents/index.ts";
import { scriptedPlayer } from "../play/player.ts";
import { foldIn, seedKey } from "../random.ts";
import { actionTable, objectiveTable, opponentTable } from "../report/agents.ts";
import { terminalTable } from "../report/table.ts";
import { openAgent } from "../training/agent.ts";
import { naturalNumber, positiveNumber } from "./options.ts";
import { createProgress } from "./progress.ts";

interface EvaluateFlags {
  readonly policy?: string;
  readonly game?: string;
  readonly episodes: number;
  readonly seed: number;
  readonly concurrency: number;
  readonly json?: boolean;
}

export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("measure a checkpoint, or a scripted policy, against every pool with 95% intervals")
    .argument("[checkpoint]", "a checkpoint folder")
    .option("--policy <name>", "a scripted policy instead of a checkpoint (needs --game)")
    .option("--game <name>", "only this game")
    .option("--episodes <n>", "episodes per opponent", positiveNumber, 200)
    .option("--seed <n>", "seed of the scenarios; the same seed gives every agent the same ones", naturalNumber, 0)
    .option("--concurrency <n>", "episodes that advance together; changes speed, never a result", positiveNumber, 512)
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  sepo evaluate runs/latest/checkpoints/sepo --episodes 500\n  sepo evaluate --policy tit-for-tat --game ipd",
    )
    .action(async (checkpoint: string | undefined, flags: EvaluateFlags) => {
      if ((checkpoint === undefined) === (flags.policy === undefined))
        throw new GameError("name either a checkpoint folder or a --policy, not both");
      const progress = createProgress();
      const onProgress = (finished: number) => {
        if (finished % 64 === 0) progress.show(`${finished} episodes`);
      };
      const report =
        checkpoint === undefined ? await scripted(flags, onProgress) : await trained(checkpoint, flags, onProgress);
      progress.done();
      if (flags.json === true) {
        console.log(JSON.stringify(report));
        return;
      }
      for (const { game, actionTable: rows } of report.games) {
        console.log(`\n${terminalTable(objectiveTable(game, [report]))}\n\n${terminalTable(opponentTable(game, report))}`);
        if (rows.length > 0) console.log(`\n${terminalTable(actionTable(game, [report]))}`);
      }
      console.log(`\nMade by: ${report.command}`);
    });
}

async function trained(checkpoint: string, flags: EvaluateFlags, onProgress: (finished: number) => void): Promise<AgentReport> {
  const { engine, encoding, sampler, games } = await openAgent(checkpoint);
  const chosen = flags.game === undefined ? games : [rosterOf(flags.game).game.facts.name];
  const report = await reportAgent(chosen, engine, encoding, sampler, {
    ...flags,
    name: checkpoint,
    command: `sepo evaluate ${checkpoint}${commandTail(flags)}`,
    onProgress,
  });
  await engine.release();
  return report;
}

async function scripted(flags: EvaluateFlags, onProgress: (finished: number) => void): Promise<AgentReport> {
  const { policy = "", game, seed } = flags;
  if (game === undefined) throw new GameError("--policy needs --game");
  const roster = rosterOf(game);
  const agent = scriptedPlayer(policyNamed(roster, policy));
  const { report } = await evaluate(game, agent, foldIn(seedKey(seed), "evaluation"), { ...flags, onProgress });
  return {
    agent: policy,
    seed,
    command: `sepo evaluate --policy ${policy}${commandTail(flags)}`,
    games: [{ ...report, referencePolicy: roster.reference.name, actionTable: [] }],
  };
}

const commandTail = ({ game, episodes, seed }: EvaluateFlags): string =>
  `${game === undefined ? "" : ` --game ${game}`} --episodes ${episodes} --seed ${seed}`;
