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
  // Before the program is loaded, and after its last line, a signal ends the process as the system does.
  const outside = err === "" || err.endsWith("sepo: interrupted\n");
  const ended = code === 130 || (code === null && signal === sent && outside);
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
    const tabular = await undisturbed(folder, "tabular");
    // An engine with workers of its own, in one trial of eight.
    const embedded = size === "long" ? await undisturbed(folder, "embedded") : tabular;
    const endings: string[] = [];
    const stages: string[] = [];
    let slowest = 0;
    const count = size === "long" ? 32 : 3;
    const failures = await trials(count, context, async (index) => {
      const place = join(folder, `interrupted-${index}`);
      const whole = index % 8 === 7 ? embedded : tabular;
      const moment = whole.seconds * (0.05 + 0.95 * uniform(foldIn(context.key, index)));
      const sent = SIGNALS[index % 2];
      const twice = index % 4 === 2;
      const ending = twice
        ? await twiceInterrupted(whole.config, place, moment)
        : await interrupted(whole.config, place, moment, sent);
      const found = judge(ending, twice ? "SIGINT" : sent, moment, twice ? AT_ONCE : SOON);
      if (ending.code !== 0) slowest = Math.max(slowest, ending.seconds - moment);
      endings.push(endingOf(ending));
      stages.push(existsSync(join(place, RUN)) ? progressOf(place) : "with no folder left");
      found.push(...unsuccessful(await run(whole.config, place)), ...(await differences(place, whole.content)));
      if (found.length === 0) await rm(place, { recursive: true });
      return found.map((failure) => `${sent}${twice ? " twice" : ""} at ${moment.toFixed(3)} s: ${failure}`);
    });
    return {
      facts: [
        `${count} runs, every fourth interrupted twice${size === "long" ? ", every eighth with an embedded model" : ""}: ` +
          `${tally(endings.toSorted())}; ${tally(stages.toSorted())}.`,
        `The slowest ended ${slowest.toFixed(2)} s after the signal; the limits are ${SOON} s, and ${AT_ONCE} s after a second signal.`,
      ],
      failures,
    };
  },
};

function endingOf({ code, signal, err }: Ending): string {
  if (code === 0) return "had ended";
  if (code !== null) return `ended with ${code}`;
  return `ended by ${signal} ${err === "" ? "while loading" : "after its last line"}`;
}

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
