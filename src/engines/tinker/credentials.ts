/** What requests carry as their key: the API key, or the short-lived token that a service wants in its place. */
import { z } from "zod";
import { EngineError } from "../engine.ts";
import type { Clock } from "./clock.ts";

const claims = z.looseObject({ exp: z.number() });

/** Seconds before its end at which a token is renewed, or half its life if that is shorter. */
const EARLY = 300;
/** Seconds between renewals at least, also where the clocks of both sides disagree. */
const SHORTEST = 10;
/** Characters of a key that could be anything but a word that happens to stand in a text. */
const SHORTEST_SECRET = 4;

export class Credentials {
  readonly apiKey: string;
  readonly #clock: Clock;
  #exchange: (() => Promise<string>) | undefined;
  #token: Promise<string> | undefined;
  #renewAt = 0;
  /** What must never be shown: the key and the newest tokens. */
  #secrets: readonly string[];

  constructor(apiKey: string, clock: Clock) {
    this.apiKey = apiKey;
    this.#clock = clock;
    this.#secrets = [apiKey];
  }

  /** From now on requests carry tokens (JSON Web Tokens), each asked for with `exchange` and renewed before it ends. */
  useTokens(exchange: () => Promise<string>): void {
    this.#exchange = exchange;
  }

  /** The key of a request sent now. Throws `EngineError` where the service gives no token. */
  async current(): Promise<string> {
    if (!this.#exchange) return this.apiKey;
    if (this.#clock.now() >= this.#renewAt) this.#token = undefined;
    this.#token ??= this.#renew(this.#exchange);
    return this.#token;
  }

  /** A text without the key and the tokens: servers and proxies repeat what they were sent. */
  redact(text: string): string {
    return this.#secrets
      .filter(({ length }) => length >= SHORTEST_SECRET)
      .reduce((rest, secret) => rest.replaceAll(secret, "[API key]"), text);
  }

  async #renew(exchange: () => Promise<string>): Promise<string> {
    this.#renewAt = Infinity; // whoever asks meanwhile waits for the same token
    try {
      const token = await exchange();
      this.#secrets = [this.apiKey, token, ...this.#secrets.slice(1, 2)];
      const life = endOf(token) - Date.now() / 1000;
      this.#renewAt = this.#clock.now() + 1000 * Math.max(life - EARLY, life / 2, SHORTEST);
      return token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}

/** When a token ends, in seconds since 1970. */
function endOf(token: string): number {
  try {
    if (!/^[\w.~+/=-]+$/.test(token)) throw new Error("characters that no header can carry");
    return claims.parse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())).exp;
  } catch {
    // The cause would show the token.
    throw new EngineError("tinker: auth/token: expected a JSON Web Token with the time it ends");
  }
}
