/** The site where one plays and trains (`npm run site`), as files by their path below `/play/`; none where it was not built. */
import { readFile, readdir } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../../dist/site", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

export interface SiteFile {
  readonly type: string;
  readonly read: () => Promise<Uint8Array>;
}

/** The files that are there now; a request can name these and nothing else. */
export async function siteFiles(folder: string = FOLDER): Promise<ReadonlyMap<string, SiteFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path).split(sep).join("/");
      const type = TYPES[extname(name)] ?? "application/octet-stream";
      return [name === "index.html" ? "/play/" : `/play/${name}`, { type, read: () => readFile(path) }] as const;
    });
  return new Map(files);
}
