/** An episode as text for a reader: what the agent saw, wrote and did, decision by decision. */
import type { Transcript } from "../runs/transcript.ts";

const indented = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");

/** The whole episode; `rules` adds the system message, which is the same in all of a game. */
export function episodeText(episode: Transcript, { rules = false }: { readonly rules?: boolean } = {}): string {
  const { id, agent, opponent, pool, decisions, rounds } = episode;
  const failed = decisions.filter(({ status }) => status !== "ok").length;
  const total = (term: "r" | "q" | "c" | "x"): string => rounds.reduce((sum, round) => sum + round[term], 0).toFixed(2);
  return [
    `${id}: ${agent} against ${opponent} (${pool}), ${failed} of ${decisions.length} replies unreadable`,
    ...(rules ? [indented(episode.rules)] : []),
    ...decisions.map(decisionText),
    `  in all: payoff ${total("r")}, opponent ${total("q")}, collusion ${total("c")}, externality ${total("x")}`,
  ].join("\n");
}

function decisionText(decision: Transcript["decisions"][number]): string {
  const { round, observation, reasoning, reply, clarified, status, cause, reason, resolved, action } = decision;
  return [
    `  round ${round}`,
    indented(observation),
    ...(reasoning === undefined ? [] : ["  reasoning", indented(reasoning)]),
    ...(reply === undefined ? [] : ["  reply", indented(reply)]),
    ...(status === "ok" ? [] : [`  unreadable (${cause ?? status}): ${reason ?? ""}`]),
    ...(clarified === undefined ? [] : ["  second reply", indented(clarified)]),
    `  action ${action}${resolved === undefined ? "" : ` (${resolved})`}`,
  ].join("\n");
}
