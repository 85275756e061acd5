/** What an evaluation of a chat model will ask for, found by playing it with uniform actions in the model's place. */
import { choose, describeSettings, uniformly } from "../games/index.ts";
import { roughTokens } from "../models/chat-model.ts";
import type { Roster } from "../opponents/index.ts";
import { messagesOf } from "../play/messages.ts";
import type { Player } from "../play/player.ts";
import { uniform } from "../random.ts";
import type { EvaluationOptions } from "./episodes.ts";
import { reportAgent } from "./report.ts";
import { bySamples } from "./sampled-actions.ts";

export interface Forecast {
  readonly game: string;
  /** What differs from the standard game, in words. */
  readonly settings: string;
  /** Calls if every reply is readable; each unreadable one adds one. How long games last may depend on the agent. */
  readonly calls: number;
  /** Input tokens by the rule of thumb. */
  readonly input: number;
}

export async function forecastCalls(
  rosters: readonly Roster[],
  {
    seed,
    positions,
    samples,
    system,
    ...options
  }: EvaluationOptions & {
    readonly seed: number;
    readonly positions: number;
    readonly samples: number;
    readonly system?: string | undefined;
  },
): Promise<Forecast[]> {
  const found: Forecast[] = [];
  for (const roster of rosters) {
    let [calls, input] = [0, 0];
    const player: Player = {
      name: "forecast",
      decide: (requests) =>
        Promise.resolve(
          requests.map(({ game, view, key }) => {
            calls++;
            input += roughTokens(messagesOf(game, view, system).map(({ content }) => content));
            const action = choose(uniformly(game.legal(view)), uniform(key));
            return { action, parsed: { status: "ok", action } };
          }),
        ),
    };
    const measure = bySamples(player, { samples });
    await reportAgent([roster], { player, measure }, { ...options, seed, positions, name: player.name, command: "" });
    const { facts } = roster.game;
    found.push({ game: facts.name, settings: describeSettings(facts), calls, input });
  }
  return found;
}
