import { describe, expect, test } from "vitest";
import type { ChatAnswer, ChatModel, ChatRequest } from "../models/chat-model.ts";
import { rosterOf } from "../opponents/index.ts";
import { foldIn, seedKey } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { chatPlayer } from "./players/chat.ts";

const { game } = rosterOf("ipd");
const [[, view]] = abstractViews(game, [0]);
const usage = { input: 1, output: 1, reasoning: null };

const answer = (text: string | undefined, finish: ChatAnswer["finish"] = "stop"): ChatAnswer => ({
  ...(text === undefined ? {} : { text }),
  reasoning: "",
  finish,
  usage,
  warnings: [],
});

function scripted(...answers: readonly ChatAnswer[]) {
  const asked: ChatRequest[] = [];
  const model: ChatModel = {
    provider: "test",
    model: "m",
    settings: { maxTokens: 10 },
    generate(request) {
      asked.push(request);
      return Promise.resolve(answers[asked.length - 1]);
    },
  };
  return { asked, player: chatPlayer(model) };
}

const decide = async (...answers: readonly ChatAnswer[]) => {
  const { asked, player } = scripted(...answers);
  const [decision] = await player.decide([{ game, view, key: seedKey(0), place: { episode: "e", turn: 2, seat: 0 } }]);
  return { asked, decision };
};

describe("a chat model as a player", () => {
  test("decides by its reply", async () => {
    const { asked, decision } = await decide(answer("A thought.\nDEFECT"));
    expect(decision).toMatchObject({ action: "DEFECT", parsed: { status: "ok" } });
    expect(decision.resolved).toBeUndefined();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      place: { episode: "e", turn: 2, seat: 0 },
      messages: [{ role: "system" }, { role: "user" }],
    });
  });

  test("is asked once more and told why, and the first reply counts as unreadable", async () => {
    const { asked, decision } = await decide(answer("hmm"), answer("COOPERATE"));
    expect(decision).toMatchObject({
      action: "COOPERATE",
      resolved: "clarified",
      parsed: { status: "parse-failure", cause: "missing" },
    });
    const [said, told] = asked[1].messages.slice(2);
    expect(said).toEqual({ role: "assistant", content: "hmm" });
    expect(told).toMatchObject({ role: "user" });
    expect(told.content).toContain("names no action");
  });

  test.each([
    ["a refusal that names a move", answer("I will not DEFECT", "refused"), "refused"],
    ["a refusal that is a move", answer("DEFECT", "refused"), "refused"],
    ["a cut reply that ends with a move", answer("DEFECT", "length"), "cut"],
    ["reasoning without an end", answer(undefined, "length"), "cut"],
  ] as const)("%s is never a move", async (_, reply, cause) => {
    const { asked, decision } = await decide(reply, reply);
    expect(decision).toMatchObject({ resolved: "uniform", parsed: { status: "parse-failure", cause } });
    expect(game.legal(view)).toContain(decision.action);
    // No provider is sent an empty message.
    expect(asked[1].messages.every(({ content }) => content !== "")).toBe(true);
  });

  test("that never answers plays every legal action equally often", async () => {
    const { player } = scripted(...Array.from({ length: 2000 }, () => answer("hmm")));
    const requests = Array.from({ length: 1000 }, (_, i) => ({ game, view, key: foldIn(seedKey(3), i) }));
    const decisions = await player.decide(requests);
    const defects = decisions.filter(({ action }) => action === "DEFECT").length;
    // Standard error sqrt(1000 / 4) = 15.8.
    expect(Math.abs(defects - 500)).toBeLessThan(4 * 15.8);
    expect(decisions.every(({ answers }) => answers?.length === 2)).toBe(true);
  });
});
