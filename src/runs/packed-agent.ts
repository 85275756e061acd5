/** The agent of a checkpoint as a model in one file. */
import { EngineError } from "../engines/engine.ts";
import type { PackedModel } from "../play/packed-model.ts";
import { openAgent } from "./agent.ts";
import { keptSections } from "./games.ts";

/**
 * Reads a checkpoint, or of a run's folder the last stage that is finished. Adapters are merged into the model. Throws `EngineError` for
 * an agent that is not a model in a folder of its own, or whose games need modules.
 */
export async function packedAgent(path: string): Promise<PackedModel> {
  const agent = await openAgent(path);
  const { engine, tokenizer, games, protocol, sampling, checkpoint } = agent;
  const { EmbeddedEngine } = await import("../engines/embedded/engine.ts");
  if (!(engine instanceof EmbeddedEngine) || tokenizer === undefined)
    throw new EngineError(`${path}: expected an embedded model, got engine ${agent.kind}`);
  const own = games.find(({ module }) => module !== undefined);
  if (own !== undefined)
    throw new EngineError(`${path}: the game ${own.name} needs a module, which a file of a model does not hold`);
  const weights = await engine.merged();
  await engine.release();
  const { temperature, maxTokens } = sampling;
  const { progress } = agent;
  const stage = progress === undefined ? "" : `, ${progress.stage} step ${progress.step}`;
  return {
    config: engine.model,
    weights,
    tokenizer,
    games: keptSections(games),
    protocol,
    sampler: { temperature, maxTokens },
    origin: `checkpoint ${checkpoint.sha256.slice(0, 12)}${stage}`,
  };
}
