/** Whoever decides for a seat: a scripted policy, an engine's model, or a person. */
import type { Prompt, Sampler, SamplerSettings } from "../engines/engine.ts";
import { type Action, type Game, type Parsed, type Policy, choose, parse } from "../games/index.ts";
import { type Key, foldIn, uniform } from "../random.ts";
import type { Encoding } from "./encoding.ts";

export interface DecisionRequest {
  readonly game: Game;
  readonly view: unknown;
  /** Randomness of this decision. */
  readonly key: Key;
}

/** What a model wrote for one decision, with what is needed to learn from it. */
export interface ModelReply {
  readonly prompt: Prompt;
  readonly completion: readonly number[];
  readonly logprobs: readonly number[];
  readonly text: string;
}

export interface Decision {
  readonly action: Action;
  /** How the reply was read; a failure was resolved as `resolved` says. */
  readonly parsed: Parsed;
  readonly resolved?: "scored";
  readonly reply?: ModelReply;
}

export interface Player {
  readonly name: string;
  /** Whether each decision is made by itself, so that episodes need not wait for each other; false unless given. */
  readonly independent?: boolean;
  /** One decision per request, in order; requests of many episodes arrive together. */
  decide(requests: readonly DecisionRequest[], signal?: AbortSignal): Promise<readonly Decision[]>;
}

const UNANSWERED: Parsed = { status: "parse-failure", reason: "the reply ended before its thinking did" };

export const scriptedPlayer = (policy: Policy): Player => ({
  name: policy.name,
  decide: (requests) =>
    Promise.resolve(
      requests.map(({ view, key }) => {
        const action = choose(policy.act(view), uniform(key));
        return { action, parsed: { status: "ok", action } };
      }),
    ),
});

/**
 * A language model. A reply that cannot be read, or names an illegal action, is resolved by the model itself: the legal actions
 * are scored as a last line after its own reply, and one is drawn with those probabilities.
 */
export function modelPlayer(name: string, sampler: Sampler, encoding: Encoding, settings: SamplerSettings): Player {
  return {
    name,
    independent: sampler.independent ?? false,
    async decide(requests, signal) {
      const prompts = requests.map(({ game, view }) => encoding.prompt(game, view));
      const completions = await sampler.sample(
        prompts.map((prompt, i) => ({ prompt, key: requests[i].key })),
        settings,
        signal,
      );
      const read = requests.map(({ game, view }, i) => {
        const { tokens, logprobs } = completions[i];
        const text = encoding.text(tokens);
        const reply: ModelReply = { prompt: prompts[i], completion: tokens, logprobs, text };
        const answer = encoding.answer(tokens);
        const parsed: Parsed = answer === undefined ? UNANSWERED : parse(answer, game.grammar, game.legal(view));
        return { reply, parsed };
      });
      const failed = read.flatMap(({ parsed }, i) => (parsed.status === "ok" ? [] : [i]));
      const rescued = await resolve(failed.map((i) => ({ ...requests[i], reply: read[i].reply })));
      return read.map(({ reply, parsed }, i): Decision =>
        parsed.status === "ok"
          ? { action: parsed.action, parsed, reply }
          : { action: rescued[failed.indexOf(i)], parsed, resolved: "scored", reply },
      );
    },
  };

  async function resolve(failed: readonly (DecisionRequest & { readonly reply: ModelReply })[]): Promise<Action[]> {
    if (failed.length === 0) return [];
    const options = failed.map(({ game, view }) => game.legal(view));
    const requests = failed.flatMap(({ reply }, i) =>
      options[i].map((action) => ({ prompt: reply.prompt, continuation: encoding.resolve(reply.completion, action) })),
    );
    const scores = (await sampler.score(requests, settings.temperature)).map((row) => row.reduce((a, b) => a + b, 0));
    let at = 0;
    return failed.map(({ key }, i) => {
      const own = scores.slice(at, (at += options[i].length));
      const most = Math.max(...own);
      const weights = own.map((score) => Math.exp(score - most));
      const total = weights.reduce((a, b) => a + b, 0);
      return choose(
        options[i].map((action, j) => [action, weights[j] / total] as const),
        uniform(foldIn(key, "resolve")),
      );
    });
  }
}
