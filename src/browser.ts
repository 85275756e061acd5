/**
 * What computes, without files: games, solvers, players, the method and the engine, for a page that a bundler builds with the condition
 * "browser". ONNX Runtime is then `onnxruntime-web`, and workers are Web Workers. Nothing here imports a module of Node.
 */
export * from "./games/index.ts";
export * from "./opponents/index.ts";
export * from "./solvers/index.ts";
export * from "./random.ts";
export * from "./objective/objective.ts";
export { chatEncoding } from "./play/encoding.ts";
export { type Episode, type EpisodeSpec, playEpisodes } from "./play/episodes.ts";
export { type LanguageModel, actionProbabilities } from "./play/language-model.ts";
export { messagesOf } from "./play/messages.ts";
export { type PackedModel, packModel, playable, unpackModel } from "./play/packed-model.ts";
export { modelPlayer } from "./play/players/model.ts";
export { personPlayer } from "./play/players/person.ts";
export { scriptedPlayer } from "./play/players/scripted.ts";
export { objectiveSettings, scoreEpisode } from "./play/score.ts";
export { byScores, policyTable, tablePolicy } from "./evaluation/action-table.ts";
export { reportAgent } from "./evaluation/report.ts";
export { type Learner, type Sampler, EngineError } from "./engines/engine.ts";
export { CONFIG_SCHEMA, configJson, parseConfig } from "./engines/embedded/config-json.ts";
export { type Checkpoint, EmbeddedLearner, freshCheckpoint } from "./engines/embedded/learner.ts";
export { createPlainSampler } from "./engines/embedded/plain.ts";
export { bytesSource, decodeTensors, encodeTensors } from "./engines/embedded/safetensors.ts";
export { trainTokenizer } from "./text/bpe.ts";
export { CHAT_TEMPLATE, END_TOKEN, SPECIAL_TOKENS, createChat } from "./text/chat.ts";
export { createTokenizer, tokenizerFiles } from "./text/tokenizer.ts";
export { LESSONS, type LessonEvent, type LessonSettings, lesson } from "./training/lesson.ts";
export { type SepoAgent, type SepoSettings, type SepoState, type SepoStep, sepo } from "./training/sepo.ts";
export { type SupervisedSettings, supervised, supervisedExample, supervisedSteps } from "./training/supervised.ts";
export { expertTraces } from "./training/traces.ts";
