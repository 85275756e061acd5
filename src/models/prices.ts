/** Prices of hosted models, from the list that `@pydantic/genai-prices` carries; nothing is fetched. */
import type { Price } from "./cost.ts";
import type { ModelName, ProviderName } from "./providers.ts";

/** Providers of the list. Servers of one's own cost what they cost. */
const LISTED: Readonly<Partial<Record<ProviderName, string>>> = { openai: "openai", anthropic: "anthropic", google: "google" };

/** Tokens whose price is asked for: within the first tier of every model, as prompts of games are. */
const ASKED = 1000;

/** What the list says of a model, today's price where it changes; undefined where it does not know it. */
export async function listedPrice({ provider, model }: ModelName, baseUrl?: string): Promise<Price | undefined> {
  const providerId = LISTED[provider];
  if (providerId === undefined && (provider !== "openai-compatible" || baseUrl === undefined)) return undefined;
  // It is several megabytes, which most commands need not read.
  const { calcPrice } = await import("@pydantic/genai-prices");
  const whose = providerId === undefined ? { providerApiUrl: baseUrl ?? "" } : { providerId };
  const found = calcPrice({ input_tokens: ASKED, output_tokens: ASKED }, model, whose);
  if (found === null) return undefined;
  const perMillion = (dollars: number): number => Number(((dollars * 1e6) / ASKED).toPrecision(12));
  return {
    input: perMillion(found.input_price),
    output: perMillion(found.output_price),
    source: `price list of @pydantic/genai-prices, ${found.provider.id} ${found.model.id}`,
  };
}
