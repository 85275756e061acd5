/** Compiled functions from named arrays to named arrays. */
import { availableParallelism } from "node:os";
import { InferenceSession, Tensor as Value } from "onnxruntime-node";
import { toGraph } from "./graph.ts";
import { encodeModel } from "./onnx.ts";
import { showShape, sizeOf, type Data, type Tensor } from "./tensor.ts";

export type Arrays = Readonly<Record<string, Data>>;

export interface CompileOptions {
  /** Threads inside one operator; all available cores unless given. */
  readonly threads?: number;
  /** Outputs whose first size is known only after a run; they cannot be written into given arrays. */
  readonly ragged?: readonly string[];
}

/** A function that owns an ONNX Runtime session until it is released. */
export interface Compiled {
  /**
   * Computes every output. Inputs are read in place and must not change before the promise settles; an output named in `into`
   * is written there instead of into a new array. Throws `TypeError` for a missing array or one of the wrong type or size.
   */
  run(arrays: Arrays, into?: Arrays): Promise<Arrays>;
  release(): Promise<void>;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, bool: Uint8Array } as const;

function toValue(name: string, { type, shape }: Tensor, data: Data | undefined): Value {
  if (!(data instanceof ARRAYS[type])) {
    throw new TypeError(`${name}: expected ${type} ${showShape(shape)}, got ${data ? data.constructor.name : "nothing"}`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new TypeError(`${name}: expected ${sizeOf(shape)} values for ${showShape(shape)}, got ${data.length}`);
  }
  if (data instanceof Float32Array) return new Value("float32", data, shape);
  if (data instanceof Int32Array) return new Value("int32", data, shape);
  return data instanceof BigInt64Array ? new Value("int64", data, shape) : new Value("bool", data, shape);
}

function toData(name: string, { data }: Value): Data {
  const known = data instanceof Float32Array || data instanceof Int32Array || data instanceof BigInt64Array;
  if (known || data instanceof Uint8Array) return data;
  throw new TypeError(`${name}: an output of type ${data.constructor.name} is not supported`);
}

/** Compiles the function from named inputs to named outputs. */
export async function compile(
  inputs: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
  { threads = availableParallelism(), ragged = [] }: CompileOptions = {},
): Promise<Compiled> {
  const graph = toGraph(inputs, outputs);
  const declared = graph.outputs.map((x) => (ragged.includes(x.name) ? { ...x, shape: [null, ...x.shape.slice(1)] } : x));
  const session = await InferenceSession.create(encodeModel({ ...graph, outputs: declared }), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    enableMemPattern: false,
    logSeverityLevel: 3,
    // Masked softmax leaves denormals, which are slow.
    extra: { session: { set_denormal_as_zero: "1" } },
  });
  const entries = Object.entries(inputs);
  const targets = Object.entries(outputs);
  return {
    async run(arrays, into = {}) {
      const feeds = Object.fromEntries(entries.map(([name, x]) => [name, toValue(name, x, arrays[name])]));
      const fetches = Object.fromEntries(targets.map(([name, x]) => [name, into[name] ? toValue(name, x, into[name]) : null]));
      const results = await session.run(feeds, fetches);
      return Object.fromEntries(targets.map(([name]) => [name, into[name] ?? toData(name, results[name])]));
    },
    release: () => session.release(),
  };
}
