/**
 * One process writes a run at a time. The lock is the file `run.lock`, which appears whole or not at all and says who holds it. A holder that died
 * leaves it behind: on the same machine that is seen by its process being gone, from another machine (a network file system)
 * by its heartbeat, the file's time, having stopped.
 */
import { randomUUID } from "node:crypto";
import { link, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { FileError, codeOf, reasonOf } from "../files.ts";

export const LOCK_FILE = "run.lock";

const holderSchema = z.strictObject({
  id: z.string(),
  process: z.number().int(),
  /** When the process began, in ticks of the system's clock, where the system tells: a number is given again to later processes. */
  began: z.string().nullable(),
  host: z.string(),
  since: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

/** Seconds between heartbeats, and without one after which a holder on another machine counts as gone. */
const HEARTBEAT = 10;
const SILENCE = 90;
/** Milliseconds to wait where another process removes a stale lock. */
const GUARD_WAIT = 50;

export interface Lock {
  release(): Promise<void>;
}

/** Takes the lock of a folder that exists. Throws `FileError` naming the holder when it is held. */
export async function lockFolder(folder: string): Promise<Lock> {
  const path = join(folder, LOCK_FILE);
  const holder: Holder = {
    id: randomUUID(),
    process: process.pid,
    began: await beganOf(process.pid),
    host: hostname(),
    since: new Date().toISOString(),
  };
  for (let attempt = 0; ; attempt++) {
    if (await place(path, holder)) {
      await tidyLocks(folder);
      return held(path, holder);
    }
    if (attempt === 3) throw new FileError(`${path}: the lock is being taken by others; try again`);
    await removeStale(path);
  }
}

/** Where there are no links to files, the lock is made and then written. */
const NO_LINKS = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"];

/** Puts the lock in its place; false when there is one. */
async function place(path: string, holder: Holder): Promise<boolean> {
  const content = JSON.stringify(holder);
  const partial = `${path}.${holder.id}.partial`;
  try {
    await writeFile(partial, content);
    await link(partial, path).catch(async (cause: unknown) => {
      if (!NO_LINKS.includes(codeOf(cause))) throw cause;
      await writeFile(path, content, { flag: "wx" });
    });
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    // Whoever has the lock tidied our file away.
    if (codeOf(cause) === "ENOENT" && (await silenceOf(path)) !== undefined) return false;
    throw new FileError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  } finally {
    await rm(partial, { force: true }).catch(() => undefined);
  }
}

/** Throws `FileError` naming the holder when a folder is held by a process that is there. */
export async function refuseHeld(folder: string): Promise<void> {
  const holder = await holderOf(folder);
  if (holder !== undefined) throw inUse(join(folder, LOCK_FILE), holder);
}

/** Whether a process that is there writes in a folder. */
export const isHeld = async (folder: string): Promise<boolean> => (await holderOf(folder)) !== undefined;

async function holderOf(folder: string): Promise<Holder | undefined> {
  const path = join(folder, LOCK_FILE);
  const holder = await readHolder(path);
  const age = await silenceOf(path);
  return holder !== undefined && age !== undefined && (await isAlive(holder, age)) ? holder : undefined;
}

const inUse = (path: string, { process: pid, host, since }: Holder): FileError =>
  new FileError(
    `${path}: the run is in use by process ${pid} on ${host} since ${since}; wait for it to end, or choose another folder`,
  );

function held(path: string, holder: Holder): Lock {
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT * 1000);
  heartbeat.unref();
  return {
    async release() {
      clearInterval(heartbeat);
      const found = await readHolder(path);
      if (found?.id === holder.id) await rm(path, { force: true });
    },
  };
}

/** Removes a lock whose holder is gone; throws when it is there. */
async function removeStale(path: string): Promise<void> {
  const holder = await readHolder(path);
  const age = await silenceOf(path);
  if (age === undefined) return;
  if (holder === undefined) {
    // Made a moment ago and not yet written, or torn by a crash.
    if (age < HEARTBEAT) throw new FileError(`${path}: another process is taking this run; try again`);
  } else if (await isAlive(holder, age)) throw inUse(path, holder);
  await alone(path, async () => {
    // Looked at again: whoever was here before may have taken the lock since.
    const now = await readHolder(path);
    if (now?.id === holder?.id && ((await silenceOf(path)) ?? 0) >= (now === undefined ? HEARTBEAT : 0))
      await rm(path, { force: true });
  });
}

/**
 * Does what only one process may do at a time: remove a stale lock. Two that find the same one must not both, or the later would remove
 * the lock of who was faster. Where another is at it this waits a moment and does nothing.
 */
async function alone(path: string, remove: () => Promise<void>): Promise<void> {
  const guard = `${path}.removing`;
  try {
    await writeFile(guard, "", { flag: "wx" });
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw new FileError(`${guard}: cannot be written: ${reasonOf(cause)}`, { cause });
    // It takes milliseconds, so one that is as old as a heartbeat was left by a crash.
    if (((await silenceOf(guard)) ?? 0) > HEARTBEAT) await rm(guard, { force: true });
    await setTimeout(GUARD_WAIT);
    return;
  }
  try {
    await remove();
  } finally {
    await rm(guard, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Removes what others left who were killed while they took the lock. */
async function tidyLocks(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => name.startsWith(`${LOCK_FILE}.`))) {
    const path = join(folder, name);
    const [holder, silence = Infinity] = [await readHolder(path), await silenceOf(path)];
    const over = holder === undefined ? silence > HEARTBEAT : !(await isAlive(holder, silence));
    if (name.endsWith(".partial") || over) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** Seconds since the lock's last heartbeat; undefined when it is gone. */
async function silenceOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && (Date.now() - found.mtimeMs) / 1000;
}

async function isAlive(holder: Holder, silence: number): Promise<boolean> {
  if (holder.host !== hostname()) return silence < SILENCE;
  try {
    process.kill(holder.process, 0);
  } catch (cause) {
    if (codeOf(cause) === "ESRCH") return false;
  }
  const began = await beganOf(holder.process);
  return began === null || holder.began === null || began === holder.began;
}

/** Field 22 of /proc/PID/stat, where there is one. */
async function beganOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the program's name in parentheses, which may hold spaces.
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}
