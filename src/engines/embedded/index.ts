/** The engine that runs in this process; needs the package onnxruntime-node. */
export {
  type EmbeddedEngineOptions,
  type ImportOptions,
  type LoadOptions,
  EmbeddedEngine,
  createEmbeddedEngine,
  importEmbeddedEngine,
  loadEmbeddedEngine,
} from "./engine.ts";
export type { LoraConfig, LoraOptions } from "./lora.ts";
export { defaultModel, type ModelConfig } from "./model.ts";
