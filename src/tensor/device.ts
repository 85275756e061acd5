/** Where graphs run, apart from what runs them, which is large to load. */

export const DEVICES = ["cpu", "cuda"] as const;
export type Device = (typeof DEVICES)[number];

/** A device that this machine or this installation does not have. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
}
