/** The tabular engine by name. */
import { z } from "zod";
import { type EngineDriver, type EngineVocabulary } from "../driver.ts";
import { EngineError } from "../engine.ts";
import { TabularEngine } from "./engine.ts";

const settings = z.strictObject({
  kind: z.literal("tabular").describe("exact: a softmax over legal actions for each information key"),
});

function engineOf({ size, rows }: EngineVocabulary): TabularEngine {
  if (rows === undefined) throw new EngineError("tabular: a vocabulary of rows is needed");
  return new TabularEngine({ rows, vocabularySize: size });
}

export const tabularDriver = {
  settings,
  tokens: "table",
  vocabulary: () => ({ kind: "table" }),
  create: (_, vocabulary) => Promise.resolve(engineOf(vocabulary)),
  async open(folder, vocabulary) {
    const engine = engineOf(vocabulary);
    await engine.load(folder);
    return engine;
  },
} satisfies EngineDriver<z.infer<typeof settings>>;
