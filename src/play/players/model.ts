/** A language model as a player. */
import { type Action, choose, parse } from "../../games/index.ts";
import { foldIn, uniform } from "../../random.ts";
import { type LanguageModel, actionProbabilities } from "../language-model.ts";
import type { Decision, DecisionRequest, ModelReply, Player } from "../player.ts";

/**
 * The model writes a reply to each position. One that cannot be read, or names an illegal action, is resolved by the model itself: the
 * legal actions are scored as a last line after its own reply, and one is drawn with those probabilities.
 */
export function modelPlayer(name: string, model: LanguageModel): Player {
  const { sampler, encoding, sampling } = model;
  return {
    name,
    independent: sampler.independent ?? false,
    async decide(requests, signal) {
      const prompts = requests.map(({ game, view }) => encoding.prompt(game, view));
      const completions = await sampler.sample(
        prompts.map((prompt, i) => ({ prompt, key: requests[i].key })),
        sampling,
        signal,
      );
      const read = requests.map(({ game, view }, i) => {
        const { tokens, logprobs, finish } = completions[i];
        const reply: ModelReply = { prompt: prompts[i], completion: tokens, logprobs, text: encoding.text(tokens) };
        const cut = finish === "length";
        return { reply, parsed: parse(encoding.answer(tokens), game.grammar, game.legal(view), { cut }) };
      });
      const failed = read.flatMap(({ parsed }, i) => (parsed.status === "ok" ? [] : [i]));
      const drawn = await rescue(
        model,
        failed.map((i) => ({ ...requests[i], reply: read[i].reply })),
      );
      return read.map(({ reply, parsed }, i): Decision =>
        parsed.status === "ok"
          ? { action: parsed.action, parsed, reply }
          : { action: drawn[failed.indexOf(i)], parsed, resolved: "scored", reply },
      );
    },
  };
}

/** For each unusable reply a legal action, drawn with the model's probabilities of it as a last line after the reply. */
async function rescue(
  model: LanguageModel,
  failed: readonly (DecisionRequest & { readonly reply: ModelReply })[],
): Promise<Action[]> {
  const positions = failed.map(({ game, view, reply }) => ({
    prompt: reply.prompt,
    legal: game.legal(view),
    continuation: (action: Action) => model.encoding.resolve(reply.completion, action),
  }));
  const probabilities = await actionProbabilities(model, positions);
  return failed.map(({ key }, i) =>
    choose(
      positions[i].legal.map((action, j) => [action, probabilities[i][j]] as const),
      uniform(foldIn(key, "resolve")),
    ),
  );
}
