/** A model's weights in a Hugging Face folder: one safetensors file, or several with an index. */
import { access } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { readJson } from "../../json.ts";
import { EngineError } from "../engine.ts";
import type { ModelConfig } from "./model.ts";
import { EMBEDDING, HEAD, parameterCount, parametersOf } from "./parameters.ts";
import { sharedFloats } from "../../tensor/shared.ts";
import { Tensors, type TensorPlace } from "./safetensors.ts";
import { openSource } from "./tensor-file.ts";

export const WEIGHTS = "model.safetensors";
const INDEX = `${WEIGHTS}.index.json`;

/** Constants that old versions of transformers saved with the weights. */
const isConstant = (name: string): boolean => name.endsWith(".rotary_emb.inv_freq");

/** The names of the weights' files. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const path = join(folder, INDEX);
  const whole = await access(join(folder, WEIGHTS)).then(
    () => true,
    () => false,
  );
  const sharded = await access(path).then(
    () => true,
    () => false,
  );
  if (whole || !sharded) return [WEIGHTS];
  const schema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });
  const { weight_map: map } = await readJson(path, schema, "an index of weights", (...error) => new EngineError(...error));
  const names = [...new Set(Object.values(map))].sort();
  const outside = names.find((name) => basename(name) !== name);
  if (outside !== undefined)
    throw new EngineError(`${path}: expected names of files in the folder, got ${JSON.stringify(outside)}`);
  return names;
}

/**
 * Reads the model's parameters, of any type that `floats.ts` has, into one vector that threads can share. Throws `EngineError` naming
 * the file and what is wrong: a tensor that is missing, unknown, in two files, of another shape, or not finite; an output layer that differs from
 * the embedding it should be tied to.
 */
export async function readWeights(folder: string, config: ModelConfig): Promise<Float32Array> {
  const sources: Awaited<ReturnType<typeof openSource>>[] = [];
  try {
    for (const name of await filesOf(folder)) sources.push(await openSource(join(folder, name)));
    const files = await Promise.all(sources.map((source) => Tensors.open(source)));
    const out = sharedFloats(parameterCount(config));
    const places = parametersOf(config);
    const fileOf = ownersOf(files, places, config.tiedEmbeddings ?? true);
    for (const place of places) await (fileOf.get(place.name) ?? files[0]).readInto(out, place);
    const head = fileOf.get(HEAD);
    if (head && (config.tiedEmbeddings ?? true)) await checkTied(head, places[0], out);
    return out;
  } finally {
    await Promise.all(sources.map((source) => source.close()));
  }
}

/** The file of every tensor. */
function ownersOf(files: readonly Tensors[], places: readonly TensorPlace[], tied: boolean): ReadonlyMap<string, Tensors> {
  const known = new Set([...places.map(({ name }) => name), ...(tied ? [HEAD] : [])]);
  const owners = new Map<string, Tensors>();
  for (const file of files) {
    for (const name of file.names.filter((each) => !isConstant(each))) {
      if (!known.has(name)) throw new EngineError(`${file.path}: tensor ${name} is not part of the model`);
      const other = owners.get(name);
      if (other !== undefined) throw new EngineError(`${file.path}: tensor ${name} is also in ${other.path}`);
      owners.set(name, file);
    }
  }
  return owners;
}

async function checkTied(file: Tensors, { shape, offset }: TensorPlace, weights: Float32Array): Promise<void> {
  await file.read(HEAD, shape, (values, at) => {
    const differs = values.findIndex((value, i) => value !== weights[offset + at + i]);
    if (differs < 0) return;
    const found = `${values[differs]} and ${weights[offset + at + differs]} at element ${at + differs}`;
    throw new EngineError(
      `${file.path}: ${HEAD} differs from ${EMBEDDING} (${found}), to which tie_word_embeddings in config.json ties it`,
    );
  });
}
