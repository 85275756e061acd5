/** The models one can play against: the one that comes with the site, those trained in this tab, those opened from files. */
import { type PackedModel, unpackModel } from "../play/packed-model.ts";
import small from "./model/small.safetensors?url";

export interface NamedModel {
  readonly name: string;
  readonly model: PackedModel;
}

export async function loadSmallModel(): Promise<NamedModel> {
  const response = await fetch(small);
  if (!response.ok) throw new Error(`${small}: cannot be read (${response.status})`);
  return { name: "the small trained model", model: await unpackModel(new Uint8Array(await response.arrayBuffer()), small) };
}

export async function openModelFile(file: File): Promise<NamedModel> {
  return { name: file.name, model: await unpackModel(new Uint8Array(await file.arrayBuffer()), file.name) };
}
