/** Configurations, run directories, and training in them. */
export { FileError } from "../files.ts";
export { type TrainOptions, train } from "../training/run.ts";
export { type Agent, type OpenAgentOptions, type OpenedAgent, modelOf, openAgent, rostersOf } from "./agent.ts";
export { type GameSection, type RunConfig, ConfigError, assign, parseConfig } from "./config.ts";
export { type ConfigKey, configKeys } from "./config-keys.ts";
export { type RunGame, openGames } from "./games.ts";
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
} from "./read.ts";
export { type RunEvent, type Stage, STAGES } from "./stages.ts";
export type { Transcript } from "./transcript.ts";
