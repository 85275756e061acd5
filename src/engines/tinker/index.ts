/** The engine on a server of the Tinker protocol. */
export { TinkerEngine, type TinkerEngineOptions, createTinkerEngine, loadTinkerEngine } from "./engine.ts";
export { type Profile, type ProfileName, PROFILES, PROFILE_NAMES } from "./profiles.ts";
