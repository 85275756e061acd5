import type { Command } from "commander";
import type { Device } from "../engines/embedded/engine.ts";
import { type MeasuredEpisode, playAll, simulateAll } from "../evaluation/episodes.ts";
import { evaluationKey } from "../evaluation/stage.ts";
import { GameError } from "../games/index.ts";
import { differenceOfObjectives } from "../objective/compare.ts";
import { type Roster, policyNamed, rosterOf } from "../opponents/index.ts";
import { modelPlayer } from "../play/player.ts";
import { objectiveSettings } from "../play/score.ts";
import { interval, terminalTable } from "../report/table.ts";
import { holm, pValue, verdict } from "../stats/compare.ts";
import type { Estimate } from "../stats/estimate.ts";
import { openAgent } from "../training/agent.ts";
import { deviceOption, naturalNumber, positiveNumber } from "./options.ts";
import { createProgress } from "./progress.ts";

interface CompareFlags {
  readonly episodes: number;
  readonly seed: number;
  readonly device: Device;
  readonly json?: boolean;
}

/** An agent by name: a checkpoint folder, or `game:policy` for a scripted one. */
interface Contestant {
  readonly name: string;
  readonly rosters: readonly Roster[];
  play(roster: Roster, flags: CompareFlags): Promise<readonly MeasuredEpisode[]>;
  release(): Promise<void>;
}

interface Difference {
  readonly game: string;
  readonly protocol: string;
  readonly first: string;
  readonly second: string;
  readonly difference: Estimate;
}

export function addCompare(program: Command): void {
  program
    .command("compare")
    .description("difference in J between two or more agents on the same scenarios, with paired intervals")
    .argument("<agents...>", "checkpoint folders, or game:policy for scripted agents")
    .option("--episodes <n>", "episodes per opponent", positiveNumber, 200)
    .option("--seed <n>", "seed of the scenarios", naturalNumber, 0)
    .addOption(deviceOption())
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Every agent is compared with the first one. With several comparisons, p-values are adjusted by Holm's method for their number.

Examples:
  sepo compare runs/latest/checkpoints/sepo runs/latest/checkpoints/sft --episodes 500
  sepo compare kuhn:equilibrium kuhn:tight-value kuhn:pot-control --episodes 2000`,
    )
    .action(async (names: readonly string[], flags: CompareFlags) => {
      if (names.length < 2) throw new GameError(`name at least two agents to compare, got ${names.length}`);
      const agents = await Promise.all(names.map((name) => contestant(name, flags.device)));
      const rows = await differences(agents, flags);
      await Promise.all(agents.map((agent) => agent.release()));
      if (flags.json === true) console.log(JSON.stringify(rows));
      else print(rows, flags);
    });
}

async function contestant(name: string, device: Device): Promise<Contestant> {
  const [game, policy, ...more] = name.split(":");
  if (policy !== undefined && more.length === 0 && !name.includes("/")) {
    const roster = rosterOf(game);
    const scripted = policyNamed(roster, policy);
    const play: Contestant["play"] = (own, { episodes, seed }) =>
      Promise.resolve(simulateAll(own, scripted, evaluationKey(seed), { episodes }));
    return { name, rosters: [roster], play, release: () => Promise.resolve() };
  }
  const { engine, encoding, sampler, rosters } = await openAgent(name, { device });
  const player = modelPlayer(name, engine, encoding, sampler);
  return {
    name,
    rosters,
    play: async (own, { episodes, seed }) => (await playAll(own, player, evaluationKey(seed), { episodes })).measured,
    release: () => engine.release(),
  };
}

async function differences([first, ...others]: readonly Contestant[], flags: CompareFlags): Promise<Difference[]> {
  const progress = createProgress();
  const rows: Difference[] = [];
  for (const roster of first.rosters) {
    const { name: game, protocol } = roster.game.facts;
    progress.show(`${game}: ${first.name}`);
    const own = await first.play(roster, flags);
    for (const other of others) {
      const theirs = other.rosters.find((candidate) => candidate.game.facts.name === game);
      if (theirs === undefined) continue;
      if (theirs.game.facts.protocol !== protocol)
        throw new GameError(
          `${game}: ${first.name} was measured under protocol ${protocol}, ${other.name} under ${theirs.game.facts.protocol}; they are not comparable`,
        );
      progress.show(`${game}: ${other.name}`);
      const difference = differenceOfObjectives(own, await other.play(theirs, flags), objectiveSettings(roster.game.facts));
      rows.push({ game, protocol, first: first.name, second: other.name, difference });
    }
  }
  progress.done();
  if (rows.length === 0) throw new GameError("the agents have no game in common");
  return rows;
}

function print(rows: readonly Difference[], { episodes, seed }: CompareFlags): void {
  const adjusted = holm(rows.map(({ difference }) => pValue(difference)));
  const family = rows.length === 1 ? "one comparison" : `${rows.length} comparisons, p-values adjusted by Holm's method`;
  console.log(
    terminalTable({
      title: `Difference in J on shared scenarios: protocol ${rows[0].protocol}, ${episodes} episodes per opponent, seed ${seed}, ${family}`,
      head: ["game", "first", "second", "J first - J second", "p", "verdict"],
      rows: rows.map(({ game, first, second, difference }, i) => [
        game,
        first,
        second,
        interval(difference),
        adjusted[i] < 0.001 ? "< 0.001" : adjusted[i].toFixed(3),
        adjusted[i] < 0.05 ? verdict(difference, first, second) : "no difference shown",
      ]),
    }),
  );
}
