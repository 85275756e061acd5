import type { Key } from "../../../random.ts";
import { seedKey } from "../../../random.ts";
import type { AdamSettings } from "../../engine.ts";
import type { Clock } from "../clock.ts";
import { type TinkerEngineOptions, createTinkerEngine } from "../engine.ts";
import { PROFILES, type ProfileName } from "../profiles.ts";
import { type ServerOptions, TinkerServer } from "./server.ts";

/** A clock on which waiting takes no time. */
export function instantClock(): Clock & { readonly slept: number[] } {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    async sleep(milliseconds, signal) {
      slept.push(milliseconds);
      now += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    },
  };
}

export const VOCABULARY = 9;
const KEY: Key = seedKey(5);

/** A server of a kind and a way to make engines on it. */
export async function startServer(kind: ProfileName, options: Partial<ServerOptions> = {}) {
  const server = await TinkerServer.start({ kind, vocabularySize: VOCABULARY, ...options });
  const create = (more: Partial<TinkerEngineOptions> = {}) =>
    createTinkerEngine({
      profile: kind,
      baseUrl: server.baseUrl,
      apiKey: "tml-test",
      baseModel: "bigram",
      rank: 4,
      vocabularySize: VOCABULARY,
      contextLength: 64,
      key: KEY,
      clock: instantClock(),
      ...more,
    });
  return { server, create };
}

/** Settings of a step that a profile honours. */
export function adamOf(kind: ProfileName, learningRate = 0.05): AdamSettings {
  const settings = { learningRate, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientClip: 1 };
  const fixed = Object.entries(PROFILES[kind].adam).filter(([, rule]) => typeof rule === "number");
  return { ...settings, ...Object.fromEntries(fixed) };
}
