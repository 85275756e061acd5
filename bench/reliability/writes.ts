/** Runs whose writes fail: from each of their writes on, or torn in the middle of each of them. */
import { existsSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Undisturbed, undisturbed } from "./configs.ts";
import { differences } from "./folders.ts";
import { type Context, type Outcome, type Part, tally, trials } from "./part.ts";
import { type Ending, ROOT, RUN, run, unsuccessful } from "./program.ts";

/** A full disk, a read-only one, a forbidden one, and a crash in the middle of a write. */
type Kind = "ENOSPC" | "EROFS" | "EACCES" | "tear";

const PRELOAD = pathToFileURL(join(ROOT, "bench", "reliability", "faults.mjs")).href;

function faulty(config: string, place: string, kind: Kind | "count", write: number): Promise<Ending> {
  return run(config, place, { preload: PRELOAD, environment: { FAULT: `${kind}:${write}:${join(place, RUN)}` } });
}

/** Writes that a run, begun or continued, makes. */
async function countWrites(config: string, place: string): Promise<number> {
  const { err } = await faulty(config, place, "count", 0);
  return Number(err.trim().split("\n").at(-1));
}

/** What is wrong with how a run ended whose writes failed. */
export function failuresOf({ code, signal, err }: Ending, folder: string, reason: string): string[] {
  const lines = err.split("\n").filter((line) => line.startsWith("sepo: "));
  const wrong = [
    ...(code === 3 ? [] : [`ended with ${signal ?? code} instead of 3`]),
    ...(lines.length === 1 ? [] : [`${lines.length} lines say why`]),
    ...(lines.some((line) => line.includes(folder)) ? [] : ["no file or folder is named"]),
    ...(lines.some((line) => line.includes(reason)) ? [] : [`${reason} is not named`]),
    ...(/^ +at /m.test(err) ? ["there is a stack trace"] : []),
  ];
  return wrong.length === 0 ? [] : [`${wrong.join(", ")}: ${err.trim()}`];
}

/** One run with a fault, begun or continued from a copy of `state`, then continued without. */
async function trial(
  { config, content }: Undisturbed,
  state: string | undefined,
  place: string,
  kind: Kind,
  write: number,
): Promise<{ readonly failures: string[]; readonly ending: string }> {
  if (state !== undefined) await cp(state, place, { recursive: true });
  const ended = await faulty(config, place, kind, write);
  const failures: string[] = [];
  let ending = "ended with 3";
  if (kind === "tear") {
    ending = "killed";
    if (ended.signal !== "SIGKILL") failures.push(`ended with ${ended.signal ?? ended.code}: ${ended.err.trim()}`);
  } else if (ended.code === 0) {
    // What failed was no part of the result, such as taking a lock away.
    ending = "ended with 0, all there";
    const others = await differences(place, new Map([...content, ["run.lock", ""]]));
    failures.push(...others.filter((text) => !/^run\.lock (differs|is missing)$/.test(text)));
  } else failures.push(...failuresOf(ended, RUN, kind));
  const continued = await run(config, place);
  failures.push(...unsuccessful(continued));
  if (continued.err.includes("warning")) failures.push(`what was saved is damaged: ${continued.err.trim()}`);
  failures.push(...(await differences(place, content)));
  if (failures.length === 0) await rm(place, { recursive: true });
  return { failures, ending };
}

interface Case {
  readonly kind: Kind;
  /** From 1 on. */
  readonly write: number;
}

/** A fault at every so many writes. */
const writesOf = (kind: Kind, writes: number, every: number, first = 0): Case[] =>
  Array.from({ length: writes }, (_, write) => ({ kind, write: write + 1 })).filter(
    ({ write }) => (write + first) % every === 0,
  );

interface Choice {
  /** Where there is a run to continue. */
  readonly state?: string;
  /** Writes among those of the run at which each fault is tried. */
  readonly most?: number;
}

/** Faults at every write of a run that is begun, or continued from `state`. */
async function everyWrite(
  context: Context,
  whole: Undisturbed,
  title: string,
  { state, most = Infinity }: Choice = {},
): Promise<Outcome> {
  const counted = join(context.folder, `${title}-counted`);
  if (state !== undefined) await cp(state, counted, { recursive: true });
  const writes = await countWrites(whole.config, counted);
  await rm(counted, { recursive: true });
  const every = Math.max(1, Math.ceil(writes / (context.size === "long" ? most : 2)));
  const cases = [...writesOf("ENOSPC", writes, every), ...writesOf("tear", writes, every)];
  // The program tells these two apart in its message alone, so they take turns.
  if (state === undefined) cases.push(...writesOf("EROFS", writes, 2 * every), ...writesOf("EACCES", writes, 2 * every, every));
  const endings: string[] = [];
  const failures = await trials(cases.length, context, async (index) => {
    const { kind, write } = cases[index];
    const place = join(context.folder, `${title.replaceAll(" ", "-")}-${kind}-${write}`);
    const { failures, ending } = await trial(whole, state, place, kind, write);
    endings.push(`${kind} ${ending}`);
    return failures.map((failure) => `${title}, ${kind} from write ${write}: ${failure}`);
  });
  return {
    facts: [
      `A run ${title}: ${writes} writes, ${cases.length} trials. ${tally(endings.toSorted())}. ` +
        `${new Set(failures.map((failure) => failure.split(":")[0])).size} went wrong.`,
    ],
    failures,
  };
}

/** A run torn in the middle, with as much of SEPO done as a third of its writes leave to do. */
async function tornRun(context: Context, { config }: Undisturbed, writes: number): Promise<string> {
  const place = join(context.folder, "torn");
  await faulty(config, place, "tear", writes);
  if (!existsSync(join(place, RUN, "config.json"))) throw new Error(`${place}: expected a run to continue`);
  return place;
}

export const writes: Part = {
  name: "writes",
  claim:
    "When the disk is full (ENOSPC), read-only (EROFS) or forbidden (EACCES) from any write on, a run ends with code 3 and one " +
    "line that names a file and the reason, and loses nothing; after that, and after a crash in the middle of any write, it " +
    "continues to the same bytes.",
  async run(context) {
    const whole = await undisturbed(context.folder, "tiny");
    const counted = join(context.folder, "counted");
    const total = await countWrites(whole.config, counted);
    const begun = await everyWrite(context, whole, "begun");
    const torn = await tornRun(context, whole, Math.floor((total * 2) / 3));
    const continued = await everyWrite(context, whole, "continued", { state: torn });
    const outcomes = [begun, continued];
    if (context.size === "long") {
      const model = await undisturbed(context.folder, "embedded");
      outcomes.push(await everyWrite(context, model, "begun with an embedded model", { most: 10 }));
    }
    return {
      facts: outcomes.flatMap(({ facts }) => facts),
      failures: outcomes.flatMap(({ failures }) => failures),
    };
  },
};
