/** A model in one file plays as it did before it was packed, but for the rounding of its weights to float16. */
import { expect, test } from "vitest";
import { freshCheckpoint } from "../engines/embedded/learner.ts";
import { defaultModel } from "../engines/embedded/model.ts";
import { EngineError } from "../engines/engine.ts";
import { rosterOf } from "../opponents/index.ts";
import { seedKey } from "../random.ts";
import { trainTokenizer } from "../text/bpe.ts";
import { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS, createChat } from "../text/chat.ts";
import { createTokenizer, tokenizerFiles } from "../text/tokenizer.ts";
import { playEpisodes } from "./episodes.ts";
import { type PackedModel, packModel, playable, unpackModel } from "./packed-model.ts";
import { modelPlayer } from "./players/model.ts";
import { scriptedPlayer } from "./players/scripted.ts";

const { game, pools } = rosterOf("kuhn");
const trained = trainTokenizer([game.rules], { vocabularySize: 300, specialTokens: SPECIAL_TOKENS });
const contextLength = 512;
const tokenizer = tokenizerFiles(trained, { chatTemplate: CHAT_TEMPLATE, end: END_TOKEN, pad: "<|pad|>", contextLength });
const { vocabularySize } = createChat(createTokenizer(tokenizer));
const { config, weights } = freshCheckpoint(
  { ...defaultModel(vocabularySize), width: 32, layers: 1, contextLength },
  seedKey(1),
);
const about = { origin: "a test", games: { kuhn: { hands: 2 } }, protocol: "corrected" as const };
const model: PackedModel = { ...about, config, weights, tokenizer, sampler: { temperature: 1, maxTokens: 8 } };
const packed = (): Uint8Array => new Uint8Array(Buffer.concat(packModel(model)));

test("is read as it was written, weights within float16's rounding", async () => {
  const { weights: read, ...rest } = await unpackModel(packed(), "file");
  expect(rest).toEqual({ ...about, config, tokenizer, sampler: model.sampler });
  // Half a unit in the last of 10 bits, or half of the smallest float16.
  const gaps = read.map((value, i) => Math.abs(value - weights[i]) - Math.max(Math.abs(weights[i]) * 2 ** -11, 2 ** -25));
  expect(gaps.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(0);
  expect(packed().length).toBeLessThan(weights.length * 2 + 40_000);
});

test("plays whole episodes", async () => {
  const player = modelPlayer("model", playable(await unpackModel(packed(), "file")));
  const [{ outcomes, decisions }] = await playEpisodes([
    {
      game,
      agent: player,
      opponent: scriptedPlayer(pools.train[0]),
      pool: "train",
      id: "test",
      scenario: seedKey(1),
      sampling: seedKey(2),
    },
  ]);
  expect(outcomes.length).toBe(game.facts.rounds);
  expect(decisions.every(({ reply }) => reply !== undefined && reply.completion.length > 0)).toBe(true);
});

test("another file is refused by name", async () => {
  await expect(unpackModel(new TextEncoder().encode("<html>not a model"), "page")).rejects.toThrow(
    new EngineError("page: expected safetensors, got a page of the web, perhaps in place of a download"),
  );
  const bytes = packed().slice(0, -2);
  await expect(unpackModel(bytes, "cut")).rejects.toThrow(/^cut: truncated/);
});
