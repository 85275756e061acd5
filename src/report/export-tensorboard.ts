/**
 * Metrics of a run as event files of TensorBoard, one for each stage. A file is a sequence of records: the length (u64), its masked CRC-32C, the
 * message, and its masked CRC-32C, all little-endian. A message is `tensorflow.Event`: 1 wall_time, 2 step, 3 file_version, 5 summary, whose
 * values have 1 tag and 2 simple_value.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { TimingLine } from "../runs/read.ts";
import type { Stage } from "../runs/stages.ts";

export interface EventsFile {
  /** The stage, which TensorBoard shows as a run of its own. */
  readonly stage: string;
  readonly bytes: Uint8Array;
}

/** A line of `metrics.jsonl`. */
interface StepMetrics {
  readonly stage: Stage;
  readonly step: number;
  readonly [metric: string]: number | string;
}

/** Wall time is the sum of the steps' seconds, as a run knows no clock. */
export function tensorboardEvents(metrics: readonly StepMetrics[], timing: readonly TimingLine[]): EventsFile[] {
  const stages = [...new Set(metrics.map(({ stage }) => stage))];
  return stages.map((stage) => {
    const seconds = new Map(timing.filter((line) => line.stage === stage).map((line) => [line.step, line.seconds]));
    let wall = 0;
    const events = metrics
      .filter((line) => line.stage === stage)
      .map((line) => {
        const { step } = line;
        wall += seconds.get(step) ?? 0;
        return scalarsEvent(wall, step, line);
      });
    return { stage, bytes: joined([versionEvent(), ...events].map(recordOf)) };
  });
}

function versionEvent(): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(0);
  return writer.tag(3, WireType.LengthDelimited).string("brain.Event:2").finish();
}

function scalarsEvent(wallTime: number, step: number, metrics: StepMetrics): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(wallTime);
  writer.tag(2, WireType.Varint).int64(step);
  const summary = writer.tag(5, WireType.LengthDelimited).fork();
  for (const [tag, value] of Object.entries(metrics)) {
    if (tag === "stage" || tag === "step") continue;
    const entry = summary.tag(1, WireType.LengthDelimited).fork();
    entry.tag(1, WireType.LengthDelimited).string(tag);
    entry.tag(2, WireType.Bit32).float(Number(value)).join();
  }
  return summary.join().finish();
}

function recordOf(message: Uint8Array): Uint8Array {
  const record = new Uint8Array(message.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(message.length), true);
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true);
  record.set(message, 12);
  view.setUint32(12 + message.length, masked(crc32c(message)), true);
  return record;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Remainders of the Castagnoli polynomial, its bits reversed. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** CRC-32C (RFC 3720, appendix B.4). */
export const crc32c = (bytes: Uint8Array): number =>
  ~bytes.reduce((crc, byte) => REMAINDERS[(crc ^ byte) & 0xff] ^ (crc >>> 8), 0xffffffff) >>> 0;

/** As records have it, so that a checksum of data that holds checksums says something. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
