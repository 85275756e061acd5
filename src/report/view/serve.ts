/**
 * The page on loopback, live: `GET /` the page, `/events` the data as server-sent events whenever the runs change, `/episode` the text of one
 * episode, `/play/` the site where one plays. It only reads. Requests that name another host or come from another page are refused, so no site in the reader's browser can ask.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, reasonOf } from "../../files.ts";
import { ConfigError } from "../../runs/config.ts";
import { isHeld } from "../../runs/lock.ts";
import { type CollectOptions, type Collected, viewOf } from "./collect.ts";
import { livePage } from "./html.ts";
import { type FoundRun, findRun } from "./run.ts";
import { type SiteFile, siteFiles } from "./site.ts";

export interface ServeViewOptions extends CollectOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Milliseconds between looks at the folders. */
  readonly interval?: number;
  /** The folder of the site that is offered below `/play/`; default: the one of the package. */
  readonly site?: string;
  /** Told what went wrong while reading; the server goes on. */
  readonly onError?: (message: string) => void;
}

export interface ServedView {
  readonly address: string;
  readonly close: () => Promise<void>;
}

/** Serves runs until it is closed. Throws `ConfigError` where the port is taken. */
export async function serveView(folders: readonly string[], options: ServeViewOptions): Promise<ServedView> {
  const site = await siteFiles(options.site);
  const page = await livePage({ site: site.size > 0 });
  const watch = new Watch(folders, options);
  const server = createServer((request, response) => {
    answer(server, { page, site, watch }, request, response).catch((error: unknown) => {
      options.onError?.(messageOf(error));
      if (!response.headersSent) send(response, 500, "text/plain", "the runs cannot be read; see the terminal");
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  }).catch((cause: unknown) => {
    if (codeOf(cause) === "EADDRINUSE")
      throw new ConfigError(`port ${options.port} is in use; choose another --port, or 0 for any that is free`);
    throw cause;
  });
  watch.start();
  return {
    address: `http://127.0.0.1:${portOf(server)}/`,
    async close() {
      watch.stop();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : reasonOf(error));

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** What the server answers with. */
interface Offered {
  readonly page: string;
  readonly site: ReadonlyMap<string, SiteFile>;
  readonly watch: Watch;
}

async function answer(
  server: Server,
  { page, site, watch }: Offered,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const port = portOf(server);
  const hosts = ["127.0.0.1", "localhost", "[::1]"].map((host) => `${host}:${port}`);
  const { host = "", origin } = request.headers;
  if (
    !hosts.includes(host.toLowerCase()) ||
    (origin !== undefined && !hosts.includes(origin.toLowerCase().replace(/^http:\/\//, "")))
  )
    return send(response, 403, "text/plain", "this server answers pages on its own loopback address only");
  if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, "text/plain", "this server only reads");
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  switch (url.pathname) {
    case "/":
      return send(response, 200, "text/html; charset=utf-8", page);
    case "/events":
      return watch.follow(response);
    case "/data":
      return send(response, 200, "application/json", JSON.stringify((await watch.current()).data));
    case "/episode":
      return sendEpisode(response, await watch.current(), url.searchParams);
    default: {
      const file = site.get(url.pathname);
      if (file === undefined) return send(response, 404, "text/plain", "expected /, /events, /data, /episode or /play/");
      return send(response, 200, file.type, await file.read());
    }
  }
}

function sendEpisode(response: ServerResponse, { data, bodies }: Collected, asked: URLSearchParams): void {
  const index = data.episodes.findIndex(
    ({ run, agent, id }) => String(run) === asked.get("run") && agent === asked.get("agent") && id === asked.get("id"),
  );
  if (index < 0) return send(response, 404, "text/plain", "the episode is no longer kept");
  send(response, 200, "application/json", JSON.stringify(bodies[index]));
}

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
} as const;

function send(response: ServerResponse, status: number, type: string, content: string | Uint8Array): void {
  response.writeHead(status, { ...HEADERS, "content-type": type });
  response.end(content);
}

const INTERVAL = 1500;

/** Folders that are looked at now and then, and whoever follows them. */
class Watch {
  readonly #folders: readonly string[];
  readonly #options: ServeViewOptions;
  readonly #followers = new Set<ServerResponse>();
  #found: FoundRun[] = [];
  #signatures: (string | undefined)[] = [];
  #collected: Collected | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The data without the runs, as it was sent last. */
  #sent = "";

  constructor(folders: readonly string[], options: ServeViewOptions) {
    this.#folders = folders;
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      // Without followers nobody needs to know; whoever comes is told how things are then.
      if (this.#followers.size > 0) this.#look().catch((error: unknown) => this.#options.onError?.(messageOf(error)));
    }, this.#options.interval ?? INTERVAL);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const follower of this.#followers) follower.end();
  }

  async current(): Promise<Collected> {
    await this.#look();
    return this.#collected ?? viewOf([], this.#options);
  }

  /** Sends the data now and whenever it changes. */
  async follow(response: ServerResponse): Promise<void> {
    response.on("close", () => this.#followers.delete(response));
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
    response.flushHeaders();
    const { data } = await this.current();
    if (response.destroyed) return;
    response.write(event("data", data));
    this.#followers.add(response);
  }

  /** Looks once; whoever asks meanwhile waits for the same look. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    let changed = this.#collected === undefined;
    for (const [i, folder] of this.#folders.entries()) {
      const signature = await signatureOf(folder);
      if (signature === this.#signatures[i]) continue;
      this.#found[i] = await findRun(folder);
      this.#signatures[i] = signature;
      changed = true;
    }
    if (!changed) return;
    this.#collected = viewOf(this.#found, this.#options);
    const { runs, ...rest } = this.#collected.data;
    const text = JSON.stringify(rest);
    const message = text === this.#sent ? event("runs", runs) : event("data", this.#collected.data);
    this.#sent = text;
    for (const follower of this.#followers) follower.write(message);
  }
}

const event = (name: string, value: unknown): string => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;

const FILES = ["run.json", "config.json", "metrics.jsonl", "timing.jsonl", "evaluation.json"];
const FOLDERS = ["evaluation", "transcripts", "checkpoints"];

/** Changes whenever what is shown of a folder may have changed. */
async function signatureOf(folder: string): Promise<string> {
  const files = await Promise.all(FILES.map((name) => sizeAndTime(join(folder, name))));
  const folders = await Promise.all(
    FOLDERS.map(async (name) => {
      const names = (await readdir(join(folder, name)).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1));
      const shown = name === "evaluation" ? names : names.slice(-1);
      return [names.length, ...(await Promise.all(shown.map((one) => sizeAndTime(join(folder, name, one)))))];
    }),
  );
  return JSON.stringify([files, folders, await isHeld(folder)]);
}

const sizeAndTime = async (path: string): Promise<readonly [string, number, number] | null> =>
  stat(path).then(
    ({ size, mtimeMs }) => [path, size, mtimeMs] as const,
    () => null,
  );
