/** A checkpoint as a model in one file: it plays as its engine does. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineError } from "../engines/engine.ts";
import { playable } from "../play/packed-model.ts";
import { foldIn, seedKey } from "../random.ts";
import { type Agent, createAgent, saveAgent } from "./agent.ts";
import { parseConfig } from "./config.ts";
import { openGames } from "./games.ts";
import { packedAgent } from "./packed-agent.ts";

const shape = { width: 16, layers: 1, heads: 2, keyValueHeads: 1, headWidth: 8, feedForward: 24 };
const config = parseConfig({
  games: { kuhn: { hands: 2 } },
  engine: { vocabularySize: 300, contextLength: 512, ...shape },
  sampler: { maxTokens: 6 },
});

let folder = "";
let agent: Agent;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "packed-"));
  const games = await openGames(config, ".");
  agent = await createAgent(config, games, () => games.map(({ roster }) => roster.game.rules));
  await saveAgent(agent, join(folder, "agent"));
});
afterAll(async () => {
  await agent.engine.release();
  await rm(folder, { recursive: true, force: true });
});

test("it has the games and the sampler of the checkpoint and writes what the engine writes", async () => {
  const model = await packedAgent(join(folder, "agent"));
  expect(model.games).toEqual({ kuhn: { hands: 2 } });
  expect(model.sampler).toEqual({ temperature: 1, maxTokens: 6 });
  expect(model.origin).toMatch(/^checkpoint [\da-f]{12}$/);
  const { sampler, encoding, sampling } = playable(model);
  expect(sampling).toEqual(agent.sampling);
  const { game } = agent.games[0].roster;
  const view = game.view(game.chance(game.start(), "QJ"), 0);
  const requests = Array.from({ length: 4 }, (_, i) => ({ prompt: encoding.prompt(game, view), key: foldIn(seedKey(1), i) }));
  const [ours, theirs] = await Promise.all([sampler.sample(requests, sampling), agent.engine.sample(requests, agent.sampling)]);
  expect(ours.map(({ tokens }) => tokens)).toEqual(theirs.map(({ tokens }) => tokens));
});

test("an agent that is no language model is refused", async () => {
  const table = parseConfig({ games: ["ipd"], engine: { kind: "tabular" } });
  const other = await createAgent(table, await openGames(table, "."), () => []);
  await saveAgent(other, join(folder, "table"));
  await expect(packedAgent(join(folder, "table"))).rejects.toThrow(
    new EngineError(`${join(folder, "table")}: expected an embedded model, got engine tabular`),
  );
});
