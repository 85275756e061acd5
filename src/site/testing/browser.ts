/** A browser before the built site, for tests; whatever a page says or asks for elsewhere is kept. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type Browser, type BrowserContextOptions, type Page, chromium } from "playwright-core";
import { SITE_FOLDER } from "../../site-folder.ts";

/** Debian's, or the one that the environment names. */
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Why nothing can be tested here; undefined where it can. */
export const noBrowser = existsSync(CHROMIUM) ? undefined : `there is no browser at ${CHROMIUM}`;

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

async function serve(folder: string): Promise<Server> {
  if (!existsSync(join(folder, "index.html"))) throw new Error(`${folder} is missing; run "npm run site"`);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    // Below a path, as on a host of static files; some hosts say of .gz files that they are encoded.
    const path = normalize(join(folder, pathname.replace(/^\/(?:below|encoded)/, "").replace(/\/$/, "/index.html")));
    const encoded = pathname.startsWith("/encoded/") && path.endsWith(".gz") ? { "content-encoding": "gzip" } : {};
    readFile(path).then(
      (content) =>
        response
          .writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", ...encoded })
          .end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export interface Opened {
  /** Opens an address below `below/`, or below `encoded/`. */
  open(address: string, options?: BrowserContextOptions & { readonly host?: "below" | "encoded" }): Promise<Page>;
  /** What pages said on the console or threw. */
  readonly said: readonly string[];
  /** What they asked for elsewhere, or in vain. */
  readonly strayed: readonly string[];
  close(): Promise<void>;
}

export async function openBrowser(folder: string = SITE_FOLDER): Promise<Opened> {
  const server = await serve(folder);
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"],
  });
  const said: string[] = [];
  const strayed: string[] = [];
  return {
    said,
    strayed,
    async open(address, { host = "below", ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
      context.on("console", (message) => said.push(message.text()));
      context.on("weberror", (error) => said.push(String(error.error())));
      context.on("request", (request) => {
        if (!/^(?:blob:|data:)/.test(request.url()) && !request.url().startsWith(`${origin}/`)) strayed.push(request.url());
      });
      context.on("requestfailed", (request) => strayed.push(request.url()));
      context.on("response", (response) => response.status() >= 400 && strayed.push(response.url()));
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      await page.goto(`${origin}/${host}/${address}`);
      return page;
    },
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
