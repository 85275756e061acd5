/** A small trained model, asked through its server as any other, does what its engine does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bySamples, scoredActions } from "../evaluation/sampled-actions.ts";
import { openModel } from "../models/providers.ts";
import { actionProbabilities } from "../play/language-model.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { modelPlayer } from "../play/players/model.ts";
import { messagesOf } from "../play/messages.ts";
import { foldIn, seedKey, uniform } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { pairedDifference } from "../stats/compare.ts";
import { type Agent, createAgent, modelOf } from "./agent.ts";
import { parseConfig } from "./config.ts";
import { openGames } from "./games.ts";
import { type Served, serveModel } from "./serve.ts";
import { tokenModel } from "./token-model.ts";

const config = parseConfig({
  games: ["ipd"],
  engine: { kind: "embedded", width: 32, layers: 1, heads: 2, keyValueHeads: 1, headWidth: 16, feedForward: 32, threads: 1 },
  sampler: { maxTokens: 8 },
});
const ADAM = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 1 };
const SAMPLES = 200;

let agent: Agent;
let served: Served;
beforeAll(async () => {
  const games = await openGames(config, ".");
  agent = await createAgent(config, games, () => games.map(({ roster }) => `${roster.game.rules} COOPERATE DEFECT`));
  await teach();
  served = await serveModel(tokenModel("taught", agent), 0);
});
afterAll(async () => {
  await served.close();
  await agent.engine.release();
});

const game = () => agent.games[0].roster.game;
const positions = () => [...abstractViews(game(), [0]).values()].slice(0, 2);

/** Teaches the actions in these shares, by position. */
async function teach(): Promise<void> {
  for (let step = 0; step < 80; step++) {
    const examples = positions().flatMap((view, i) =>
      Array.from({ length: 8 }, (_, j) => {
        const action = uniform(foldIn(seedKey(step), i), j) < [0.7, 0.35][i] ? "COOPERATE" : "DEFECT";
        const completion = agent.encoding.reply(action);
        return { prompt: agent.encoding.prompt(game(), view), completion, weights: completion.map(() => 1 / 16) };
      }),
    );
    await agent.engine.accumulate({ kind: "cross_entropy", examples });
    await agent.engine.step(ADAM);
  }
}

const requests = (view: unknown) =>
  Array.from({ length: SAMPLES }, (_, i) => ({ game: game(), view, key: foldIn(seedKey(1), "draw", i) }));

describe("a served model of ours", () => {
  test("answers with the action frequencies of its engine", async () => {
    const client = await openModel(
      { provider: "openai-compatible", model: "taught" },
      { baseUrl: served.baseUrl, settings: { maxTokens: 8 } },
    );
    for (const view of positions()) {
      const [own, asked] = await Promise.all(
        [modelPlayer("engine", modelOf(agent)), chatPlayer(client)].map((player) => player.decide(requests(view))),
      );
      const cooperates = (decisions: typeof own) => decisions.map(({ action }) => (action === "COOPERATE" ? 1 : 0));
      const readable = asked.filter(({ parsed }) => parsed.status === "ok").length;
      expect(readable).toBeGreaterThan(0.9 * SAMPLES);
      const [low, high] = pairedDifference(cooperates(own), cooperates(asked)).ends(0.01);
      expect(low).toBeLessThan(0);
      expect(high).toBeGreaterThan(0);
    }
  });

  test("gives by its log-probabilities the action probabilities that its engine scores", async () => {
    const client = await openModel(
      { provider: "openai-compatible", model: "taught" },
      { baseUrl: served.baseUrl, topLogprobs: 20, settings: { maxTokens: 8 } },
    );
    const legal = game().legal(positions()[0]);
    for (const [i, view] of positions().entries()) {
      const { encoding } = agent;
      const prompt = encoding.prompt(game(), view);
      const [scored] = await actionProbabilities(modelOf(agent), [
        { prompt, legal, continuation: (action) => encoding.reply(action) },
      ]);
      expect(scored[0]).toBeGreaterThan([0.5, 0.15][i]);
      expect(scored[0]).toBeLessThan([0.9, 0.6][i]);
      const request = { messages: messagesOf(game(), view), place: { episode: "e", turn: 0, seat: 0 }, key: seedKey(0) };
      const answer = await client.generate(request);
      const told = scoredActions(answer, answer.text ?? "", legal, 1);
      // Of the first token of each action, which here is nearly all that the rest depends on.
      expect(told?.[0]).toBeCloseTo(scored[0], 1);
      const player = chatPlayer(client);
      const [{ probabilities }] = await bySamples(player, { samples: 4 })([{ game: game(), view, key: seedKey(2) }]);
      expect(probabilities[0]).toBeCloseTo(scored[0], 1);
    }
  });
});
