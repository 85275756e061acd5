/** Files that the page hands out. */
import { type PackedModel, packModel } from "../../play/packed-model.ts";
import type { Progress } from "./messages.ts";

function save(name: string, type: string, parts: readonly (Uint8Array | string)[]): void {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- what `packModel` makes is never shared memory
  const url = URL.createObjectURL(new Blob(parts as BlobPart[], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

export const saveModel = (name: string, model: PackedModel): void =>
  save(`${name}.safetensors`, "application/octet-stream", packModel(model));

/** A row for each step, a column for each metric. */
export function saveMetrics(name: string, rows: readonly Progress[]): void {
  const keys = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))];
  const head = ["stage", "step", ...keys, "exact_j_of_table"].join(",");
  const lines = rows.map(({ stage, step, metrics, table }) =>
    [stage, step, ...keys.map((key) => metrics[key] ?? ""), table?.exactJ ?? ""].join(","),
  );
  save(`${name}.csv`, "text/csv", [`${[head, ...lines].join("\n")}\n`]);
}
