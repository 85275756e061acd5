/** ONNX Runtime for the site, whose WebAssembly lies compressed beside the page (`vite.config.ts`) and is loaded with the first model. */
import { InferenceSession as Original, Tensor, env } from "onnxruntime-web/wasm";

export { Tensor, env };

/** Every script of the site lies in `assets`. */
const FILE = new URL(/* @vite-ignore */ "../runtime.wasm.gz", import.meta.url);

let loaded: Promise<void> | undefined;

async function load(): Promise<void> {
  const response = await fetch(FILE);
  if (!response.ok) throw new Error(`${FILE.pathname}: cannot be read (${response.status})`);
  const bytes = await response.blob();
  const [first, second] = new Uint8Array(await bytes.slice(0, 2).arrayBuffer());
  // Some servers say that a .gz file is an encoding of another, and the browser unpacks it.
  const packed = first === 0x1f && second === 0x8b;
  const stream = packed ? bytes.stream().pipeThrough(new DecompressionStream("gzip")) : bytes.stream();
  env.wasm.wasmBinary = await new Response(stream).arrayBuffer();
}

export const InferenceSession = {
  async create(model: Uint8Array, options: Original.SessionOptions): Promise<Original> {
    await (loaded ??= load());
    return Original.create(model, options);
  },
};
