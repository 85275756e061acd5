/** The engines' contract, and those that need nothing to be installed. */
export * from "./engine.ts";
export type {
  Connection,
  EngineDriver,
  EngineSettings,
  EngineUse,
  EngineVocabulary,
  TrainingPlan,
  VocabularySource,
} from "./driver.ts";
export { type EngineKind, ENGINE_KINDS, driverOf } from "./drivers.ts";
export { TabularEngine } from "./tabular/engine.ts";
export { scriptedSampler } from "./scripted.ts";
