import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { Device } from "../engines/driver.ts";
import { type Game, GameError, type Protocol, describeSettings, sameSettings } from "../games/index.ts";
import { policiesOf, policyNamed } from "../opponents/index.ts";
import { type EpisodeSpec, playEpisodes } from "../play/episodes.ts";
import type { Player } from "../play/player.ts";
import { LeftTable, personPlayer } from "../play/players/person.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { type Watching, watchedPlayer } from "../play/players/watched.ts";
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
  readonly agent?: string;
  readonly reasoning?: boolean;
  readonly against?: string;
  readonly model?: string;
  readonly protocol?: Protocol;
  readonly seed: number;
  readonly device: Device;
}

export function addPlay(program: Command): void {
  program
    .command("play")
    .description("sit down against a scripted opponent or a model, or watch any two of them")
    .argument("<game>", "a game's name (see: sepo games), or the path of a module")
    .option("--against <name>", "a scripted policy of the game; default: the first of the train pool")
    .option(
      "--model <checkpoint>",
      "a checkpoint, the folder of a run, or PROVIDER:MODEL (docs/any-model.md); the model plays the other seat",
    )
    .option("--agent <who>", "who takes your seat while you watch: a policy's name, or what --model takes")
    .option("--reasoning", "show what models write, not their actions alone")
    .addOption(protocolOption())
    .addOption(seedOption("cards and the opponent's randomness"))
    .addOption(deviceOption())
    .addHelpText(
      "after",
      `
Type an action, with any reasoning before it. An empty line or the end of input leaves the table.

Examples:
  sepo play ipd --against tit-for-tat
  sepo play kuhn --model runs/latest/checkpoints/sepo --seed 7 --reasoning
  sepo play ipd --agent runs/latest --against grim-trigger --reasoning`,
    )
    .action(async (name: string, flags: PlayFlags) => {
      const show = (text: string): void => console.log(text);
      const words = flags.reasoning === true;
      const { game, player } = await seat(name, flags);
      const opponent = words && flags.model !== undefined ? watched(player, { show, words, observation: false }) : player;
      const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY });
      const input = lines[Symbol.asyncIterator]();
      const ask = async () => {
        process.stdout.write("> ");
        const { value, done } = await input.next();
        return done === true ? undefined : value;
      };
      const agent =
        flags.agent === undefined
          ? personPlayer({ show, ask })
          : watched(await other(flags.agent, name, game, flags), { show, words, observation: true });
      const key = foldIn(seedKey(flags.seed), "play", name);
      console.log(
        `${game.rules}\n\n${flags.agent === undefined ? "You play" : `${agent.name} plays`} ${opponent.name}. Seed ${flags.seed}.`,
      );
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
        console.log(
          flags.agent === undefined ? "\nround  you  they" : `\n${agent.name} and ${opponent.name}\nround  own  they`,
        );
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

const watched = (player: Player, watching: Omit<Watching, "label">): Player =>
  watchedPlayer(player, { ...watching, label: player.name });

/** The game as its opponent plays it, and the opponent. */
async function seat(name: string, flags: PlayFlags): Promise<Seated> {
  const { against, model, protocol } = flags;
  if (model !== undefined && against !== undefined)
    throw new GameError("choose an opponent with --against or --model, not both");
  if (model !== undefined) return seatModel(model, name, flags);
  const [roster] = await namedRosters([name], protocol);
  const policy = against === undefined ? roster.pools.train[0] : policyNamed(roster, against);
  return { game: roster.game, player: scriptedPlayer(policy) };
}

interface Seated {
  readonly game: Game;
  readonly player: Player;
}

async function seatModel(model: string, name: string, { protocol, device }: PlayFlags): Promise<Seated> {
  const meant = agentName(model);
  if (meant.kind === "model") {
    const [{ game }] = await namedRosters([name], protocol);
    return { game, player: await livePlayer(meant) };
  }
  const contestant = await openContestant(model, {
    device,
    ...serverConnection(),
    ...(protocol === undefined ? {} : { protocol }),
  });
  const [{ game }] = chosenRosters(contestant.rosters, [name], model);
  return { game, player: contestant.player };
}

/** Who takes the person's seat: a scripted policy by its name, or a model that plays the same game. */
async function other(who: string, name: string, game: Game, flags: PlayFlags): Promise<Player> {
  const [roster] = await namedRosters([name], game.facts.protocol);
  const policy = policiesOf(roster).get(who);
  if (policy !== undefined) return scriptedPlayer(policy);
  const seated = await seatModel(who, name, flags);
  if (!sameSettings(seated.game.facts, game.facts))
    throw new GameError(
      `${who} plays ${describeSettings(seated.game.facts) || "the standard game"}, its opponent ${describeSettings(game.facts) || "the standard game"}; expected the same game`,
    );
  return seated.player;
}
