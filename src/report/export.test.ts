import { parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Transcript } from "../runs/transcript.ts";
import { EPISODE_COLUMNS, episodesCsv } from "./export-csv.ts";
import { episodesParquet } from "./export-parquet.ts";
import { crc32c, tensorboardEvents } from "./export-tensorboard.ts";

const decision = {
  round: 1,
  observation: "Your action?",
  reply: 'I say "no",\nDEFECT',
  status: "ok" as const,
  action: "DEFECT",
};
const episode = (id: string, r: number): Transcript => ({
  id,
  step: 0,
  seed: 3,
  game: "ipd",
  pool: "train",
  agent: "wörter, and more",
  opponent: "tit-for-tat",
  rules: "",
  decisions: [decision, { ...decision, status: "parse-failure", cause: "missing" }],
  rounds: [
    { r, q: 1, c: 0, x: 0.5, failures: 0 },
    { r: 0, q: 3, c: 1, x: 0, failures: 1 },
  ],
  views: [],
});
const episodes = [episode("ipd/train/tit-for-tat/0", 5), { ...episode("ipd/train/tit-for-tat/1", 1), settings: "rounds 2" }];

describe("episodes", () => {
  test("have equal rows in CSV and Parquet, and all decisions in the latter", async () => {
    const bytes = episodesParquet(episodes);
    const rows = await parquetReadObjects({ file: bytes.slice().buffer });
    expect(rows).toHaveLength(2);
    // Means over two rounds: (5 + 0) / 2, (1 + 3) / 2, (0 + 1) / 2, (0.5 + 0) / 2.
    expect(rows[0]).toMatchObject({
      payoff: 2.5,
      opponent_payoff: 2,
      collusion: 0.5,
      externality: 0.25,
      unreadable: 1,
      seed: 3,
    });
    expect(rows[1]).toMatchObject({ settings: "rounds 2", payoff: 0.5, agent: "wörter, and more" });
    expect(JSON.parse(String(rows[0]["decisions_json"]))).toEqual(episodes[0].decisions);
    const [head, first] = episodesCsv(episodes).split("\r\n");
    expect(head).toBe(EPISODE_COLUMNS.map(({ name }) => name).join(","));
    expect(first).toBe(
      'ipd/train/tit-for-tat/0,ipd,,train,"wörter, and more",tit-for-tat,3,2,2,1,2.5,2,0.5,0.25,DEFECT | DEFECT',
    );
  });
});

describe("metrics", () => {
  test("CRC-32C has the values of RFC 3720, appendix B.4", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });

  test("become records of a version and one event per step, a file per stage", () => {
    const metrics = [
      { stage: "sft" as const, step: 1, "loss/all": 2.5 },
      { stage: "sepo" as const, step: 1, J: 0.25, "kl/sft": -1 },
      { stage: "sepo" as const, step: 2, J: 0.5, "kl/sft": 0 },
    ];
    const timing = metrics.map(({ stage, step }) => ({ stage, step, seconds: 2 }));
    const files = tensorboardEvents(metrics, timing);
    expect(files.map(({ stage }) => stage)).toEqual(["sft", "sepo"]);
    const records = recordsOf(files[1].bytes);
    expect(records.map(eventOf)).toEqual([
      { wall: 0, version: "brain.Event:2" },
      {
        wall: 2,
        step: 1,
        values: [
          ["J", 0.25],
          ["kl/sft", -1],
        ],
      },
      {
        wall: 4,
        step: 2,
        values: [
          ["J", 0.5],
          ["kl/sft", 0],
        ],
      },
    ]);
  });
});

/** The messages of a file whose lengths add up; checksums are TensorBoard's to judge (reference/read-exports.py). */
function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = Number(view.getBigUint64(at, true));
    records.push(bytes.slice(at + 12, at + 12 + length));
    at += length + 16;
  }
  expect(at).toBe(bytes.length);
  return records;
}

interface ReadEvent {
  wall: number;
  step?: number;
  version?: string;
  values?: [string, number][];
}

function eventOf(record: Uint8Array): ReadEvent {
  const event: ReadEvent = { wall: NaN };
  const reader = new BinaryReader(record);
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    if (field === 1) event.wall = reader.double();
    else if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.version = reader.string();
    else event.values = valuesOf(reader.bytes());
  }
  return event;
}

function valuesOf(summary: Uint8Array): [string, number][] {
  const values: [string, number][] = [];
  const reader = new BinaryReader(summary);
  while (reader.pos < reader.len) {
    reader.tag();
    const inner = new BinaryReader(reader.bytes());
    inner.tag();
    const tag = inner.string();
    inner.tag();
    values.push([tag, inner.float()]);
  }
  return values;
}
