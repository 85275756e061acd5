/**
 * The library: games, players, evaluation and the method. Run directories, configurations and training from them are in
 * `sepo/runs`; the engine for language models in `sepo/engines/embedded`.
 */
export * from "./games/index.ts";
export {
  type Expert,
  type Pool,
  type Roster,
  OBJECTIVE_POOLS,
  POOLS,
  allRosters,
  checkRoster,
  policiesOf,
  policyNamed,
  rosterOf,
  uniformPolicy,
} from "./opponents/index.ts";
export * from "./random.ts";

// J and its estimates
export {
  type EpisodeMeans,
  type Objective,
  type ObjectiveSettings,
  type ScoredEpisode,
  type ScoredRound,
  measureObjective,
  meansOf,
} from "./objective/objective.ts";
export { type Credit, type CreditOptions, type CreditSettings, type Group, CREDITS, assignCredit } from "./objective/credit.ts";
export { differenceOfObjectives } from "./objective/compare.ts";
export { type Estimate, estimateMean } from "./stats/estimate.ts";
export { holm, overSeeds, pValue, pairedDifference, planEpisodes } from "./stats/compare.ts";

// Playing
export type { Decision, DecisionRequest, ModelReply, Player } from "./play/player.ts";
export { type LanguageModel, actionProbabilities } from "./play/language-model.ts";
export { type Encoding, chatEncoding, tableEncoding, tableVocabulary } from "./play/encoding.ts";
export { messagesOf } from "./play/messages.ts";
export { modelPlayer } from "./play/players/model.ts";
export { chatPlayer } from "./play/players/chat.ts";
export { personPlayer } from "./play/players/person.ts";
export { scriptedPlayer } from "./play/players/scripted.ts";
export { type Episode, type EpisodeSpec, type PlayOptions, type RecordedDecision, playEpisodes } from "./play/episodes.ts";
export { objectiveSettings, scoreEpisode } from "./play/score.ts";

// Chat models of any provider
export {
  type ChatAnswer,
  type ChatModel,
  type ChatRequest,
  type ChatSettings,
  type Place,
  ModelError,
} from "./models/chat-model.ts";
export { type AdapterOptions, type GenerativeModel, type ReplyFunction, chatModel } from "./models/adapter.ts";
export { type LimitOptions, limited } from "./models/limits.ts";
export { type ProviderOptions, modelName, openModel } from "./models/providers.ts";
export { bySamples } from "./evaluation/sampled-actions.ts";
export { type GameReplies, Replies } from "./evaluation/sampled-replies.ts";

// Evaluation
export { type EvaluationOptions, type MeasuredEpisode, type PlayedAll, playAll, simulateAll } from "./evaluation/episodes.ts";
export { type GameReport, type OpponentReport, reportOf } from "./evaluation/evaluate.ts";
export {
  type ActionRow,
  type AgentReport,
  type AgentReportOptions,
  type Subject,
  evaluationKey,
  reportAgent,
  reportPolicy,
} from "./evaluation/report.ts";
export {
  type MeasureActions,
  type PolicyRow,
  byDecisions,
  byScores,
  policyTable,
  tablePolicy,
} from "./evaluation/action-table.ts";
export { type WorstCase, exactWorstCase, responderRoster, sampledWorstCase, tableWorstCase } from "./evaluation/worst-case.ts";
export { type Compared, type Difference, compareAgents } from "./evaluation/compare.ts";

// Training
export { TabularEngine } from "./engines/tabular/engine.ts";
export type {
  AdamSettings,
  Completion,
  Engine,
  EngineFacts,
  Loss,
  LossResult,
  Prompt,
  Sampler,
  SamplerSettings,
  SampleRequest,
  ScoreRequest,
} from "./engines/engine.ts";
export { EngineError } from "./engines/engine.ts";
export type { Connection } from "./engines/driver.ts";
export {
  type SepoAgent,
  type SepoOptions,
  type SepoSettings,
  type SepoState,
  type SepoStep,
  SEPO_START,
  sepo,
} from "./training/sepo.ts";
export { type Trace, type TraceOptions, expertTraces } from "./training/traces.ts";
export { type SupervisedSettings, supervised, supervisedExample } from "./training/supervised.ts";
