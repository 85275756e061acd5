/** One call before everything else: whether the model answers at all, what it ignores, and whether it gives log-probabilities. */
import { foldIn, seedKey } from "../random.ts";
import type { ChatModel, ChatSettings } from "./chat-model.ts";

export interface Probe {
  /** What the provider says that it ignores, in its words. */
  readonly warnings: readonly string[];
  /** Settings that were asked for and are ignored. */
  readonly dropped: readonly (keyof ChatSettings)[];
  readonly logprobs: boolean;
}

const NAMES: Readonly<Record<string, keyof ChatSettings>> = {
  temperature: "temperature",
  topp: "topP",
  top_p: "topP",
  topk: "topK",
  top_k: "topK",
  seed: "seed",
};

export async function probe(model: ChatModel): Promise<Probe> {
  const { warnings, logprobs } = await model.generate({
    messages: [{ role: "user", content: "Reply with the single word OK." }],
    place: { episode: "probe", turn: 0, seat: 0 },
    key: foldIn(seedKey(0), "probe"),
  });
  const named = warnings.flatMap((warning) => NAMES[warning.split(" ")[0].toLowerCase()] ?? []);
  return {
    warnings,
    dropped: [...new Set(named)].filter((setting) => model.settings[setting] !== undefined),
    logprobs: logprobs !== undefined,
  };
}
