/** Suites that hold games and engines written elsewhere to the contracts of this package. */
export { type Check, gameConformance, randomPlayout } from "./games/conformance.ts";
export { playthrough } from "./games/playthrough.ts";
export { type EngineCheck, type EngineSubject, engineConformance } from "./engines/conformance.ts";
export { scriptedSampler } from "./engines/scripted.ts";
