/** Episodes as comma-separated values (RFC 4180), one row each: means per round as the objective has them. */
import type { Transcript } from "../runs/transcript.ts";

const HEAD = [
  "id",
  "game",
  "pool",
  "agent",
  "opponent",
  "seed",
  "rounds",
  "decisions",
  "unreadable",
  "payoff",
  "opponent_payoff",
  "collusion",
  "externality",
  "actions",
] as const;

const cell = (value: string | number): string => {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export function episodesCsv(episodes: readonly Transcript[]): string {
  const rows = episodes.map((episode) => {
    const { id, game, pool, agent, opponent, seed, rounds, decisions } = episode;
    const { r, q, c, x } = episodeMeans(episode);
    const unreadable = decisions.filter(({ status }) => status !== "ok").length;
    const actions = decisions.map(({ action }) => action).join(" | ");
    return [id, game, pool, agent, opponent, seed, rounds.length, decisions.length, unreadable, r, q, c, x, actions];
  });
  return [HEAD, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Means over the rounds played. */
export function episodeMeans({ rounds }: Transcript): {
  readonly r: number;
  readonly q: number;
  readonly c: number;
  readonly x: number;
} {
  const mean = (term: "r" | "q" | "c" | "x") =>
    rounds.reduce((sum, round) => sum + round[term], 0) / Math.max(1, rounds.length);
  return { r: mean("r"), q: mean("q"), c: mean("c"), x: mean("x") };
}
