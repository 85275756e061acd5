/** Builds the page into one file, `dist/page/index.html`: no other file, no request. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  root: path("."),
  logLevel: "warn",
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: { outDir: path("../../dist/page"), emptyOutDir: false, target: "es2022", modulePreload: false },
});
