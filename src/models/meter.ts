/** Counts what a model's answers took. The same answers give the same counts, whether they were asked for now or recorded before. */
import type { ChatModel, Usage } from "./chat-model.ts";
import { tokensOf } from "./cost.ts";

export interface Consumption {
  readonly calls: number;
  readonly input: number;
  readonly output: number;
  /** Of the output, where servers tell. */
  readonly reasoning: number;
}

export interface MeteredModel extends ChatModel {
  /** All calls, and of them those of clarifying turns. */
  total(): { readonly all: Consumption; readonly clarifying: Consumption };
}

const NOTHING: Consumption = { calls: 0, input: 0, output: 0, reasoning: 0 };

export function metered(model: ChatModel): MeteredModel {
  let all = NOTHING;
  let clarifying = NOTHING;
  const add = (sum: Consumption, tokens: { readonly input: number; readonly output: number }, usage: Usage): Consumption => ({
    calls: sum.calls + 1,
    input: sum.input + tokens.input,
    output: sum.output + tokens.output,
    reasoning: sum.reasoning + (usage.reasoning ?? 0),
  });
  return {
    provider: model.provider,
    model: model.model,
    settings: model.settings,
    async generate(request, signal) {
      const answer = await model.generate(request, signal);
      const tokens = tokensOf(answer, request.messages);
      all = add(all, tokens, answer.usage);
      if (request.messages.some(({ role }) => role === "assistant")) clarifying = add(clarifying, tokens, answer.usage);
      return answer;
    },
    total: () => ({ all, clarifying }),
  };
}
