/** Replies of every kind, read by the parser of every game. */
import { type FuzzReport, fuzzParser } from "../../src/games/fuzz.ts";
import { GAME_NAMES, gameNamed } from "../../src/games/index.ts";
import { foldIn } from "../../src/random.ts";
import { type Part, trials } from "./part.ts";

/** Replies of one trial. */
const CHUNK = 5000;

export const parser: Part = {
  name: "parser",
  claim:
    "Of decorated, distorted, edited and cut replies the parser throws at none, and reads no action that the independent writer " +
    "(`src/games/fuzz.ts`) did not write.",
  async run({ size, key, onProgress }) {
    const chunks = size === "long" ? 200 : 1;
    const counts = new Map<string, number>();
    const count = GAME_NAMES.length * chunks;
    const failures = await trials(count, { concurrency: 1, onProgress }, async (index) => {
      const name = GAME_NAMES[Math.floor(index / chunks)];
      const report = fuzzParser(gameNamed(name), CHUNK, foldIn(key, name, index % chunks));
      for (const [outcome, replies] of report.counts) counts.set(outcome, (counts.get(outcome) ?? 0) + replies);
      await new Promise((resolve) => setImmediate(resolve));
      return report.misreadings.map(
        ({ text, problem, parsed }) => `${name}: ${JSON.stringify(text)} ${problem}: ${JSON.stringify(parsed)}`,
      );
    });
    return { facts: factsOf(counts, chunks * CHUNK), failures };
  },
};

/** How replies of each writing were read, over all games. */
function factsOf(counts: FuzzReport["counts"], replies: number): string[] {
  const writings = new Map<string, string[]>();
  for (const [outcome, count] of [...counts].toSorted(([, a], [, b]) => b - a)) {
    const [writing, reading] = outcome.split(" ");
    writings.set(writing, [...(writings.get(writing) ?? []), `${count} ${reading}`]);
  }
  return [
    `${replies} replies to each of ${GAME_NAMES.join(", ")}.`,
    ...[...writings]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([writing, readings]) => `${writing}: ${readings.join(", ")}.`),
  ];
}
