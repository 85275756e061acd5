/** Where a server is and what it is shown, checked before anything is sent. */
import { EngineError } from "../engine.ts";

/** A base URL that holds nothing secret. Throws `EngineError`. */
export function checkedAddress(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.username || url?.password)
    throw new EngineError(`tinker: ${url.origin}: expected a base URL without a user and a password, which would be stored`);
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    throw new EngineError(
      `tinker: expected the server's base URL, such as http://127.0.0.1:8000, got ${JSON.stringify(baseUrl)}`,
    );
  if (url.search !== "" || url.hash !== "")
    throw new EngineError(
      `tinker: ${url.origin}${url.pathname}: expected a base URL without ? and #; paths are appended to it`,
    );
  return baseUrl;
}

/** A key that a header can carry, without the white space around it. Throws `EngineError`, which does not show the key. */
export function checkedKey(apiKey: string | undefined): string {
  const key = apiKey?.trim() ?? "";
  if (key === "")
    throw new EngineError(
      "tinker: expected an API key (any text for a server of your own); the command line reads TINKER_API_KEY",
    );
  const wrong = Array.from(key).findIndex((character) => character < "!" || character > "~");
  if (wrong >= 0)
    throw new EngineError(`tinker: the API key's character ${wrong + 1} of ${key.length} is none that a header can carry`);
  return key;
}
