/** Ctrl-C and termination at random moments. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { foldIn, uniform } from "../../src/random.ts";
import { undisturbed } from "./configs.ts";
import { differences, progressOf } from "./folders.ts";
import { type Part, tally, trials } from "./part.ts";
import { type Ending, RUN, interrupted, run, startRun, unsuccessful } from "./program.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** Seconds within which a program ends: what it waits for its work, and some more. */
const SOON = 8;
/** Seconds after a second signal. */
const AT_ONCE = 1;

/** What is wrong with how a process ended that was interrupted after some seconds. */
function judge({ code, signal, err, seconds }: Ending, sent: NodeJS.Signals, after: number, limit: number): string[] {
  // Before the program is loaded, a signal ends the process as the system does.
  const ended = code === 130 || (code === null && signal === sent && err === "");
  return [
    ...(ended || code === 0 ? [] : [`ended with ${signal ?? code} instead of 130: ${err.trim()}`]),
    ...(seconds - after <= limit ? [] : [`ended ${(seconds - after).toFixed(1)} s after the signal`]),
  ];
}

export const interrupts: Part = {
  name: "interrupts",
  claim:
    "SIGINT and SIGTERM end a run within seconds with code 130, a second SIGINT at once, and the run can be continued to the " +
    "same bytes.",
  async run(context) {
    const { folder, size } = context;
    const whole = await undisturbed(folder, "tabular");
    const endings: string[] = [];
    const stages: string[] = [];
    let slowest = 0;
    const count = size === "long" ? 32 : 3;
    const failures = await trials(count, context, async (index) => {
      const place = join(folder, `interrupted-${index}`);
      const moment = whole.seconds * (0.05 + 0.95 * uniform(foldIn(context.key, index)));
      const sent = SIGNALS[index % 2];
      const twice = index % 4 === 2;
      const ending = twice
        ? await twiceInterrupted(whole.config, place, moment)
        : await interrupted(whole.config, place, moment, sent);
      const found = judge(ending, twice ? "SIGINT" : sent, moment, twice ? AT_ONCE : SOON);
      if (ending.code !== 0) slowest = Math.max(slowest, ending.seconds - moment);
      endings.push(
        ending.code === 0 ? "had ended" : ending.code === 130 ? "with 130" : `by ${ending.signal ?? ending.code} while loading`,
      );
      stages.push(existsSync(join(place, RUN)) ? progressOf(place) : "with no folder left");
      found.push(...unsuccessful(await run(whole.config, place)), ...(await differences(place, whole.content)));
      if (found.length === 0) await rm(place, { recursive: true });
      return found.map((failure) => `${sent}${twice ? " twice" : ""} at ${moment.toFixed(3)} s: ${failure}`);
    });
    return {
      facts: [
        `${count} runs, a quarter of them interrupted twice: ${tally(endings.toSorted())}; ${tally(stages.toSorted())}.`,
        `The slowest ended ${slowest.toFixed(2)} s after the signal; the limits are ${SOON} s, and ${AT_ONCE} s after a second signal.`,
      ],
      failures,
    };
  },
};

async function twiceInterrupted(config: string, place: string, moment: number): Promise<Ending> {
  const { child, ended } = startRun(config, place);
  const send = async () => {
    await wait(moment * 1000);
    child.kill("SIGINT");
    await wait(50);
    child.kill("SIGINT");
  };
  const [ending] = await Promise.all([ended, send()]);
  return ending;
}
