/** Two processes that want one folder. */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { foldIn, uniform } from "../../src/random.ts";
import { type Undisturbed, undisturbed } from "./configs.ts";
import { differences } from "./folders.ts";
import { type Part, tally, trials } from "./part.ts";
import { type Ending, interrupted, startRun } from "./program.ts";

interface Contest {
  readonly endings: readonly [Ending, Ending];
  readonly pids: readonly [number, number];
  /** Seconds from the start of the first to the end of each. */
  readonly ends: readonly [number, number];
}

/** Two processes, the second some seconds after the first. */
async function contest(configs: readonly Undisturbed[], place: string, resume: boolean, offset: number): Promise<Contest> {
  const began = performance.now();
  const first = startRun(configs[0].config, place, { resume });
  await wait(offset * 1000);
  const delay = (performance.now() - began) / 1000;
  const second = startRun(configs[1].config, place, { resume });
  const [one, two] = await Promise.all([first.ended, second.ended]);
  return {
    endings: [one, two],
    pids: [first.pid, second.pid],
    ends: [one.seconds, delay + two.seconds],
  };
}

interface Verdict {
  readonly winner: 0 | 1;
  readonly how: string;
  readonly failures: readonly string[];
}

const said = ({ code, signal, err }: Ending): string => `ended with ${signal ?? code}: ${err.trim()}`;

/** Which of two won, and what is wrong with how the other ended. */
function judge({ endings, pids, ends }: Contest): Verdict {
  const [first, second] = endings;
  if (first.code !== 0 && second.code !== 0)
    return { winner: 0, how: "both refused", failures: [`the first ${said(first)}; the second ${said(second)}`] };
  const winner = first.code === 0 ? 0 : 1;
  const loser = winner === 0 ? 1 : 0;
  const { code, err } = endings[loser];
  // The winner may be done before the other looks.
  const after = ends[winner] < ends[loser];
  if (code === 0 && after) return { winner, how: "worked one after the other", failures: [] };
  if (code === 2 && after && err.includes("already holds a run"))
    return { winner, how: "refused, for the run was done", failures: [] };
  if (code === 3 && err.includes(`in use by process ${pids[winner]} `))
    return { winner, how: "refused, the holder named", failures: [] };
  return { winner, how: "refused otherwise", failures: [`the other ${said(endings[loser])}`] };
}

export const contests: Part = {
  name: "contests",
  claim:
    "Of two processes that want one folder, one works and the other is refused with code 3 and the holder's number; the folder " +
    "holds what the winner alone would have made.",
  async run(context) {
    const { folder, size } = context;
    const wholes: readonly Undisturbed[] = [await undisturbed(folder, "tabular", 0), await undisturbed(folder, "tabular", 1)];
    // A run that was killed, for two that want to continue it. The lock of its dead holder is in it.
    const killed = join(folder, "killed");
    await interrupted(wholes[0].config, killed, wholes[0].seconds * 0.7, "SIGKILL");
    const count = size === "long" ? 24 : 2;
    const outcomes: string[] = [];
    const failures = await trials(count, { ...context, concurrency: 1 }, async (index) => {
      const place = join(folder, `contest-${index}`);
      const continued = index % 2 === 1;
      if (continued) await cp(killed, place, { recursive: true });
      // Half of them within the time that a process loads in.
      const offset = uniform(foldIn(context.key, index)) * (index % 4 < 2 ? 2 : 0.2);
      const configs = continued ? [wholes[0], wholes[0]] : wholes;
      const { winner, how, failures: found } = judge(await contest(configs, place, continued, offset));
      outcomes.push(`${continued ? "continuing" : "beginning"} ${how}`);
      const wrong = [...found, ...(await differences(place, configs[winner].content))];
      if (wrong.length === 0) await rm(place, { recursive: true });
      return wrong.map((failure) => `${continued ? "continuing" : "beginning"}, ${offset.toFixed(3)} s apart: ${failure}`);
    });
    return { facts: [`${count} pairs, 0 to 2 s apart: ${tally(outcomes.toSorted())}.`], failures };
  },
};
