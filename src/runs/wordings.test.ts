/** Evaluations in several wordings, and with a system prompt of the user's own. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chatModel } from "../models/adapter.ts";
import type { ChatModel } from "../models/chat-model.ts";
import { rosterOf } from "../opponents/index.ts";
import { wordingsTable } from "../report/models.ts";
import type { WordedRosters } from "./measure-model.ts";
import { type ModelEvaluationOptions, evaluateModel, readModelEpisodes, readModelReport } from "./model-evaluation.ts";
import { askedGames, evaluationFile, readAsked } from "./recording.ts";

const words = (wording: string) => rosterOf("ipd", { options: { rounds: 2, wording } });
const worded: readonly WordedRosters[] = [{ wording: "everyday", rosters: [words("everyday")] }];
const options: ModelEvaluationOptions = {
  name: "mine",
  seed: 0,
  episodes: 2,
  positions: 1,
  samples: 1,
  command: () => "",
};

/** Cooperates, but not with traders. */
const listening = (asked: string[] = []): ChatModel =>
  chatModel(([{ content }]) => {
    asked.push(content);
    return content.includes("trader") ? "DEFECT" : "COOPERATE";
  });

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sepo-wordings-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("an evaluation in several wordings", () => {
  test("reports each, with paired differences, and says so in its folder", async () => {
    const out = join(folder, "all");
    const found = await evaluateModel(out, listening(), [words("standard")], { ...options, worded });
    const [main] = found.report.games;
    const [other] = found.wordings ?? [];
    expect(main.settings).toBe("rounds 2");
    expect(other.report.games[0].settings).toBe('rounds 2, wording "everyday"');
    // Both play one action throughout, so the difference is that of the two values.
    const values = [other.report.games[0], main].map(({ objective }) => objective.safetyIndex.value);
    expect(values[0]).not.toBe(values[1]);
    expect(other.differences[0].difference.value).toBeCloseTo(values[0] - values[1], 12);
    expect(await readModelReport(out)).toEqual(found);
    const asked = await readAsked(out);
    expect(asked).toMatchObject({ wordings: ["everyday"], sections: { ipd: { rounds: 2 } } });
    const [{ roster }] = await askedGames(asked, out);
    expect(roster).toBe(words("standard"));
    const episodes = await readModelEpisodes(out);
    expect(new Set(episodes.map(({ settings }) => settings))).toEqual(new Set(["rounds 2", 'rounds 2, wording "everyday"']));
    const [table] = wordingsTable([found]);
    expect(table.rows.map(([, wording]) => wording)).toEqual(["standard", "everyday"]);
    // Of two values a and b the standard deviation is |a - b| / sqrt(2).
    expect(table.note).toContain(`over 2 wordings ${(Math.abs(values[0] - values[1]) / Math.SQRT2).toFixed(3)} `);
  });

  test("one wording alone is asked for by the games' settings", async () => {
    const out = join(folder, "one");
    await evaluateModel(out, listening(), [words("everyday")], options);
    const asked = await readAsked(out);
    expect(asked.sections).toEqual({ ipd: { rounds: 2, wording: "everyday" } });
    expect(asked.wordings).toBeUndefined();
    expect((await askedGames(asked, out))[0].roster).toBe(words("everyday"));
  });
});

describe("a system prompt of the user's own", () => {
  test("stands before the rules, in the transcripts and in what was asked; without it nothing is recorded of it", async () => {
    const out = join(folder, "system");
    const asked: string[] = [];
    await evaluateModel(out, listening(asked), [words("standard")], { ...options, system: "You are a broker." });
    const whole = `You are a broker.\n\n${words("standard").game.rules}`;
    // The first call is the probe.
    expect(new Set(asked.slice(1))).toEqual(new Set([whole]));
    expect((await readModelEpisodes(out))[0].rules).toBe(whole);
    expect((await readAsked(out)).system).toBe("You are a broker.");
    const plain = await readFile(evaluationFile.asked(join(folder, "one")), "utf8");
    expect(plain).not.toContain("system");
  });

  test("another one needs another folder", async () => {
    const out = join(folder, "system");
    const refused = evaluateModel(out, listening(), [words("standard")], { ...options, system: "You are a judge." });
    await expect(refused).rejects.toThrow(/the system prompt "You are a broker."/);
    await expect(evaluateModel(out, listening(), [words("standard")], options)).rejects.toThrow(/no system prompt/);
  });
});
