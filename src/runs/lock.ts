/**
 * One process writes a run at a time. The lock is the file `run.lock`, made exclusively, that says who holds it. A holder that died
 * leaves it behind: on the same machine that is seen by its process being gone, from another machine (a network file system)
 * by its heartbeat, the file's time, having stopped.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { FileError, reasonOf } from "../files.ts";

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
    const file = await open(path, "wx").catch((cause: unknown) => {
      if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return undefined;
      throw new FileError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
    });
    if (file !== undefined) return held(path, file, holder);
    if (attempt === 3) throw new FileError(`${path}: the lock is being taken by others; try again`);
    await removeStale(path);
  }
}

async function held(path: string, file: FileHandle, holder: Holder): Promise<Lock> {
  await file.writeFile(JSON.stringify(holder));
  await file.close();
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
  } else if (await isAlive(holder, age))
    throw new FileError(
      `${path}: the run is in use by process ${holder.process} on ${holder.host} since ${holder.since}; ` +
        "wait for it to end, or choose another folder",
    );
  // Renamed first: of several who find the same stale lock, one moves it and the others find nothing to move.
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  const moved = await readHolder(aside);
  if (moved !== undefined && moved.id !== holder?.id) await rename(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
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
    if (cause instanceof Error && "code" in cause && cause.code === "ESRCH") return false;
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
