/** What a name on the command line means: a chat model, a cassette, a scripted policy, otherwise a checkpoint or a folder. */
import { GAME_NAMES, GameError } from "../games/index.ts";
import { type ModelName, PROVIDER_NAMES, modelName } from "../models/providers.ts";

export type AgentName =
  | ({ readonly kind: "model" } & ModelName)
  | { readonly kind: "cassette"; readonly file: string }
  | { readonly kind: "policy"; readonly game: string; readonly policy: string }
  | { readonly kind: "path"; readonly path: string };

export const AGENT_NAMES = `${PROVIDER_NAMES.map((name) => `${name}:MODEL`).join(", ")}, cassette:FILE, policy:GAME:NAME, checkpoint:FOLDER`;

/** Reads a name; the first colon splits. Throws `GameError` for one that lacks a part. */
export function agentName(name: string): AgentName {
  const model = modelName(name);
  if (model !== undefined) return { kind: "model", ...model };
  const colon = name.indexOf(":");
  const rest = name.slice(colon + 1);
  switch (name.slice(0, Math.max(0, colon))) {
    case "cassette":
      return { kind: "cassette", file: required(name, rest) };
    case "checkpoint":
      return { kind: "path", path: required(name, rest) };
    case "policy": {
      const second = rest.indexOf(":");
      if (second < 1) throw new GameError(`${name}: expected policy:GAME:NAME, such as policy:ipd:tit-for-tat`);
      return { kind: "policy", game: rest.slice(0, second), policy: required(name, rest.slice(second + 1)) };
    }
    default:
      if (/^[a-z][\w-]+:[^/\\]/.test(name) && !GAME_NAMES.some((game) => name.startsWith(`${game}:`)))
        throw new GameError(`${name}: nothing is called "${name.slice(0, colon)}"; names are ${AGENT_NAMES}, GAME:POLICY`);
      return { kind: "path", path: name };
  }
}

function required(name: string, rest: string): string {
  if (rest === "") throw new GameError(`${name}: expected something after the colon; names are ${AGENT_NAMES}`);
  return rest;
}
