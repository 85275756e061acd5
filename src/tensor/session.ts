/** Encoded graphs run by ONNX Runtime on the thread that asks. */
import { env, InferenceSession, Tensor as Value } from "#onnxruntime";
import { type Device, DeviceError } from "./device.ts";
import type { Data } from "./tensor.ts";

// Errors are thrown; ONNX Runtime would print each besides.
env.logLevel = "fatal";
// In a browser. Of its own threads ONNX Runtime needs a page that is isolated across origins; ours are workers.
env.wasm.numThreads = 1;

export type Arrays = Readonly<Record<string, Data>>;

/** A function of named arrays that owns an ONNX Runtime session until it is released. */
export interface Session {
  /** Computes every output. Inputs are read in place and must not change before the promise settles. */
  run(arrays: Arrays): Promise<Arrays>;
  release(): Promise<void>;
}

function toValue(data: Data, shape: readonly number[]): Value {
  if (data instanceof Float32Array) return new Value("float32", data, shape);
  if (data instanceof Int32Array) return new Value("int32", data, shape);
  return data instanceof BigInt64Array ? new Value("int64", data, shape) : new Value("bool", data, shape);
}

function toData(name: string, { data }: Value): Data {
  const known = data instanceof Float32Array || data instanceof Int32Array || data instanceof BigInt64Array;
  if (known || data instanceof Uint8Array) return data;
  throw new TypeError(`${name}: an output of type ${data.constructor.name} is not supported`);
}

const NO_CUDA =
  "ONNX Runtime cannot load its CUDA provider. It needs Linux, CUDA 12 and cuDNN 9, and the provider's library, which " +
  '"ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false" downloads; or use the device "cpu"';

/**
 * Loads the bytes of an ONNX model whose inputs have fixed shapes. One operator after another, each on one thread. Throws
 * `DeviceError` when the device is missing.
 */
export async function openSession(model: Uint8Array, device: Device = "cpu"): Promise<Session> {
  const session = await createSession(model, device).catch((cause: unknown) => {
    if (device === "cuda" && cause instanceof Error && /CUDA|shared library/i.test(cause.message))
      throw new DeviceError(NO_CUDA, { cause });
    throw cause;
  });
  const shapes = session.inputMetadata.map((x): readonly [string, readonly number[]] => [
    x.name,
    x.isTensor ? x.shape.map(Number) : [],
  ]);
  return {
    async run(arrays) {
      const feeds = Object.fromEntries(shapes.map(([name, shape]) => [name, toValue(arrays[name], shape)]));
      const results = await session.run(feeds);
      return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, toData(name, value)]));
    },
    release: () => session.release(),
  };
}

const createSession = (model: Uint8Array, device: Device): Promise<InferenceSession> =>
  InferenceSession.create(model, {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: "basic",
    // An arena would keep the memory of a run in every session, and saves little time.
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
    // Masked softmax leaves denormals, which are slow.
    extra: { session: { set_denormal_as_zero: "1" } },
  });
