/** What a page gets of the package: a bundle without a module of Node, for the condition "browser". */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Plugin, build } from "vite";

/** Every module of a bundle for a page, workers included, with what each imports by name. */
async function modulesOf(entry: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const modules = new Map<string, readonly string[]>();
  const recorder: Plugin = {
    name: "recorder",
    moduleParsed: ({ id, importedIds, dynamicallyImportedIds }) => {
      modules.set(id, [...importedIds, ...dynamicallyImportedIds]);
    },
  };
  await build({
    configFile: false,
    logLevel: "error",
    plugins: [recorder],
    worker: { format: "es", plugins: () => [recorder] },
    build: { write: false, minify: false, assetsInlineLimit: 0, lib: { entry, formats: ["es"] } },
  });
  return modules;
}

test("the entry for pages imports nothing of Node and runs graphs in Web Workers on WebAssembly", async () => {
  const modules = await modulesOf(fileURLToPath(new URL("browser.ts", import.meta.url)));
  const named = [...modules].flatMap(([id, imports]) => [id, ...imports]);
  expect(named.filter((id) => /node:|browser-external|onnxruntime-node|host-node/.test(id))).toEqual([]);
  for (const part of ["src/training/sepo.ts", "src/engines/embedded/learner.ts", "host-browser", "worker-browser", "ort.wasm"])
    expect(named.some((id) => id.includes(part))).toBe(true);
}, 60_000);

test("a module of Node would be found", async () => {
  const modules = await modulesOf(fileURLToPath(new URL("engines/embedded/tensor-file.ts", import.meta.url)));
  expect([...modules.values()].flat().some((id) => /node:|browser-external/.test(id))).toBe(true);
});
