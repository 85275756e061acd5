/** A real browser for tests: Debian's chromium, where it is installed. */
import { existsSync } from "node:fs";
import { type Browser, type Page, chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = PATHS.find((path) => existsSync(path));

/** Whether tests in a browser can run here; `title` says so where they cannot. */
export const hasBrowser = executablePath !== undefined;
export const inBrowser = (title: string): string => (hasBrowser ? title : `${title} (SKIPPED: chromium is not installed)`);

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"],
  });

/** A page with what it said on the console and asked for, apart from its own address. */
export interface Watched {
  readonly page: Page;
  readonly messages: readonly string[];
  readonly requests: readonly string[];
}

export interface WatchOptions {
  readonly width?: number;
  readonly dark?: boolean;
}

export async function watched(browser: Browser, { width = 1200, dark = false }: WatchOptions = {}): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: dark ? "dark" : "light" });
  page.setDefaultTimeout(5000);
  const messages: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(error.message));
  page.on("request", (request) => {
    if (!request.isNavigationRequest()) requests.push(request.url());
  });
  return { page, messages, requests };
}
