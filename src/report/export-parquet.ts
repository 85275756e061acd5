/** Episodes as a Parquet file: the columns of the CSV, and every decision as JSON. */
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Transcript } from "../runs/transcript.ts";
import { EPISODE_COLUMNS } from "./export-csv.ts";

const TYPES = { text: "STRING", count: "INT32", number: "DOUBLE" } as const;

export function episodesParquet(episodes: readonly Transcript[]): Uint8Array {
  const columns = EPISODE_COLUMNS.map(({ name, kind, of }) => ({
    name,
    type: TYPES[kind],
    data: episodes.map((episode) => of(episode)),
    nullable: false,
  }));
  const decisions = {
    name: "decisions_json",
    type: "STRING" as const,
    data: episodes.map((episode) => JSON.stringify(episode.decisions)),
    nullable: false,
  };
  return new Uint8Array(parquetWriteBuffer({ columnData: [...columns, decisions] }));
}
