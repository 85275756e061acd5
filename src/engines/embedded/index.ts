/** The engine that runs in this process; needs the package onnxruntime-node. */
export { EmbeddedEngine, createEmbeddedEngine, importEmbeddedEngine, loadEmbeddedEngine } from "./engine.ts";
export { defaultModel, type ModelConfig } from "./model.ts";
