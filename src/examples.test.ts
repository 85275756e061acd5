/** Runs every example as a reader does. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";

const names = readdirSync("examples").filter((name) => /^\d\d-.*\.ts$/.test(name));
const node = (...args: readonly string[]): string => execFileSync(process.execPath, args, { encoding: "utf8" });

/** What each prints; J of the first rises far above tit-for-tat's opponents, and its policy is as the page of games says. */
const PRINTED: Readonly<Record<string, RegExp>> = {
  "01": /step {3}0 {2}J -1\.766\n[\s\S]*step 120 {2}J 1\.[67]\d\d\n[\s\S]*P\(COOPERATE \| CC\) = (0\.9\d|1\.00)\n/,
  "02": /^J -?\d\.\d{3} \[[\s\S]*worst case q - r .*\(projection\)\n$/,
  "03": /^J\* 2\.542, J of mirror 1\.333\n[\s\S]*J after training 2\.\d{3}\n$/,
  "04": /^J\* 1\.880 -> 1\.895\n[\s\S]*tit-for-tat +J 1\.739 -> 1\.505\n/,
  "05": /^equilibrium: J .*exploitability 0\.0000 chips per hand \(exact\)\n[\s\S]*J equilibrium - J tight-value: /,
};

describe("examples", () => {
  beforeAll(() => void node("node_modules/typescript/bin/tsc", "-p", "tsconfig.examples.json"), 120_000);

  test("are the ones that are looked at here", () => {
    expect(names.map((name) => name.slice(0, 2))).toEqual(Object.keys(PRINTED));
  });

  test.each(names)("%s", { timeout: 120_000 }, (name) => {
    expect(node("examples/run.mjs", name.slice(0, 2))).toMatch(PRINTED[name.slice(0, 2)]);
  });
});
