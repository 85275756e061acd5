/** Configurations, run directories, and training in them. */
export { FileError } from "./files.ts";
export { type TrainOptions, train } from "./training/run.ts";
export { type Agent, type OpenAgentOptions, type OpenedAgent, modelOf, openAgent, rostersOf } from "./runs/agent.ts";
export { type GameSection, type RunConfig, ConfigError, assign, parseConfig } from "./runs/config.ts";
export { type ConfigKey, configKeys } from "./runs/config-keys.ts";
export { type RunGame, openGames } from "./runs/games.ts";
export {
  type Identity,
  type MetricsLine,
  type RunSummary,
  type StoredReport,
  type TimingLine,
  readEpisodes,
  readMetrics,
  readReports,
  readRun,
  readRunConfig,
  readTiming,
  readTranscripts,
  transcriptNames,
} from "./runs/read.ts";
export {
  type ModelEvaluationOptions,
  type ModelReport,
  evaluateModel,
  readModelEpisodes,
  readModelReport,
} from "./runs/model-evaluation.ts";
export { type MeasureModelOptions, type WordedReport, type WordedRosters, measureModel } from "./runs/measure-model.ts";
export { type MergeSource, writeMerged } from "./runs/merged-model.ts";
export { type TokenModel, tokenModel } from "./runs/token-model.ts";
export { sdkModel } from "./runs/sdk-model.ts";
export { type Served, serveModel } from "./runs/serve.ts";
export { replayed } from "./models/cassette.ts";
export { type RunEvent, type Stage, STAGES } from "./runs/stages.ts";
export type { Transcript } from "./runs/transcript.ts";
export { type Study, type StudyRow, readStudy } from "./study/study.ts";
export { type Failure, type StudyEvent, type StudyOptions, runStudy } from "./study/run-study.ts";
export { type Collected, collectStudy } from "./study/collect.ts";
export { readResults } from "./report/study-results.ts";
export { runsIn } from "./study/runs-in.ts";
