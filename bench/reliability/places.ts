/** Places that cannot hold a run, and disks that are full for real. */
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { chmod, mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Undisturbed, undisturbed } from "./configs.ts";
import { differences } from "./folders.ts";
import { type Context, type Part, trials } from "./part.ts";
import { type Ending, RUN, run, sepo, start, unsuccessful } from "./program.ts";
import { failuresOf } from "./writes.ts";

/** Seconds, besides those that the program loads in, within which a place is refused. */
const AT_ONCE = 1;

interface Place {
  readonly name: string;
  readonly folder: string;
  /** What the message says besides the folder. */
  readonly reason: string;
}

/** Places that cannot hold a run; `skipped` names those that this machine does not have. */
async function hopeless(folder: string): Promise<{ readonly places: Place[]; readonly skipped: string[] }> {
  const file = join(folder, "file");
  await writeFile(file, "");
  const locked = join(folder, "locked");
  await mkdir(locked);
  await chmod(locked, 0o555);
  const skipped: string[] = [];
  const places: Place[] = [
    { name: "below a file", folder: join(file, "run"), reason: "file" },
    { name: "a file", folder: file, reason: "is a file" },
    { name: "a name that is too long", folder: join(folder, "n".repeat(300)), reason: "ENAMETOOLONG" },
  ];
  if (process.getuid?.() === 0) skipped.push("a folder without the right to write (the superuser has it)");
  else places.push({ name: "a folder without the right to write", folder: join(locked, "run"), reason: "EACCES" });
  for (const special of ["/proc", "/sys"])
    if (existsSync(special)) places.push({ name: special, folder: `${special}/sepo/run`, reason: "cannot be made" });
    else skipped.push(special);
  return { places, skipped };
}

/** Mounts a file system in memory; whether this process may. */
function mount(folder: string, options: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
const remount = (folder: string, options: string) => void execFileSync("mount", ["-o", `remount,${options}`, folder]);

/** Runs on a disk of a few sizes until it is full, and then on a larger one. */
async function fullDisk(context: Context, { config, content }: Undisturbed, sizes: readonly number[]): Promise<string[]> {
  return trials(sizes.length, { ...context, concurrency: 1 }, async (index) => {
    const disk = join(context.folder, `disk-${index}`);
    await mkdir(disk);
    if (!mount(disk, `size=${sizes[index]}k`)) throw new Error("a file system cannot be mounted");
    try {
      const failures = failuresOf(await run(config, disk), RUN, "ENOSPC");
      remount(disk, "size=16m");
      failures.push(...unsuccessful(await run(config, disk)), ...(await differences(disk, content)));
      return failures.map((failure) => `a disk of ${sizes[index]} KiB: ${failure}`);
    } finally {
      execFileSync("umount", [disk]);
      await rmdir(disk);
    }
  });
}

async function readOnlyDisk({ folder }: Context, { config }: Undisturbed): Promise<string[]> {
  const disk = join(folder, "read-only");
  await mkdir(disk);
  mount(disk, "ro");
  try {
    return failuresOf(await run(config, disk), RUN, "EROFS").map((failure) => `a read-only disk: ${failure}`);
  } finally {
    execFileSync("umount", [disk]);
    await rmdir(disk);
  }
}

/** Runs whose files may not grow beyond some blocks of 512 bytes: what fits is written, and then no more. */
async function smallFiles(context: Context, { config, content }: Undisturbed, limits: readonly number[]): Promise<string[]> {
  return trials(limits.length, context, async (index) => {
    const place = join(context.folder, `files-${index}`);
    const failures = failuresOf(await run(config, place, { blocks: limits[index] }), RUN, "EFBIG");
    failures.push(...unsuccessful(await run(config, place)), ...(await differences(place, content)));
    return failures.map((failure) => `files of at most ${limits[index]} blocks: ${failure}`);
  });
}

/** Output into a device that is always full. */
async function fullOutput(): Promise<string[]> {
  const device = openSync("/dev/full", "w");
  try {
    const ending = await start(["games"], { out: device }).ended;
    return failuresOf(ending, "standard output", "ENOSPC").map((failure) => `output to /dev/full: ${failure}`);
  } finally {
    closeSync(device);
  }
}

const slow = ({ seconds }: Ending, load: number): string[] =>
  seconds - load <= AT_ONCE ? [] : [`refused after ${(seconds - load).toFixed(1)} s`];

export const places: Part = {
  name: "places",
  claim:
    "A place that cannot hold a run is refused within a second, with code 3 and the reason; on a disk that fills up the run ends " +
    "so too, and goes on once there is room.",
  async run(context) {
    const { folder } = context;
    const whole = await undisturbed(folder, "tiny");
    const { seconds: load } = await sepo(["--version"]);
    const { places: refused, skipped } = await hopeless(folder);
    const failures = await trials(refused.length, { ...context, concurrency: 1 }, async (index) => {
      const place = refused[index];
      const ending = await sepo(["train", whole.config, "--out", place.folder]);
      const wrong = [...failuresOf(ending, place.folder, place.reason), ...slow(ending, load)];
      return wrong.map((failure) => `${place.name}: ${failure}`);
    });
    await rm(join(folder, "locked"), { recursive: true });
    const facts = [`${refused.length} places refused: ${refused.map(({ name }) => name).join(", ")}.`];
    const limits = context.size === "long" ? [1, 2, 3, 4, 6, 8, 12, 16, 24, 32] : [8];
    if (process.platform === "win32") skipped.push("a limit on the size of files");
    else {
      failures.push(...(await smallFiles(context, whole, limits)));
      facts.push(`Files limited to ${limits.join(", ")} blocks of 512 bytes (ulimit -f), so that writes are cut short.`);
    }
    if (existsSync("/dev/full")) {
      failures.push(...(await fullOutput()));
      facts.push("Output to a device that is full (/dev/full).");
    } else skipped.push("/dev/full");
    const probe = join(folder, "probe");
    await mkdir(probe);
    if (mount(probe, "size=64k")) {
      execFileSync("umount", [probe]);
      const sizes = context.size === "long" ? [4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 96] : [32];
      failures.push(...(await fullDisk(context, whole, sizes)), ...(await readOnlyDisk(context, whole)));
      facts.push(`Disks of ${sizes.join(", ")} KiB that filled up, and a read-only one.`);
    } else skipped.push("a real full disk and a read-only one (no right to mount)");
    return { facts, failures, skipped };
  },
};
