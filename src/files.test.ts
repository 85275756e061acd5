import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  append,
  digestFile,
  makeFolder,
  readText,
  reasonOf,
  removeFolders,
  removePartials,
  sha256,
  writeWhole,
} from "./files.ts";

describe("files", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sepo-files-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("folders are made level by level, and only those that were made are taken back", async () => {
    await mkdir(join(folder, "a"));
    const made = await makeFolder(join(folder, "a", "b", "c"));
    expect(made).toEqual([join(folder, "a", "b"), join(folder, "a", "b", "c")]);
    expect(await makeFolder(join(folder, "a", "b"))).toEqual([]);
    await removeFolders(made);
    expect(await readdir(join(folder, "a"))).toEqual([]);
  });

  test("a place that cannot hold a folder is named at once, and nothing is left", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(makeFolder(join(folder, "file", "x", "y"))).rejects.toThrow(/file.x.y: the folder cannot be made.*file/);
    await expect(makeFolder(join(folder, "n".repeat(300), "x"))).rejects.toThrow("the name is too long");
    expect((await readdir(folder)).toSorted()).toEqual(["a", "file"]);
  });

  test.runIf(existsSync("/proc"))("below a special file system it fails instead of trying for ever", async () => {
    await expect(makeFolder("/proc/sepo/run")).rejects.toThrow("/proc/sepo/run: the folder cannot be made");
  });

  test("errors name the file asked for, not a temporary one", async () => {
    const path = join(folder, "nowhere", "x.json");
    await expect(writeWhole(path, "x")).rejects.toThrow(`${path}: cannot be written: it does not exist (ENOENT)`);
    await expect(append(path, "x")).rejects.toThrow(`${path}: cannot be written`);
    await expect(readText(path, "a list")).rejects.toThrow(`${path}: expected a list, but it cannot be read`);
    expect(reasonOf(Object.assign(new Error("ENOSPC: x"), { code: "ENOSPC" }))).toBe("no space is left on the device (ENOSPC)");
  });

  test("a file is replaced whole, through links, keeping its mode, and nothing is left beside it", async () => {
    const place = join(folder, "whole");
    await mkdir(place);
    const path = join(place, "file");
    await writeWhole(path, "first");
    await chmod(path, 0o640);
    await symlink(path, join(place, "link"));
    await writeWhole(join(place, "link"), "second");
    expect(await readFile(path, "utf8")).toBe("second");
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await lstat(join(place, "link"))).isSymbolicLink()).toBe(true);
    await mkdir(join(place, "folder"));
    await expect(writeWhole(join(place, "folder"), "x")).rejects.toThrow(
      "folder: cannot be written: there is a folder of that name",
    );
    expect((await readdir(place)).toSorted()).toEqual(["file", "folder", "link"]);
  });

  test.runIf(existsSync("/dev/null"))("a device is written to and not replaced", async () => {
    await symlink("/dev/null", join(folder, "null"));
    await writeWhole(join(folder, "null"), "x");
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
  });

  test("what a killed process was writing is removed, and nothing else", async () => {
    const place = join(folder, "killed");
    await mkdir(place);
    for (const name of ["run.json", "run.json.0a1b2c3d.partial"]) await writeFile(join(place, name), "x");
    await removePartials(place);
    expect(await readdir(place)).toEqual(["run.json"]);
  });

  test("a byte order mark is not part of a text", async () => {
    await writeFile(join(folder, "bom"), "\uFEFFa");
    expect(await readText(join(folder, "bom"), "text")).toBe("a");
  });

  test("another encoding is named, with the first byte that is none of UTF-8", async () => {
    const path = join(folder, "encoded");
    const refusal = async (bytes: Uint8Array) => {
      await writeFile(path, bytes);
      return readText(path, "a text");
    };
    await expect(refusal(Buffer.from("\uFEFFa", "utf16le"))).rejects.toThrow(
      `${path}: expected a text in UTF-8, but the file is UTF-16 (little-endian)`,
    );
    // A replacement character that is meant, and then an e with an acute accent in Latin-1.
    await expect(refusal(Buffer.from([...Buffer.from("\uFFFDa"), 0xe9, 0x62]))).rejects.toThrow("byte 4 is 0xe9");
    await expect(refusal(Buffer.from([0x61, 0xe2, 0x82]))).rejects.toThrow("byte 1 is 0xe2");
  });

  test("digests are those of the content, or of its beginning", async () => {
    await writeFile(join(folder, "abc"), "abcdef");
    // printf abc | sha256sum
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(await digestFile(join(folder, "abc"), 3)).toEqual({ bytes: 3, sha256: abc });
    expect(sha256("abc")).toBe(abc);
    expect((await digestFile(join(folder, "abc"))).bytes).toBe(6);
    expect((await digestFile(join(folder, "abc"), 0)).bytes).toBe(0);
  });
});
