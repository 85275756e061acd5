import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOCK_FILE, lockFolder, refuseHeld } from "./lock.ts";

describe("the lock of a run", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sepo-lock-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const holder = (change: Record<string, unknown>) =>
    JSON.stringify({ id: "x", process: process.pid, began: null, host: hostname(), since: "2026-01-01", ...change });
  const place = (content: string) => writeFile(join(folder, LOCK_FILE), content);
  /** Makes the last heartbeat so many seconds old. */
  const age = (seconds: number) => {
    const then = new Date(Date.now() - seconds * 1000);
    return utimes(join(folder, LOCK_FILE), then, then);
  };

  test("is held by one, who is named, and can be taken again after its release", async () => {
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(new RegExp(`in use by process ${process.pid} on ${hostname()} since `));
    await lock.release();
    await (await lockFolder(folder)).release();
    await expect(readFile(join(folder, LOCK_FILE))).rejects.toThrow("ENOENT");
  });

  test("clears away what was left by those who were killed while they took it", async () => {
    await writeFile(join(folder, `${LOCK_FILE}.1.partial`), "{");
    await writeFile(join(folder, `${LOCK_FILE}.2`), holder({ began: "1" }));
    const lock = await lockFolder(folder);
    expect(await readdir(folder)).toEqual([LOCK_FILE]);
    await lock.release();
  });

  test("is seen without being taken", async () => {
    await refuseHeld(folder);
    await place(holder({ began: "1" }));
    await refuseHeld(folder);
    await rm(join(folder, LOCK_FILE));
    const lock = await lockFolder(folder);
    await expect(refuseHeld(folder)).rejects.toThrow(`in use by process ${process.pid} `);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test("of a process that is gone is taken over at once", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    const { pid } = child;
    await new Promise((resolve) => child.on("exit", resolve));
    await place(holder({ process: pid }));
    await (await lockFolder(folder)).release();
  });

  test("of a process whose number another has now is taken over", async () => {
    await place(holder({ began: "1" }));
    await (await lockFolder(folder)).release();
  });

  test("of another machine is held as long as its heartbeat goes on", async () => {
    await place(holder({ host: "elsewhere" }));
    await expect(lockFolder(folder)).rejects.toThrow("on elsewhere");
    await age(3600);
    await (await lockFolder(folder)).release();
  });

  test("that a crash tore is waited for a moment and then taken over", async () => {
    await place('{"id":"x","proc');
    await expect(lockFolder(folder)).rejects.toThrow("another process is taking this run");
    await age(60);
    await (await lockFolder(folder)).release();
  });

  test("is taken over although a process was killed while it removed one", async () => {
    await place(holder({ began: "1" }));
    const guard = join(folder, `${LOCK_FILE}.removing`);
    await writeFile(guard, "");
    const past = new Date(Date.now() - 60_000);
    await utimes(guard, past, past);
    await (await lockFolder(folder)).release();
  });

  test("that somebody else took over meanwhile is not removed by its old holder", async () => {
    const lock = await lockFolder(folder);
    await place(holder({ id: "other" }));
    await lock.release();
    expect(await readFile(join(folder, LOCK_FILE), "utf8")).toContain("other");
  });

  test("of many who want a stale one at the same time exactly one gets it", async () => {
    for (let round = 0; round < 60; round++) {
      await place(holder({ process: 2 ** 22 - 1, began: "1" }));
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
      const held = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      expect(held).toHaveLength(1);
      await held[0].release();
    }
  });
});
