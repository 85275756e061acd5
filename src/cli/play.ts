import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { Device } from "../engines/driver.ts";
import { GameError, type Protocol } from "../games/index.ts";
import { policyNamed } from "../opponents/index.ts";
import { type EpisodeSpec, playEpisodes } from "../play/episodes.ts";
import type { Player } from "../play/player.ts";
import { LeftTable, personPlayer } from "../play/players/person.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { scoreEpisode } from "../play/score.ts";
import { foldIn, seedKey } from "../random.ts";
import { limited } from "../models/limits.ts";
import { KEY_VARIABLES, type ModelName, openModel } from "../models/providers.ts";
import { redactor } from "../models/redact.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { agentName } from "./agent-name.ts";
import { modelKey, serverConnection } from "./connection.ts";
import { chosenRosters, openContestant } from "./contestant.ts";
import { deviceOption, protocolOption, seedOption } from "./options.ts";
import { namedRosters } from "./rosters.ts";

interface PlayFlags {
  readonly against?: string;
  readonly model?: string;
  readonly protocol?: Protocol;
  readonly seed: number;
  readonly device: Device;
}

export function addPlay(program: Command): void {
  program
    .command("play")
    .description("sit down against a scripted opponent or a trained model")
    .argument("<game>", "a game's name (see: sepo games), or the path of a module")
    .option("--against <name>", "a scripted policy of the game; default: the first of the train pool")
    .option(
      "--model <checkpoint>",
      "a checkpoint, the folder of a run, or PROVIDER:MODEL (docs/any-model.md); the model plays the other seat",
    )
    .addOption(protocolOption())
    .addOption(seedOption("cards and the opponent's randomness"))
    .addOption(deviceOption())
    .addHelpText(
      "after",
      `
Type an action, with any reasoning before it. An empty line or the end of input leaves the table.

Examples:
  sepo play ipd --against tit-for-tat
  sepo play kuhn --model runs/latest/checkpoints/sepo --seed 7`,
    )
    .action(async (name: string, flags: PlayFlags) => {
      const { game, opponent } = await seat(name, flags);
      const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY });
      const input = lines[Symbol.asyncIterator]();
      const agent = personPlayer({
        show: (text) => console.log(text),
        async ask() {
          process.stdout.write("> ");
          const { value, done } = await input.next();
          return done === true ? undefined : value;
        },
      });
      const key = foldIn(seedKey(flags.seed), "play", name);
      console.log(`${game.rules}\n\nYou play ${opponent.name}. Seed ${flags.seed}.`);
      const spec: EpisodeSpec = {
        game,
        agent,
        opponent,
        pool: "held-out",
        id: "play",
        scenario: foldIn(key, "scenario"),
        sampling: foldIn(key, "sampling"),
      };
      try {
        const [episode] = await playEpisodes([spec]);
        const { rounds } = scoreEpisode(episode);
        console.log("\nround  you  they");
        rounds.forEach(({ r, q }, t) =>
          console.log(`${String(t + 1).padStart(5)}  ${String(r).padStart(3)}  ${String(q).padStart(4)}`),
        );
        const total = (value: "r" | "q") => rounds.reduce((sum, round) => sum + round[value], 0);
        console.log(`total  ${String(total("r")).padStart(3)}  ${String(total("q")).padStart(4)}  ${game.facts.unit}`);
      } catch (error) {
        if (!(error instanceof LeftTable)) throw error;
        console.log("\nYou left the table.");
      } finally {
        lines.close();
      }
    });
}

/** A chat model that is asked as the game goes on; nothing of it is kept. */
async function livePlayer(name: ModelName): Promise<Player> {
  const apiKey = modelKey(KEY_VARIABLES[name.provider]);
  const model = await openModel(name, apiKey === undefined ? {} : { apiKey });
  const redact = redactor(apiKey === undefined ? [] : [apiKey]);
  return chatPlayer(limited(model, { redact, patienceSeconds: 60 }));
}

/** The game as its opponent plays it, and the opponent. */
async function seat(name: string, { against, model, protocol, device }: PlayFlags) {
  const settings = protocol === undefined ? {} : { protocol };
  if (model !== undefined && against !== undefined)
    throw new GameError("choose an opponent with --against or --model, not both");
  const meant = model === undefined ? undefined : agentName(model);
  if (meant?.kind === "model") {
    const [{ game }] = await namedRosters([name], protocol);
    return { game, opponent: await livePlayer(meant) };
  }
  if (model !== undefined) {
    const contestant = await openContestant(model, { device, ...serverConnection(), ...settings });
    const [{ game }] = chosenRosters(contestant.rosters, [name], model);
    return { game, opponent: contestant.player };
  }
  const [roster] = await namedRosters([name], protocol);
  const policy = against === undefined ? roster.pools.train[0] : policyNamed(roster, against);
  const opponent: Player = scriptedPlayer(policy);
  return { game: roster.game, opponent };
}
