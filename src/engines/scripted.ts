/** An engine that replays given replies: for tests of what surrounds an engine, and for replaying recorded play. */
import {
  type Completion,
  EngineError,
  type Sampler,
  type SampleRequest,
  type SamplerSettings,
  type ScoreRequest,
} from "./engine.ts";

/**
 * Answers each request with `reply(prompt tokens)`; every token has log-probability 0, so the replies are certain. It samples and
 * scores but does not learn: there is nothing to train.
 */
export function scriptedSampler(reply: (prompt: readonly number[]) => readonly number[]): Sampler {
  return {
    sample: (requests: readonly SampleRequest[], { maxTokens, stop }: SamplerSettings) =>
      Promise.resolve(
        requests.map(({ prompt }): Completion => {
          const all = reply(prompt.tokens);
          if (all.length === 0) throw new EngineError(`scripted: no reply to the prompt [${prompt.tokens.join(", ")}]`);
          const end = all.findIndex((token) => stop.includes(token));
          const tokens = all.slice(0, Math.min(maxTokens, end < 0 ? all.length : end + 1));
          return {
            tokens,
            logprobs: tokens.map(() => 0),
            finish: stop.includes(tokens[tokens.length - 1]) ? "stop" : "length",
          };
        }),
      ),
    score: (requests: readonly ScoreRequest[]) =>
      Promise.resolve(
        requests.map(({ prompt, continuation }) => {
          const expected = reply(prompt.tokens);
          return continuation.map((token, t) => (token === expected[t] ? 0 : -50));
        }),
      ),
    release: () => Promise.resolve(),
  };
}
