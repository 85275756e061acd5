/**
 * Large arrays that reach workers without passing through a message. ONNX Runtime reads no shared memory, so each worker has one copy
 * of its own, which later versions are written into.
 */
import type { Arrays } from "./session.ts";
import type { Data } from "./tensor.ts";

/** A page that is not isolated across origins has none; messages to workers then carry copies. */
const SHARES = typeof SharedArrayBuffer !== "undefined";

/** `size` zeros that threads share where they can. */
export function sharedFloats(size: number): Float32Array {
  const bytes = size * Float32Array.BYTES_PER_ELEMENT;
  return new Float32Array(SHARES ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
}

export function sharedCopy(values: Float32Array): Float32Array {
  const copy = sharedFloats(values.length);
  copy.set(values);
  return copy;
}

function viewOf(buffer: ArrayBuffer, like: Data): Data {
  const { byteOffset, length } = like;
  if (like instanceof Float32Array) return new Float32Array(buffer, byteOffset, length);
  if (like instanceof Int32Array) return new Int32Array(buffer, byteOffset, length);
  if (like instanceof BigInt64Array) return new BigInt64Array(buffer, byteOffset, length);
  return new Uint8Array(buffer, byteOffset, length);
}

/**
 * The same arrays in memory that is not shared. `before` are those that an earlier call returned for the arrays of the same names; their
 * memory is used again where it has the same size.
 */
export function unshared(arrays: Arrays, before: Arrays = {}): Arrays {
  const copies = new Map<ArrayBufferLike, ArrayBuffer>();
  const copyOf = (name: string, shared: SharedArrayBuffer): ArrayBuffer => {
    const known = copies.get(shared);
    if (known) return known;
    const old = before[name]?.buffer;
    const fits = old instanceof ArrayBuffer && old.byteLength === shared.byteLength;
    const copy = fits ? old : new ArrayBuffer(shared.byteLength);
    new Uint8Array(copy).set(new Uint8Array(shared));
    copies.set(shared, copy);
    return copy;
  };
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => {
      const { buffer } = array;
      return [name, SHARES && buffer instanceof SharedArrayBuffer ? viewOf(copyOf(name, buffer), array) : array];
    }),
  );
}
