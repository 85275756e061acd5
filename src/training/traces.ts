/**
 * Supervised traces: experts play the pools, and every decision becomes one chat example whose answer is a short reason that is
 * true of the position, then the action. Held-out opponents never appear.
 */
import { type Action, type Game, certainly, choose, uniformly } from "../games/index.ts";
import { type Expert, OBJECTIVE_POOLS, type Roster, uniformPolicy } from "../opponents/index.ts";
import { type EpisodeSpec, playEpisodes } from "../play/episodes.ts";
import { messagesOf } from "../play/messages.ts";
import { scriptedPlayer } from "../play/players/scripted.ts";
import { type Key, foldIn, uniform } from "../random.ts";
import type { Message } from "../text/chat.ts";

export interface Trace {
  readonly game: Game;
  readonly expert: string;
  readonly opponent: string;
  /** Number of the episode; a split never divides one. */
  readonly episode: number;
  readonly split: "train" | "validation";
  readonly action: Action;
  readonly view: unknown;
  readonly messages: readonly Message[];
}

export interface TraceOptions {
  /** Decisions to collect; the last episode is finished, so a few more may come. */
  readonly examples: number;
  /** `experts`: the experts' own actions. `uniform`: random legal actions with the experts' reasons (the base model's data). */
  readonly actions: "experts" | "uniform";
  /** Share of episodes held back for validation. */
  readonly validation?: number;
}

const BATCH = 64;

/** Plays experts against the training pools until enough decisions are collected. */
export async function expertTraces(
  { game, pools, experts, traceOpponents }: Roster,
  key: Key,
  { examples, actions, validation = 0.2 }: TraceOptions,
): Promise<Trace[]> {
  const opponents = traceOpponents ?? uniformly(OBJECTIVE_POOLS.flatMap((pool) => pools[pool]));
  const random = uniformPolicy(game);
  const traces: Trace[] = [];
  for (let from = 0; traces.length < examples; from += BATCH) {
    const cast = Array.from({ length: BATCH }, (_, i) => {
      const own = foldIn(key, "episode", from + i);
      const expert = choose(
        experts.map((candidate) => [candidate, candidate.weight] as const),
        uniform(own, 0),
      );
      return { own, expert, opponent: choose(opponents, uniform(own, 1)), episode: from + i };
    });
    const episodes = await playEpisodes(
      cast.map(({ own, expert, opponent, episode }): EpisodeSpec => ({
        game,
        agent: scriptedPlayer(actions === "experts" ? expert.policy : random),
        opponent: scriptedPlayer(opponent),
        pool: "train",
        scenario: foldIn(own, "scenario"),
        sampling: foldIn(own, "sampling"),
        id: `trace ${episode}`,
      })),
    );
    episodes.forEach(({ decisions }, i) => {
      if (traces.length >= examples) return;
      const { own, expert, opponent, episode } = cast[i];
      const split = uniform(own, 2) < validation ? "validation" : "train";
      decisions.forEach(({ view, action }, j) => {
        const speaker = actions === "experts" ? expert : anyExpert(experts, foldIn(own, "reason", j));
        const answer = `${speaker.reason(view)}\n${action}`;
        traces.push({
          game,
          expert: actions === "experts" ? expert.policy.name : "uniform",
          opponent: opponent.name,
          episode,
          split,
          action,
          view,
          messages: [...messagesOf(game, view), { role: "assistant", content: answer }],
        });
      });
    });
  }
  return traces;
}

/** Weighted by expert, so that the base model has heard every reason as often as the experts give it. */
const anyExpert = (experts: readonly Expert[], key: Key): Expert =>
  choose(experts.length === 1 ? certainly(experts[0]) : experts.map((e) => [e, e.weight] as const), uniform(key));
