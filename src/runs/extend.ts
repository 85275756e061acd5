/** What may be changed when a run is continued, and how a change is written down. */
import { ConfigError, type RunConfig } from "./config.ts";

/** Keys whose change cannot make what was done before untrue. A key stands for those below it. */
export const FREE: readonly string[] = [
  "sepo",
  "evaluation",
  "engine.threads",
  "engine.device",
  "engine.baseUrl",
  "engine.deadlineSeconds",
  "engine.concurrency",
];

/**
 * The assignments that make `after` of `before`. Throws `ConfigError` for one that a continued run cannot take: it has used the old
 * value already.
 */
export function changesOf(before: RunConfig, after: RunConfig): string[] {
  const [old, now] = [leaves(before), leaves(after)];
  const changed = [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
  const fixed = changed.filter((key) => !FREE.some((free) => key === free || key.startsWith(`${free}.`)));
  if (fixed.length > 0)
    throw new ConfigError(
      `a run that is continued keeps ${fixed.join(", ")}: ${fixed.map((key) => `${key} is ${old.get(key) ?? "not set"}`).join(", ")}; ` +
        `it can change ${FREE.join(", ")}; start another run with --from to change more`,
    );
  return changed.map((key) => `${key}=${now.get(key) ?? "null"}`);
}

/** Values by dotted path, as JSON. */
function leaves(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return new Map([[path, JSON.stringify(value)]]);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  if (entries.length === 0) return new Map([[path, "{}"]]);
  return new Map(entries.flatMap(([key, inner]) => [...leaves(inner, path === "" ? key : `${path}.${key}`)]));
}
