/** The library: games, opponents, the objective, play, training and evaluation. */
export * from "./games/index.ts";
export * from "./opponents/index.ts";
export * from "./engines/engine.ts";
export * from "./objective/objective.ts";
export * from "./objective/credit.ts";
export * from "./stats/estimate.ts";
export * from "./random.ts";
export { type Episode, type EpisodeSpec, playEpisodes } from "./play/episodes.ts";
export { type Player, modelPlayer, scriptedPlayer } from "./play/player.ts";
export { type Encoding, chatEncoding, tableEncoding, tableVocabulary } from "./play/encoding.ts";
export { type RunConfig, parseConfig } from "./training/config.ts";
export { type RunEvent, train } from "./training/run.ts";
export { openAgent } from "./training/agent.ts";
export { reportOf } from "./evaluation/evaluate.ts";
export { playAll, simulateAll } from "./evaluation/episodes.ts";
export { type AgentReport, reportAgent, reportPolicy } from "./evaluation/stage.ts";
