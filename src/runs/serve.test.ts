/** A checkpoint behind an API and as a model object: the answers are the engine's own, and nothing is ignored in silence. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { chatModel } from "../models/adapter.ts";
import type { ChatRequest } from "../models/chat-model.ts";
import { openModel } from "../models/providers.ts";
import { chatPlayer } from "../play/players/chat.ts";
import { messagesOf } from "../play/messages.ts";
import { seedKey } from "../random.ts";
import { abstractViews } from "../solvers/walk.ts";
import { type Agent, createAgent } from "./agent.ts";
import { parseConfig } from "./config.ts";
import { openGames } from "./games.ts";
import { sdkModel } from "./sdk-model.ts";
import { type Served, serveModel } from "./serve.ts";
import { type TokenModel, tokenModel } from "./token-model.ts";

const config = parseConfig({
  games: ["ipd"],
  engine: { kind: "embedded", width: 32, layers: 1, heads: 2, keyValueHeads: 1, headWidth: 16, feedForward: 32, threads: 1 },
  sampler: { maxTokens: 12 },
});

let agent: Agent;
let model: TokenModel;
let served: Served;
beforeAll(async () => {
  const games = await openGames(config, ".");
  agent = await createAgent(config, games, () => games.map(({ roster }) => `${roster.game.rules} COOPERATE DEFECT`));
  model = tokenModel("tiny", agent);
  served = await serveModel(model, 0);
});
afterAll(async () => {
  await served.close();
  await agent.engine.release();
});

const position = () => {
  const [{ roster }] = agent.games;
  const [[, view]] = abstractViews(roster.game, [0]);
  return { game: roster.game, view };
};

const asked = (): ChatRequest => {
  const { game, view } = position();
  return { messages: messagesOf(game, view), place: { episode: "e", turn: 0, seat: 0 }, key: seedKey(0) };
};

const post = async (body: unknown, headers: Readonly<Record<string, string>> = {}) => {
  const response = await fetch(`${served.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
};
const choicesSchema = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) });
const hello = { model: "tiny", messages: [{ role: "user", content: "Your action?" }], max_tokens: 6 };

describe("a served checkpoint", () => {
  test("answers a real client with the engine's tokens and log-probabilities", async () => {
    const client = await openModel(
      { provider: "openai-compatible", model: "tiny" },
      { baseUrl: served.baseUrl, settings: { maxTokens: 8, seed: 5, temperature: 0.7, providerOptions: { logprobs: true } } },
    );
    const answer = await client.generate(asked());
    const direct = await model.complete(asked().messages, { maxTokens: 8, seed: 5, temperature: 0.7 });
    expect(answer).toMatchObject({ text: direct.text, finish: direct.finish, usage: { output: direct.tokens.length } });
    expect(answer.logprobs?.map(({ token, logprob }) => ({ token, logprob }))).toEqual(direct.tokens);
    // The engine gives what it drew the same probability when it is asked to score it.
    const { game, view } = position();
    const prompt = agent.encoding.prompt(game, view);
    expect(answer.usage.input).toBe(prompt.tokens.length);
    const [drawn] = await agent.engine.sample([{ prompt, key: seedKey(9) }], agent.sampling);
    const [scores] = await agent.engine.score([{ prompt, continuation: drawn.tokens }], agent.sampling.temperature);
    drawn.logprobs.forEach((logprob, t) => expect(scores[t]).toBeCloseTo(logprob, 4));
  });

  test("tells the likeliest tokens, the drawn one with the probability it was drawn with", async () => {
    const client = await openModel(
      { provider: "openai-compatible", model: "tiny" },
      { baseUrl: served.baseUrl, topLogprobs: 20, settings: { maxTokens: 8, seed: 5, temperature: 0.7 } },
    );
    const { logprobs = [] } = await client.generate(asked());
    expect(logprobs.length).toBeGreaterThan(0);
    for (const { token, logprob, top } of logprobs) {
      expect(top).toHaveLength(20);
      expect(top.map((other) => other.logprob)).toEqual(top.map((other) => other.logprob).toSorted((a, b) => b - a));
      // No more than all probability, and an untrained model spreads it over its whole vocabulary.
      expect(top.reduce((sum, other) => sum + Math.exp(other.logprob), 0)).toBeLessThan(1);
      // Several tokens may have one text: parts of characters.
      const same = top.filter((other) => other.token === token).map((other) => Math.abs(other.logprob - logprob));
      if (Math.min(...same) > 1e-3) expect(logprob).toBeLessThanOrEqual(top[19].logprob + 1e-4);
    }
    const { game, view } = position();
    const prompt = agent.encoding.prompt(game, view);
    const whole = await agent.engine.alternatives?.([{ prompt, continuation: [0] }], 0.7, agent.engine.facts.vocabularySize);
    expect(whole?.[0][0].reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 4);
  });

  test("draws anew without a seed, and the same with one", async () => {
    const texts = async (more: object) => {
      const { text } = await post({ ...hello, n: 6, ...more });
      const { choices } = choicesSchema.parse(JSON.parse(text));
      return choices.map(({ message }) => message.content);
    };
    expect(new Set(await texts({})).size).toBeGreaterThan(1);
    expect(await texts({ seed: 1 })).toEqual(await texts({ seed: 1 }));
  });

  test("streams on request", async () => {
    const { text } = await post({ ...hello, stream: true, seed: 1 });
    expect(text).toMatch(/^data: \{.*"delta":\{"role":"assistant"/);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test.each([
    [{ ...hello, temperature: 0 }, 400, /above 0/],
    [{ ...hello, top_p: 0.5 }, 400, /top_p/],
    [{ ...hello, top_logprobs: 5 }, 400, /top_logprobs needs logprobs/],
    [{ ...hello, logprobs: true, top_logprobs: 21 }, 400, /top_logprobs/],
    [{ ...hello, tools: [] }, 400, /tools/],
    [{ ...hello, max_tokens: 100_000 }, 400, /more than the model's/],
    [{ ...hello, messages: [] }, 400, /messages/],
    ["{", 400, /expected JSON/],
  ] as const)("refuses %j", async (body, status, words) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(words);
  });

  test("does not answer pages of other sites", async () => {
    expect((await post(JSON.stringify(hello), { "content-type": "text/plain" })).status).toBe(415);
    const url = new URL(`${served.baseUrl}/models`);
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        const sent = request({ port: url.port, host: "127.0.0.1", path: url.pathname, headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        sent.on("error", reject).end();
      });
    expect(await statusFor(`evil.example:${url.port}`)).toBe(403);
    expect(await statusFor(`localhost:${url.port}`)).toBe(200);
  });
});

test("a checkpoint as a model object says what it ignores, and plays", async () => {
  const object = sdkModel(model);
  const answer = await chatModel(object, { settings: { maxTokens: 8, seed: 5, topP: 0.5 } }).generate(asked());
  const direct = await model.complete(asked().messages, { maxTokens: 8, seed: 5 });
  expect(answer).toMatchObject({
    text: direct.text,
    usage: { input: direct.inputTokens, output: direct.tokens.length },
    warnings: ["topP is not supported"],
  });
  const player = chatPlayer(chatModel(object, { settings: { maxTokens: 8 } }));
  const [decision] = await player.decide([{ ...position(), key: seedKey(1) }]);
  expect(position().game.legal(position().view)).toContain(decision.action);
});

test("a table has no words to serve", () => {
  const { tokenizer: _, ...table } = agent;
  expect(() => tokenModel("table", table)).toThrow(/reads no text/);
});
