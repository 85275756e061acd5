/** What the environment says of servers; the only place that reads it for engines. */
import type { Connection } from "../engines/driver.ts";

/** `TINKER_API_KEY` and `TINKER_BASE_URL`. */
export function serverConnection(environment: NodeJS.ProcessEnv = process.env): Pick<Connection, "apiKey" | "baseUrl"> {
  const { TINKER_API_KEY: apiKey, TINKER_BASE_URL: baseUrl } = environment;
  return { ...(apiKey ? { apiKey } : {}), ...(baseUrl ? { baseUrl } : {}) };
}

/** The key of a chat model's provider; an empty variable is none. */
export function modelKey(variable: string, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const key = environment[variable]?.trim();
  return key === "" ? undefined : key;
}
