/** The engines behind one contract. */
export * from "./engine.ts";
export { TabularEngine } from "./tabular/engine.ts";
export { scriptedSampler } from "./scripted.ts";
export { EmbeddedEngine, createEmbeddedEngine, importEmbeddedEngine, loadEmbeddedEngine } from "./embedded/engine.ts";
export { defaultModel, type ModelConfig } from "./embedded/model.ts";
