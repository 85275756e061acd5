import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readArchive, writeAdapter } from "./archive.ts";
import { tarOf } from "./testing/tar.ts";

const files = { "adapter_config.json": Buffer.from("{}"), "adapter_model.safetensors": Buffer.alloc(1300, 7) };

test("reads what tar writes, in folders and with long names, compressed or not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "archive-"));
  const long = `${"x".repeat(120)}.json`;
  for (const [name, content] of Object.entries({ ...files, [long]: Buffer.from("long") }))
    await writeFile(join(folder, name), content);
  for (const format of ["gnu", "pax"]) {
    const target = join(folder, `${format}.out`);
    execFileSync("tar", [
      "-c",
      `--format=${format}`,
      "-f",
      target,
      "-C",
      folder,
      "./adapter_config.json",
      "./adapter_model.safetensors",
      long,
    ]);
    const tar = await readFile(target);
    for (const bytes of [tar, gzipSync(tar)]) {
      const found = readArchive(bytes, "x");
      expect([...found.keys()].toSorted()).toEqual(["adapter_config.json", "adapter_model.safetensors", long].toSorted());
      expect(Buffer.from(found.get("adapter_model.safetensors") ?? []).equals(files["adapter_model.safetensors"])).toBe(true);
    }
  }
  await rm(folder, { recursive: true });
});

test("an archive that is damaged or lacks the adapter is an error that names it", async () => {
  const tar = tarOf(files);
  expect(() => readArchive(tar.subarray(0, 1500), "runs/a")).toThrow(/runs\/a: the archive is cut off at byte 1500/);
  expect(() => readArchive(gzipSync(tar).subarray(0, 60), "runs/a")).toThrow(/runs\/a: the archive is damaged/);
  expect(() => readArchive(Buffer.alloc(600, 65), "runs/a")).toThrow(/runs\/a: expected a tar archive/);
  await expect(writeAdapter(tarOf({ "a.txt": Buffer.from("a") }), "unused", "runs/a")).rejects.toThrow(
    /expected adapter_config.json in the archive, got a.txt/,
  );
});
