/**
 * The page as a file: the built page with the data in elements that no browser runs. Model text is hostile: `<` never appears in the data,
 * the page makes text nodes of it, and a content security policy allows the page's own script alone and no request.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { FileError, readText } from "../../files.ts";
import type { Collected } from "./collect.ts";

/** Where `npm run build` puts the page. */
export const pageFile = (name: string): string => fileURLToPath(new URL(`../../../dist/page/${name}`, import.meta.url));

/** JSON without `<`, which could end the element that it stands in. */
const jsonIn = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/** The page with data inside, to be opened from disk. */
export async function reportPage({ data, bodies }: Collected): Promise<string> {
  const page = await builtPage("'none'");
  const content =
    `<script id="sepo-data" type="application/json">${jsonIn(data)}</script>` +
    `<script id="sepo-episodes" type="application/x-ndjson">${bodies.map(jsonIn).join("\n")}</script>`;
  return inserted(page, "<body>", content);
}

/** The page without data, which asks the server that sent it; `site`: and links to the site beside it. */
export async function livePage({ site }: { readonly site: boolean }): Promise<string> {
  const page = await builtPage("'self'");
  return site ? inserted(page, "<head>", '<meta name="sepo-play" content="play/">') : page;
}

/** The built page under a policy that allows its own script; `connect` says what it may ask. */
async function builtPage(connect: string): Promise<string> {
  const page = await readText(pageFile("index.html"), 'the page, which "npm run build" makes');
  const scripts = [...page.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, script]) => script);
  if (scripts.length === 0) throw new FileError(`${pageFile("index.html")}: expected a page with a script`);
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  const policy =
    `default-src 'none'; script-src ${hashes.join(" ")}; style-src 'unsafe-inline'; img-src data: blob:; connect-src ${connect}; ` +
    "base-uri 'none'; form-action 'none'";
  return inserted(page, "<head>", `<meta http-equiv="Content-Security-Policy" content="${policy}">`);
}

/** `replace` would read `$&` and its like in the content. */
function inserted(page: string, after: string, content: string): string {
  const at = page.indexOf(after) + after.length;
  return page.slice(0, at) + content + page.slice(at);
}
