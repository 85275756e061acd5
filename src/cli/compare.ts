import type { Command } from "commander";
import type { Device } from "../engines/driver.ts";
import { type Difference, compareAgents } from "../evaluation/compare.ts";
import { GameError, type Protocol } from "../games/index.ts";
import { interval, terminalTable } from "../report/table.ts";
import { inWords } from "../stats/compare.ts";
import { serverConnection } from "./connection.ts";
import { agentName } from "./agent-name.ts";
import { type Contestant, chosenRosters, openContestant } from "./contestant.ts";
import { interruptSignal } from "./failure.ts";
import { liveContestant } from "./live-model.ts";
import { type AskingFlags, addAskingOptions } from "./model-options.ts";
import { namedGames } from "./rosters.ts";
import { deviceOption, episodesOption, gameOption, jsonOption, positiveNumber, protocolOption, seedOption } from "./options.ts";
import { createProgress } from "./progress.ts";

interface CompareFlags extends AskingFlags {
  readonly game?: readonly string[];
  readonly protocol?: Protocol;
  readonly episodes: number;
  readonly seed: number;
  readonly device: Device;
  readonly json?: boolean;
}

export function addCompare(program: Command): void {
  const command = program
    .command("compare")
    .description("difference in J between two or more agents on the same scenarios, with paired intervals")
    .argument(
      "<agents...>",
      "checkpoints, folders of runs or of models' evaluations, chat models such as ollama:MODEL, cassette:FILE, or game:policy for scripted agents",
    )
    .addOption(gameOption())
    .addOption(protocolOption())
    .addOption(episodesOption())
    .addOption(seedOption("seed of the scenarios"))
    .addOption(deviceOption())
    .addOption(jsonOption());
  addAskingOptions(command.optionsGroup("Options for chat models that are asked:"))
    .option("--concurrency <n>", "calls of a chat model under way", positiveNumber)
    .addHelpText(
      "after",
      `
Every agent is compared with the first one. With several comparisons, p-values are adjusted by Holm's method for their number.
Answers of a chat model are kept in runs/ under its name, where "sepo evaluate" finds them; the same command goes on after a stop.

Examples:
  sepo compare runs/latest/checkpoints/sepo runs/latest/checkpoints/sft --episodes 500
  sepo compare runs/openai-gpt-5-mini runs/ollama-qwen3-0.6b --episodes 20    # replays their answers, asks nobody
  sepo compare ollama:qwen3:0.6b runs/latest kuhn:equilibrium --game kuhn --episodes 20
  sepo compare kuhn:equilibrium kuhn:tight-value kuhn:equilibrium-1/6 --episodes 2000`,
    )
    .action(async (names: readonly string[], flags: CompareFlags) => {
      if (names.length < 2) throw new GameError(`name at least two agents to compare, got ${names.length}`);
      const { episodes, seed } = flags;
      const progress = createProgress();
      const agents = await openAll(names, flags, (text) => progress.note(text));
      try {
        const first = { ...agents[0], rosters: chosenRosters(agents[0].rosters, flags.game, names[0]) };
        const rows = await compareAgents([first, ...agents.slice(1)], {
          episodes,
          seed,
          onAgent: (game, agent) => progress.show(`${game}: ${agent}`),
        });
        progress.done();
        if (flags.json === true) console.log(JSON.stringify(rows));
        else print(rows, flags);
      } finally {
        progress.done();
        await Promise.all([...new Set(agents)].map((agent) => agent.release()));
      }
    });
}

/** Opens every agent. A chat model that is asked plays the games of the first of the others, so that modules and options are the same. */
async function openAll(
  names: readonly string[],
  flags: CompareFlags,
  onMessage: (text: string) => void,
): Promise<readonly Contestant[]> {
  const { device, protocol, episodes, seed } = flags;
  const options = { device, ...serverConnection(), ...(protocol === undefined ? {} : { protocol }) };
  const known = new Map<string, Contestant>();
  try {
    for (const name of names) if (agentName(name).kind !== "model") known.set(name, await openContestant(name, options));
    const theirs = [...known.values()].find(({ games }) => games !== undefined)?.games;
    const shared = theirs ?? (await namedGames(flags.game ?? commonGames([...known.values()]), protocol));
    const games = shared.filter(({ roster }) => flags.game?.includes(roster.game.facts.name) ?? true);
    const signal = interruptSignal();
    for (const name of names) {
      const meant = agentName(name);
      if (meant.kind === "model")
        known.set(name, await liveContestant(meant, flags, { seed, episodes, games, signal, onMessage }));
    }
  } catch (error) {
    await Promise.all([...known.values()].map((agent) => agent.release()));
    throw error;
  }
  return names.flatMap((name) => known.get(name) ?? []);
}

/** The games of scripted agents; all where there is none. */
const commonGames = (agents: readonly Contestant[]): readonly string[] | undefined =>
  agents.length === 0 ? undefined : [...new Set(agents.flatMap(({ rosters }) => rosters.map(({ game }) => game.facts.name)))];

function print(rows: readonly Difference[], { episodes, seed }: CompareFlags): void {
  const family =
    rows.length === 1 ? "one comparison" : `${rows.length} comparisons, p-values adjusted by Holm's method, intervals to match`;
  console.log(
    terminalTable({
      title: `Difference in J on shared scenarios: protocol ${rows[0].protocol}, ${episodes} episodes per opponent, seed ${seed}, ${family}`,
      head: ["game", "first", "second", "J first - J second", "p", "verdict"],
      rows: rows.map(({ game, first, second, difference, low, high, adjusted, verdict }) => [
        game,
        first,
        second,
        interval({ ...difference, low, high }),
        adjusted < 0.001 ? "< 0.001" : adjusted.toFixed(3),
        inWords(verdict, first, second),
      ]),
    }),
  );
}
