import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the built command line; `npm test` builds it first. */
const sepo = (args: readonly string[], input = ""): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, ["dist/cli/main.js", ...args], { encoding: "utf8" }, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
    child.stdin?.end(input);
  });

const SMALL = [
  "engine.kind=tabular",
  "base.examples=200",
  "sft.examples=200",
  "sepo.steps=2",
  "sepo.groupSize=2",
  "evaluation.episodes=4",
];

/** A server that nobody asks, with the tokenizer of a test. */
const TINKER = ["kind=tinker", "baseModel=m", "tokenizer=src/text/golden/qwen3.5"].flatMap((key) => ["--set", `engine.${key}`]);
const SERVER = ["--base-model", "m", "--tokenizer", "src/text/golden/qwen3.5"];

describe("sepo", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sepo-cli-"));
    const set = SMALL.flatMap((assignment) => ["--set", assignment]);
    expect(await sepo(["train", "--out", join(folder, "run"), ...set])).toMatchObject({ code: 0 });
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("every command teaches with examples", async () => {
    for (const command of [
      "games",
      "play",
      "data",
      "config",
      "plan",
      "train",
      "evaluate",
      "report",
      "audit",
      "solve",
      "compare",
      "study",
      "check-server",
    ]) {
      const { code, out } = await sepo([command, "--help"]);
      expect(code).toBe(0);
      expect(out).toContain("Examples:");
    }
  });

  test("what goes wrong has its exit code, and names what was expected", async () => {
    for (const [code, args, message] of [
      [2, ["games", "chess"], 'no game is called "chess"; expected one of ipd, auction, split, negotiation, kuhn'],
      [2, ["train", "--set", "sepo.stepz=1"], 'Unrecognized key: "stepz"'],
      [2, ["train", "--set", "nonsense"], 'expects key=value, got "nonsense"'],
      [2, ["train", "--set", "engine.heads=3", "--out", join(folder, "never")], "heads (3) must be a multiple"],
      [2, ["train", "--set", 'games=["chess"]'], 'no game is called "chess"'],
      [2, ["train", ...TINKER, "--out", join(folder, "never")], "environment variable TINKER_API_KEY"],
      [3, ["train", "nowhere.toml"], "nowhere.toml: expected a TOML or JSON configuration"],
      [3, ["train", "--resume", "--out", "nowhere"], "expected the directory of a run"],
      [3, ["train", "--out", join("package.json", "run"), "--set", "engine.kind=tabular"], "is a file"],
      [2, ["evaluate"], "name exactly one of: a checkpoint folder or model, --policy, --scripted; got none"],
      [2, ["evaluate", "runs/x", "--scripted"], "got a checkpoint and --scripted"],
      [2, ["evaluate", "--policy", "random", "--game", "ipd", "--precision", "0.000001"], "episodes per opponent"],
      [2, ["evaluate", "--policy", "nobody", "--game", "ipd"], 'no policy called "nobody"'],
      [2, ["evaluate", "--policy", "random", "--game", "ipd", "--episodes", "-3"], "1 or more"],
      [2, ["evaluate", "--scripted", "--game", "ipd", "--game", "ipd"], "ipd is given twice"],
      [2, ["compare", "kuhn:equilibrium", "kuhn:uniform", "ipd:random"], "ipd:random plays ipd and kuhn:equilibrium kuhn"],
      [2, ["audit", "--game", "negotiation"], "too many positions"],
      [2, ["audit", "--group-size", "1"], "at least 2 episodes"],
      [2, ["study"], "either the file of a study or a --preset"],
      [2, ["study", "recipes/tabular/config.toml"], "Unrecognized key"],
      [2, ["data", "--release", join(folder, "never"), "--game", "ipd"], "--release has every game and protocol"],
      [3, ["study", "nowhere.toml"], "nowhere.toml: expected a TOML or JSON study"],
      [3, ["report", "nowhere"], "expected the directory of a run"],
      [2, ["report", join(folder, "run"), "--game", "chess"], 'holds no game called "chess"; expected one of '],
      [2, ["report", join(folder, "run"), "--opponent", "nobody"], 'holds no opponent called "nobody"'],
      [2, ["transcripts", join(folder, "run"), "--game", "chess"], 'holds no game called "chess"'],
      [3, ["evaluate", "nowhere"], "nowhere"],
      [2, ["check-server", ...SERVER, "--game", "chess"], 'no game is called "chess"'],
      [2, ["check-server", ...SERVER, "--game", "ipd", "--game", "ipd"], "ipd is given twice"],
      [2, ["dance"], "unknown command"],
    ] as const) {
      const found = await sepo(args);
      expect({ args, code: found.code }).toEqual({ args, code });
      expect(found.err).toContain(message);
      expect(found.err).not.toMatch(/^\s+at /m);
    }
  });

  test("a training that is refused leaves no folder behind", async () => {
    const out = join(folder, "deep", "refused");
    expect((await sepo(["train", "--set", "engine.heads=3", "--out", out])).code).toBe(2);
    expect(await readdir(folder)).not.toContain("deep");
  });

  test("a run is not overwritten", async () => {
    const { code, err } = await sepo(["train", "--out", join(folder, "run"), "--set", "engine.kind=tabular"]);
    expect(code).toBe(2);
    expect(err).toContain("--resume");
  });

  test("evaluation of a saved checkpoint repeats the run's own report", async () => {
    for (const path of [join(folder, "run", "checkpoints", "sepo"), join(folder, "run")]) {
      const { out } = await sepo(["evaluate", path, "--episodes", "4", "--json"]);
      const again: { games: object[] } = JSON.parse(out);
      const file = await readFile(join(folder, "run", "evaluation", "sepo.json"), "utf8");
      const stored: { games: object[] } = JSON.parse(file);
      expect(again.games).toEqual(stored.games);
    }
  });

  test("report prints tables in both formats", async () => {
    expect((await sepo(["report", join(folder, "run")])).out).toContain("safety index J");
    expect((await sepo(["report", join(folder, "run"), "--format", "markdown", "--brief"])).out).toContain(
      "| agent | safety index J |",
    );
  });

  test("solve prints exact values", async () => {
    const { code, out } = await sepo(["solve", "ipd", "--json"]);
    expect(code).toBe(0);
    const { optimum, scripted }: { optimum: { value: number }; scripted: { policy: string; safetyIndex: number }[] } =
      JSON.parse(out);
    expect(optimum.value).toBeCloseTo(1.8799, 4);
    expect(scripted[0]).toMatchObject({ policy: "grim-trigger", safetyIndex: expect.closeTo(1.769, 3) });
    expect((await sepo(["solve", "auction"])).out).toContain("MEDIUM 1.0000");
    // Without the weight of e nothing keeps a policy from being exploited: 2.7245 in place of 1.8799.
    const weightless = await sepo(["solve", "ipd", "--set", "games.ipd.weights.exploitability=0"]);
    expect(weightless.out).toContain("J* = 2.7245");
    expect((await sepo(["solve", "auction", "--set", "games.kuhn.hands=2"])).err).toContain(
      "expected a key of the games played",
    );
  });

  test("compare pairs agents, and says when no difference is shown", async () => {
    const { code, out } = await sepo([
      "compare",
      "kuhn:equilibrium",
      "kuhn:equilibrium",
      "kuhn:always-pass",
      "--episodes",
      "50",
    ]);
    expect(code).toBe(0);
    expect(out).toContain("no difference shown");
    expect(out).toContain("kuhn:equilibrium is higher");
    expect(out).toContain("2 comparisons, p-values adjusted by Holm's method");
    expect((await sepo(["compare", "kuhn:equilibrium"])).code).toBe(2);
  });

  test("every scripted policy of a game in one table, with as many episodes as a precision needs", async () => {
    const { out } = await sepo(["evaluate", "--scripted", "--game", "split", "--episodes", "20"]);
    expect(out).toContain("stubborn-then-fair");
    const planned = await sepo(["evaluate", "--policy", "mixed", "--game", "ipd", "--precision", "0.1", "--json"]);
    const report: { games: { objective: { safetyIndex: { low: number; high: number } } }[] } = JSON.parse(planned.out);
    const { low, high } = report.games[0].objective.safetyIndex;
    expect((high - low) / 2).toBeLessThan(0.12);
  });

  test("dry run prints a configuration that can be used", async () => {
    const { code, out } = await sepo(["train", "recipes/small/config.toml", "--dry-run", "--set", "sepo.credit=payoff"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ sepo: { credit: "payoff" }, protocol: "corrected" });
  });

  test("a person can play, is corrected, and can leave", async () => {
    const { code, out } = await sepo(["play", "ipd", "--against", "always-defect"], `hello\n${"DEFECT\n".repeat(8)}`);
    expect(code).toBe(0);
    expect(out).toContain("names no action; expected COOPERATE or DEFECT");
    expect(out).toContain("total    8     8  points");
    expect((await sepo(["play", "kuhn"], "\n")).out).toContain("You left the table.");
  });

  test("any two can sit at one table, and what they write is shown", async () => {
    const { code, out } = await sepo(["play", "ipd", "--agent", "always-cooperate", "--against", "always-defect"]);
    expect(code).toBe(0);
    expect(out).toContain("always-cooperate plays always-defect");
    expect(out.match(/^always-cooperate: COOPERATE$/gm)).toHaveLength(8);
    expect(out).toContain("total    0    40  points");
    const model = join(folder, "run");
    const game = JSON.parse(await readFile(join(model, "config.json"), "utf8")).games;
    const [name] = Object.keys(game);
    expect((await sepo(["play", name, "--agent", model, "--reasoning"])).code).toBe(0);
    expect((await sepo(["play", "ipd", "--agent", "nobody"])).code).toBe(3);
  });

  test("data writes examples and a manifest", async () => {
    const { code } = await sepo(["data", "--out", join(folder, "data"), "--examples", "100", "--games", "kuhn"]);
    expect(code).toBe(0);
    const [line] = (await readFile(join(folder, "data", "kuhn.train.jsonl"), "utf8")).split("\n");
    const example: { messages: { role: string }[] } = JSON.parse(line);
    expect(example.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
    const manifest = await readFile(join(folder, "data", "manifest.json"), "utf8");
    expect(manifest).not.toContain('always-pass"');
  });

  test.runIf(existsSync("/dev/full"))("output that cannot be written is named, with code 3", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `"${process.execPath}" dist/cli/main.js games > /dev/full`], {
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: "sepo: standard output: no space is left on the device (ENOSPC)\n",
    });
  });
});
