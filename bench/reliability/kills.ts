/** Runs that are killed at random moments, some of them again while they are continued. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Key, foldIn, uniform, uniformInteger } from "../../src/random.ts";
import { type ConfigName, type Undisturbed, undisturbed } from "./configs.ts";
import { differences, progressOf } from "./folders.ts";
import { type Context, type Outcome, type Part, tally, trials } from "./part.ts";
import { type Moment, run, signalled, unsuccessful } from "./program.ts";

/** One trial in so many is killed again while it is continued. */
const AGAIN = 3;

async function kill(
  { config, content }: Undisturbed,
  place: string,
  moments: readonly Moment[],
): Promise<{ readonly stages: string[]; readonly failures: string[] }> {
  const stages: string[] = [];
  for (const moment of moments) {
    await signalled(config, place, moment, "SIGKILL");
    stages.push(progressOf(place));
  }
  const failures = unsuccessful(await run(config, place));
  if (failures.length === 0) failures.push(...(await differences(place, content)));
  if (failures.length === 0) await rm(place, { recursive: true });
  return { stages, failures };
}

/** A random line of progress, which lines lie all along the run, and up to a quarter of its time. */
const momentOf = (key: Key, { lines, seconds }: Undisturbed): Moment => ({
  lines: uniformInteger(key, lines),
  seconds: uniform(foldIn(key, "delay")) * (seconds / 4),
});

async function killMany(context: Context, name: ConfigName, count: number): Promise<Outcome> {
  const whole = await undisturbed(context.folder, name);
  const stages: string[] = [];
  const failures = await trials(count, context, async (index) => {
    const key = foldIn(context.key, name, index);
    const kills = index % AGAIN === 0 ? 2 : 1;
    const moments = Array.from({ length: kills }, (_, i) => momentOf(foldIn(key, i), whole));
    const trial = await kill(whole, join(context.folder, `${name}-killed-${index}`), moments);
    stages.push(...trial.stages);
    const times = moments.map(({ lines, seconds }) => `${seconds.toFixed(3)} s after line ${lines}`);
    return trial.failures.map((failure) => `${name}, killed ${times.join(" and ")}: ${failure}`);
  });
  const equal = count - failures.length;
  return {
    facts: [
      `${name} engine: ${equal} of ${count} runs ended with the bytes of one never killed. ` +
        `${stages.length} kills: ${tally(stages.toSorted())}.`,
    ],
    failures,
  };
}

export const kills: Part = {
  name: "kills",
  claim: "A run killed at any moment (SIGKILL), and killed again while it is continued, ends with the same bytes.",
  async run(context) {
    const counts = { long: { tabular: 100, embedded: 10 }, short: { tabular: 3, embedded: 0 } }[context.size];
    const outcomes: Outcome[] = [];
    for (const name of ["tabular", "embedded"] as const)
      if (counts[name] > 0) outcomes.push(await killMany(context, name, counts[name]));
    return {
      facts: outcomes.flatMap(({ facts }) => facts),
      failures: outcomes.flatMap(({ failures }) => failures),
    };
  },
};
