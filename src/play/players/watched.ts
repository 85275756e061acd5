/** A player whose decisions are shown as it makes them. */
import type { Decision, Player } from "../player.ts";

export interface Watching {
  readonly show: (text: string) => void;
  /** What the player is called. */
  readonly label: string;
  /** Whether to show what it was told. */
  readonly observation: boolean;
  /** Whether to show what it wrote, where it is a model, and not its action alone. */
  readonly words: boolean;
}

export const watchedPlayer = (player: Player, { show, label, observation, words }: Watching): Player => ({
  ...player,
  async decide(requests, signal) {
    const decisions = await player.decide(requests, signal);
    requests.forEach(({ game, view }, i) => {
      if (observation) show(`\n${game.observation(view)}`);
      show(`${label}: ${words ? wordsOf(decisions[i]) : decisions[i].action}`);
    });
    return decisions;
  },
});

/** What was written, and the action where it does not end in it. */
function wordsOf({ action, parsed, reply, answers }: Decision): string {
  const text =
    reply?.text ?? answers?.map(({ reasoning, text: answer }) => [reasoning, answer].filter(Boolean).join("\n")).join("\n");
  if (text === undefined) return action;
  return parsed.status === "ok" ? text.trim() : `${text.trim()}\n(${parsed.reason}; ${action} was played)`;
}
