/** What a part of the campaign is: a kind of mishap, tried many times, and what was found. */
import type { Key } from "../../src/random.ts";

/** The long form is what docs/reliability.md reports; the short form runs with the tests. */
export const SIZES = ["long", "short"] as const;
export type Size = (typeof SIZES)[number];

export interface Context {
  readonly size: Size;
  /** Root of the part's randomness. */
  readonly key: Key;
  /** An empty folder of the part's own. */
  readonly folder: string;
  /** Trials that run together. */
  readonly concurrency: number;
  /** Says how many of the part's trials are done. */
  readonly onProgress: (done: number, trials: number) => void;
}

export interface Outcome {
  /** What was tried and how it ended, as lines of the report. */
  readonly facts: readonly string[];
  /** A line for each trial that did not end as it must; none when the part passed. */
  readonly failures: readonly string[];
  /** What this machine could not try, by name. */
  readonly skipped?: readonly string[];
}

export interface Part {
  readonly name: string;
  /** What must hold, in one sentence. */
  readonly claim: string;
  run(context: Context): Promise<Outcome>;
}

/** What a part found, and how long it took. */
export interface Finding extends Outcome {
  readonly part: Part;
  readonly seconds: number;
}

/** Runs trials 0 to `count` - 1, some together; returns the failures in the order of the trials. */
export async function trials(
  count: number,
  { concurrency, onProgress }: Pick<Context, "concurrency" | "onProgress">,
  trial: (index: number) => Promise<readonly string[]>,
): Promise<string[]> {
  const failures: (readonly string[])[] = [];
  let begun = 0;
  let done = 0;
  onProgress(0, count);
  const work = async () => {
    while (begun < count) {
      const index = begun++;
      failures[index] = await trial(index).catch((error: unknown) => [String(error)]);
      onProgress(++done, count);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work));
  return failures.flat();
}

/** How often each word occurs, as text: `12 sepo, 3 sft`. */
export function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
}
