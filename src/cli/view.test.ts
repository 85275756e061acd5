/** The commands that show runs, from the command line. */
import { spawn, execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT_CODES } from "./failure.ts";

const run = promisify(execFile);
const sepo = (...args: readonly string[]) => run(process.execPath, ["dist/cli/main.js", ...args], { maxBuffer: 1e8 });
const failure = (...args: readonly string[]) =>
  sepo(...args).then(
    () => expect.unreachable(),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );
const RESULTS = "recipes/small/results";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sepo-show-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("sepo report --html", () => {
  test("writes one file of less than 400 kB beside its data", async () => {
    const file = join(folder, "report.html");
    const { stdout } = await sepo("report", RESULTS, "--html", file);
    expect(stdout).toMatch(/^\S+report\.html: \d+ kB, 0 episodes\n$/);
    const page = await readFile(file, "utf8");
    const data = /<script id="sepo-data"[^>]*>(.*?)<\/script>/s.exec(page)?.[1] ?? "";
    expect(data.length).toBeGreaterThan(1000);
    expect(Buffer.byteLength(page) - Buffer.byteLength(data)).toBeLessThan(400_000);
  });

  test("refuses folders that hold nothing, and writes nothing", async () => {
    const file = join(folder, "nothing.html");
    const { code, stderr } = await failure("report", join(folder, "nowhere"), "--html", file);
    expect({ code, stderr }).toEqual({ code: EXIT_CODES.file, stderr: expect.stringMatching(/nothing there can be read/) });
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });
});

test("a page of everything refuses what would leave something out", async () => {
  const { code, stderr } = await failure("report", RESULTS, "--html", join(folder, "part.html"), "--stage", "sft");
  expect({ code, stderr }).toEqual({
    code: EXIT_CODES.usage,
    stderr: expect.stringMatching(/only --game and --episodes go with it, got stage/),
  });
});

describe("sepo figure", () => {
  test("writes the committed picture of the README again, byte for byte (npm run pictures)", async () => {
    const { stdout } = await sepo("figure", "summary", RESULTS);
    expect(stdout).toBe(await readFile("docs/pictures/small.svg", "utf8"));
  });

  test.each([
    [EXIT_CODES.usage, ["figure", "nothing", RESULTS], /Allowed choices are summary, verdict/],
    [EXIT_CODES.usage, ["figure", "verdict", RESULTS, "--game", "chess"], /expected one of ipd, kuhn/],
    [EXIT_CODES.file, ["figure", "verdict", "nowhere"], /it does not exist/],
    [EXIT_CODES.file, ["figure", "curves", RESULTS], /nothing was kept that "curves" draws/],
  ] as const)("exit code %i: %s", async (code, args, message) => {
    expect(await failure(...args)).toEqual({ code, stderr: expect.stringMatching(message) });
  });
});

test("sepo view answers on loopback until it is interrupted", async () => {
  const child = spawn(process.execPath, ["dist/cli/main.js", "view", RESULTS, "--port", "0"]);
  const address = await new Promise<string>((resolve) =>
    child.stdout.on("data", (chunk: Buffer) => {
      const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(chunk.toString())?.[0];
      if (found !== undefined) resolve(found);
    }),
  );
  expect(await (await fetch(address)).text()).toMatch(/^<!doctype html>/i);
  const data: { agents: { label: string }[] } = JSON.parse(await (await fetch(`${address}data`)).text());
  expect(data.agents.map(({ label }) => label)).toEqual(["base", "sft", "sepo"]);
  child.kill("SIGINT");
  const code = await new Promise((resolve) => child.on("exit", resolve));
  expect(code).toBe(0);
});
