/** Builds the page and the charts for Node into `dist/page`, unless nothing that they are made from is newer. */
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const timeOf = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const newestIn = (folder) =>
  Math.max(
    ...readdirSync(path(folder), { recursive: true, withFileTypes: true }).map((entry) =>
      timeOf(`${entry.parentPath}/${entry.name}`),
    ),
  );

const newest = Math.max(newestIn("."), newestIn("../report"), timeOf(path("../../package-lock.json")));
const made = Math.min(timeOf(path("../../dist/page/index.html")), timeOf(path("../../dist/page/figures.js")));
if (made < newest) {
  // Loading it takes longer than finding out that it is not needed.
  const { build } = await import("vite");
  for (const configFile of [path("vite.config.ts"), path("figures.config.ts")]) await build({ configFile });
}
