/** Builds the site into the folder `dist/site`, which any server of files can offer below any path. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Plugin, defineConfig } from "vite";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** ONNX Runtime's WebAssembly has 14 MB, and few servers compress it: it is offered compressed, in place of the file as it is. */
const compressedRuntime = (): Plugin => ({
  name: "compressed-runtime",
  apply: "build",
  generateBundle(_, bundle) {
    for (const [name, part] of Object.entries(bundle)) if (part.type === "asset" && name.endsWith(".wasm")) delete bundle[name];
  },
  buildStart() {
    if (this.environment.config.isWorker) return;
    const wasm = createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm");
    this.emitFile({ type: "asset", fileName: "runtime.wasm.gz", source: gzipSync(readFileSync(wasm), { level: 9 }) });
  },
});

export default defineConfig({
  root: path("."),
  base: "./",
  logLevel: "warn",
  plugins: [compressedRuntime()],
  resolve: { alias: { "#onnxruntime": path("onnxruntime.ts") } },
  worker: { format: "es", plugins: () => [compressedRuntime()] },
  build: {
    outDir: path("../../dist/site"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
  },
});
