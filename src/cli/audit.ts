import { type Command, Option } from "commander";
import type { Device } from "../engines/embedded/engine.ts";
import { GAME_NAMES, GameError } from "../games/index.ts";
import { rosterOf } from "../opponents/index.ts";
import { modelPlayer } from "../play/player.ts";
import { foldIn, seedKey } from "../random.ts";
import { terminalTable } from "../report/table.ts";
import { openAgent } from "../training/agent.ts";
import { contributions, cosine, creditGradient, norm } from "../training/audit.ts";
import { judgeEstimators } from "../training/estimators.ts";
import { rollout } from "../training/rollout.ts";
import { shuffleHarms } from "../training/sepo.ts";
import { deviceOption, naturalNumber, positiveNumber } from "./options.ts";

interface AuditFlags {
  readonly game: string;
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
    .addOption(new Option("--game <name>", "which game").choices(GAME_NAMES).default("ipd"))
    .option("--batches <n>", "rollouts to average when judging estimators", positiveNumber, 300)
    .option("--group-size <n>", "episodes per opponent", positiveNumber, 8)
    .option("--seed <n>", "seed of the rollouts", naturalNumber, 0)
    .addOption(deviceOption())
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  sepo audit --game kuhn --batches 600\n  sepo audit runs/latest/checkpoints/sft --game ipd --group-size 16",
    )
    .action(async (checkpoint: string | undefined, flags: AuditFlags) => {
      const rows = checkpoint === undefined ? await judged(flags) : await taken(checkpoint, flags);
      if (flags.json === true) console.log(JSON.stringify(rows));
      else console.log(terminalTable(rows));
    });
}

async function judged({ game, batches, groupSize, seed }: AuditFlags) {
  const rows = await judgeEstimators(rosterOf(game), batches, { groupSize, seed });
  return {
    title: `${game}: estimators averaged over ${batches} rollouts of ${groupSize} episodes per opponent, against the exact gradient of J`,
    head: ["estimator", "cosine", "norm", "mean squared z (1: expectation is zero)"],
    rows: rows.map((row) => [row.name, row.cosine.toFixed(4), row.norm.toFixed(4), row.significance.toFixed(1)]),
  };
}

/** One rollout of a checkpoint, taken apart; the control exchanges harms between the episodes of each group. */
async function taken(checkpoint: string, { game, groupSize, seed, device }: AuditFlags) {
  const { engine, encoding, sampler, rosters } = await openAgent(checkpoint, { device });
  const roster = rosters.find((own) => own.game.facts.name === game);
  if (roster === undefined) throw new GameError(`${checkpoint} was not trained on ${game}; expected one of its games`);
  const key = foldIn(seedKey(seed), "audit", game);
  const groups = await rollout([roster], modelPlayer("agent", engine, encoding, sampler), key, { scenarios: 1, groupSize });
  const parts = await contributions(engine, groups, sampler.temperature);
  const whole = await creditGradient(engine, groups, sampler.temperature);
  const shuffled = groups.map((group) => shuffleHarms(group, foldIn(key, "shuffle", group.opponent)));
  const control = await creditGradient(engine, shuffled, sampler.temperature);
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
