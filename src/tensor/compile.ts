/** Compiled functions from named arrays to named arrays. */
import { toGraph } from "./graph.ts";
import { encodeModel } from "./onnx.ts";
import { openSession, type Arrays, type Session } from "./session.ts";
import { showShape, sizeOf, type DataType, type Shape, type Tensor } from "./tensor.ts";

export interface CompileOptions {
  /** Outputs whose first size is known only after a run. */
  readonly ragged?: readonly string[];
}

/** A function ready to be loaded, by this thread or by others. */
export interface Program {
  /** Tells programs apart across threads. */
  readonly id: number;
  /** An ONNX model. */
  readonly model: Uint8Array;
  readonly inputs: Readonly<Record<string, { readonly type: DataType; readonly shape: Shape }>>;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, bool: Uint8Array } as const;
let programs = 0;

/** The program that computes named outputs from named inputs. */
export function toProgram(
  inputs: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
  { ragged = [] }: CompileOptions = {},
): Program {
  const graph = toGraph(inputs, outputs);
  const declared = graph.outputs.map((x) => (ragged.includes(x.name) ? { ...x, shape: [null, ...x.shape.slice(1)] } : x));
  // Only types and shapes are kept, so that the expressions can go.
  const signature = Object.entries(inputs).map(([name, { type, shape }]) => [name, { type, shape }] as const);
  return { id: programs++, model: encodeModel({ ...graph, outputs: declared }), inputs: Object.fromEntries(signature) };
}

/** Throws `TypeError` for an input that is missing or has the wrong type or size. */
export function checkArrays({ inputs }: Program, arrays: Arrays): void {
  for (const [name, { type, shape }] of Object.entries(inputs)) {
    const data = arrays[name];
    if (!(data instanceof ARRAYS[type])) {
      throw new TypeError(`${name}: expected ${type} ${showShape(shape)}, got ${data ? data.constructor.name : "nothing"}`);
    }
    if (data.length !== sizeOf(shape)) {
      throw new TypeError(`${name}: expected ${sizeOf(shape)} values for ${showShape(shape)}, got ${data.length}`);
    }
  }
}

/** Compiles a function that runs on this thread, which waits for it; `pool.ts` runs programs on others. */
export async function compile(
  inputs: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
  options: CompileOptions = {},
): Promise<Session> {
  const program = toProgram(inputs, outputs, options);
  const session = await openSession(program.model);
  return {
    async run(arrays) {
      checkArrays(program, arrays);
      return session.run(arrays);
    },
    release: () => session.release(),
  };
}
