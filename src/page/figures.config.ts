/** Builds the charts for Node, `dist/page/figures.js`: the page's own drawing code with a document of its own, in one module. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  root: path("."),
  logLevel: "warn",
  ssr: { noExternal: true },
  build: {
    ssr: path("figures.ts"),
    outDir: path("../../dist/page"),
    emptyOutDir: false,
    target: "node20",
    minify: true,
    rolldownOptions: { output: { entryFileNames: "figures.js", codeSplitting: false } },
  },
});
