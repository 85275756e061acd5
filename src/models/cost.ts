/** What calls cost, from tokens and a price. */
import { type ChatAnswer, type ChatModel, type ChatRequest, ModelError, roughTokens } from "./chat-model.ts";

/** Dollars per million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Where it is from; absent for one that the user gave. */
  readonly source?: string;
}

/** Dollars of so many tokens. */
export const costOf = ({ input, output }: Price, tokens: { readonly input: number; readonly output: number }): number =>
  (tokens.input * input + tokens.output * output) / 1e6;

/** Tokens of a call; where the server does not tell, by the rule of thumb. */
export function tokensOf(
  { usage, text = "", reasoning }: Pick<ChatAnswer, "usage" | "text" | "reasoning">,
  messages: readonly { readonly content: string }[] = [],
): { readonly input: number; readonly output: number } {
  return {
    input: usage.input ?? roughTokens(messages.map(({ content }) => content)),
    output: usage.output ?? roughTokens([text, reasoning]),
  };
}

export interface Budget {
  readonly price: Price;
  /** Dollars at which no further call begins. */
  readonly most: number;
  /** Dollars spent before, which count. */
  readonly spent: number;
}

/** The model within a budget. A call under way is reckoned at its worst: all tokens that it may write. */
export function budgeted(model: ChatModel, { price, most, spent }: Budget): ChatModel {
  let paid = spent;
  let promised = 0;
  const worst = ({ messages }: ChatRequest): number =>
    costOf(price, { input: roughTokens(messages.map(({ content }) => content)), output: model.settings.maxTokens });
  return {
    provider: model.provider,
    model: model.model,
    settings: model.settings,
    async generate(request, signal) {
      const reserve = worst(request);
      if (paid + promised + reserve > most)
        throw new ModelError(
          `${model.provider}:${model.model}: $${paid.toFixed(4)} of at most $${most} are spent, and the next call may cost $${reserve.toFixed(4)}; ` +
            "nothing that was answered is lost: the same command with a larger --max-cost goes on from here",
        );
      promised += reserve;
      try {
        const answer = await model.generate(request, signal);
        paid += costOf(price, tokensOf(answer, request.messages));
        return answer;
      } finally {
        promised -= reserve;
      }
    },
  };
}
