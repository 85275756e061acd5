import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { Device } from "../engines/embedded/engine.ts";
import { EngineError } from "../engines/engine.ts";
import { GameError, parse } from "../games/index.ts";
import { policyNamed, rosterOf } from "../opponents/index.ts";
import { type EpisodeSpec, playEpisodes } from "../play/episodes.ts";
import { type Decision, type DecisionRequest, type Player, modelPlayer, scriptedPlayer } from "../play/player.ts";
import { scoreEpisode } from "../play/score.ts";
import { foldIn, seedKey } from "../random.ts";
import { openAgent } from "../training/agent.ts";
import { deviceOption, naturalNumber } from "./options.ts";

export function addPlay(program: Command): void {
  program
    .command("play")
    .description("sit down against a scripted opponent or a trained model")
    .argument("<game>", "a game's name (see: sepo games)")
    .option("--against <name>", "a scripted policy of the game", "")
    .option("--model <checkpoint>", "a checkpoint folder; the model plays the other seat")
    .option("--seed <n>", "cards and the opponent's randomness", naturalNumber, 0)
    .addOption(deviceOption())
    .addHelpText(
      "after",
      `
Type an action, with any reasoning before it. An empty line or the end of input leaves the table.

Examples:
  sepo play ipd --against tit-for-tat
  sepo play kuhn --model runs/latest/checkpoints/sepo --seed 7`,
    )
    .action(
      async (
        name: string,
        { against, model, seed, device }: { against: string; model?: string; seed: number; device: Device },
      ) => {
        const { game, pools } = rosterOf(name);
        if (model !== undefined && against !== "")
          throw new GameError("choose an opponent with --against or --model, not both");
        const scripted = against === "" ? pools.train[0] : policyNamed(rosterOf(name), against);
        const opponent = model === undefined ? scriptedPlayer(scripted) : await seatModel(model, name, device);
        const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY });
        const key = foldIn(seedKey(seed), "play", name);
        console.log(`${game.rules}\n\nYou play ${opponent.name}. Seed ${seed}.`);
        const spec: EpisodeSpec = {
          game,
          agent: person(lines[Symbol.asyncIterator]()),
          opponent,
          pool: "held-out",
          scenario: foldIn(key, "scenario"),
          sampling: foldIn(key, "sampling"),
          id: "play",
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
      },
    );
}

class LeftTable extends Error {}

/** A person at the terminal; asks again, with the reason, until an action can be read. */
function person(lines: AsyncIterator<string>): Player {
  const ask = async ({ game, view }: DecisionRequest): Promise<Decision> => {
    console.log(`\n${game.observation(view)}`);
    for (;;) {
      process.stdout.write("> ");
      const { value, done } = await lines.next();
      if (done === true || value.trim() === "") throw new LeftTable();
      const parsed = parse(value, game.grammar, game.legal(view));
      if (parsed.status === "ok") return { action: parsed.action, parsed };
      console.log(parsed.reason);
    }
  };
  return { name: "you", decide: async (requests) => [await ask(requests[0])] };
}

async function seatModel(folder: string, game: string, device: Device): Promise<Player> {
  const { engine, encoding, sampler, rosters } = await openAgent(folder, { device });
  const games = rosters.map((roster) => roster.game.facts.name);
  if (!games.includes(game)) throw new EngineError(`${folder}: this model was trained on ${games.join(", ")}, not on ${game}`);
  return modelPlayer(folder, engine, encoding, sampler);
}
