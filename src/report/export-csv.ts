/** Episodes as comma-separated values (RFC 4180), one row each: means per round as the objective has them. */
import type { Transcript } from "../runs/transcript.ts";

/** Columns of an episode's row: what it holds, and how it is found. */
export const EPISODE_COLUMNS = [
  { name: "id", kind: "text", of: ({ id }: Transcript) => id },
  { name: "game", kind: "text", of: ({ game }: Transcript) => game },
  { name: "settings", kind: "text", of: ({ settings = "" }: Transcript) => settings },
  { name: "pool", kind: "text", of: ({ pool }: Transcript) => pool },
  { name: "agent", kind: "text", of: ({ agent }: Transcript) => agent },
  { name: "opponent", kind: "text", of: ({ opponent }: Transcript) => opponent },
  { name: "seed", kind: "count", of: ({ seed }: Transcript) => seed },
  { name: "rounds", kind: "count", of: ({ rounds }: Transcript) => rounds.length },
  { name: "decisions", kind: "count", of: ({ decisions }: Transcript) => decisions.length },
  {
    name: "unreadable",
    kind: "count",
    of: ({ decisions }: Transcript) => decisions.filter(({ status }) => status !== "ok").length,
  },
  { name: "payoff", kind: "number", of: (episode: Transcript) => episodeMeans(episode).r },
  { name: "opponent_payoff", kind: "number", of: (episode: Transcript) => episodeMeans(episode).q },
  { name: "collusion", kind: "number", of: (episode: Transcript) => episodeMeans(episode).c },
  { name: "externality", kind: "number", of: (episode: Transcript) => episodeMeans(episode).x },
  { name: "actions", kind: "text", of: ({ decisions }: Transcript) => decisions.map(({ action }) => action).join(" | ") },
] as const;

const cell = (value: string | number): string => {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export function episodesCsv(episodes: readonly Transcript[]): string {
  const head = EPISODE_COLUMNS.map(({ name }) => name);
  const rows = episodes.map((episode) => EPISODE_COLUMNS.map(({ of }) => of(episode)));
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
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
