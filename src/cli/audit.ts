import type { Command } from "commander";
import type { Device } from "../engines/driver.ts";
import { GameError, type Protocol } from "../games/index.ts";
import { modelPlayer } from "../play/players/model.ts";
import { foldIn, seedKey } from "../random.ts";
import { type TextTable, terminalTable } from "../report/table.ts";
import { modelOf, openAgent, rostersOf } from "../runs/agent.ts";
import { shuffleHarms } from "../training/decision-credit.ts";
import { contributions, cosine, creditGradient, norm } from "../audit/audit.ts";
import { judgeEstimators } from "../audit/estimators.ts";
import { rollout } from "../training/rollout.ts";
import { serverConnection } from "./connection.ts";
import { chosenRosters } from "./contestant.ts";
import { deviceOption, gameOption, jsonOption, positiveNumber, protocolOption, seedOption } from "./options.ts";
import { namedRosters } from "./rosters.ts";

interface AuditFlags {
  readonly game?: readonly string[];
  readonly protocol?: Protocol;
  readonly batches: number;
  readonly groupSize: number;
  readonly seed: number;
  readonly device: Device;
  readonly json?: boolean;
}

export function addAudit(program: Command): void {
  program
    .command("audit")
    .description(
      "show what the gradient is made of: credit estimators against the exact gradient of J, or a checkpoint's pools and terms",
    )
    .argument("[checkpoint]", "a checkpoint folder; without one, the estimators are judged with the exact tabular engine")
    .addOption(gameOption("which game; default: ipd (repeatable)"))
    .addOption(protocolOption())
    .option("--batches <n>", "rollouts to average when judging estimators", positiveNumber, 300)
    .option("--group-size <n>", "episodes per opponent, 2 or more", positiveNumber, 8)
    .addOption(seedOption("seed of the rollouts"))
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  sepo audit --game kuhn --batches 600\n  sepo audit runs/latest/checkpoints/sft --game ipd --group-size 16",
    )
    .action(async (checkpoint: string | undefined, flags: AuditFlags) => {
      if (flags.groupSize < 2) throw new GameError(`--group-size: a group needs at least 2 episodes, got ${flags.groupSize}`);
      const names = flags.game ?? ["ipd"];
      const tables: TextTable[] = [];
      for (const name of names)
        tables.push(checkpoint === undefined ? await judged(name, flags) : await taken(checkpoint, name, flags));
      if (flags.json === true) console.log(JSON.stringify(tables.length === 1 ? tables[0] : tables));
      else console.log(tables.map(terminalTable).join("\n\n"));
    });
}

/** A table of more rows than memory holds has no exact gradient. */
async function judged(game: string, { protocol, batches, groupSize, seed }: AuditFlags): Promise<TextTable> {
  const [roster] = await namedRosters([game], protocol);
  if (!roster.game.facts.enumerable)
    throw new GameError(
      `${game} has too many positions for the exact gradient of J; audit a checkpoint instead, or another game`,
    );
  const rows = await judgeEstimators(roster, batches, { groupSize, seed });
  return {
    title: `${game}: estimators averaged over ${batches} rollouts of ${groupSize} episodes per opponent, against the exact gradient of J`,
    head: ["estimator", "cosine", "norm", "mean squared z (1: expectation is zero)"],
    rows: rows.map((row) => [row.name, row.cosine.toFixed(4), row.norm.toFixed(4), row.significance.toFixed(1)]),
  };
}

/** One rollout of a checkpoint, taken apart; the control exchanges harms between the episodes of each group. */
async function taken(checkpoint: string, game: string, flags: AuditFlags): Promise<TextTable> {
  const { protocol, groupSize, seed, device } = flags;
  const agent = await openAgent(checkpoint, { device, ...serverConnection(), ...(protocol === undefined ? {} : { protocol }) });
  const { engine, sampling } = agent;
  const [roster] = chosenRosters(rostersOf(agent), [game], checkpoint);
  const key = foldIn(seedKey(seed), "audit", game);
  const groups = await rollout([roster], modelPlayer("agent", modelOf(agent)), key, { scenarios: 1, groupSize });
  const parts = await contributions(engine, groups, sampling.temperature);
  const whole = await creditGradient(engine, groups, sampling.temperature);
  const shuffled = groups.map((group) => shuffleHarms(group, foldIn(key, "shuffle", group.opponent)));
  const control = await creditGradient(engine, shuffled, sampling.temperature);
  await engine.release();
  return {
    title: `${game}: what one rollout of ${checkpoint} contributes to the gradient`,
    head: ["pool", "term", "norm", "cosine with the whole"],
    rows: [
      ...parts.map((part) => [part.pool, part.term, part.norm.toExponential(2), part.cosine.toFixed(3)]),
      ["all", "all", norm(whole).toExponential(2), "1.000"],
      ["all", "harms shuffled (control)", norm(control).toExponential(2), cosine(control, whole).toFixed(3)],
    ],
  };
}
