/**
 * A checkpoint: a folder with the engine's files, the tokenizer, `sepo.json` (who the agent is and where its run stood) and `files.json`
 * (size and SHA-256 of every file). It appears whole or not at all, means the same wherever it is copied, and is checked before use.
 */
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { ENGINE_KINDS } from "../engines/drivers.ts";
import { FileError, digestFile, jsonText, readTextIfAny, reasonOf, sha256, writeWhole } from "../files.ts";
import { PROTOCOLS } from "../games/index.ts";
import { readJson } from "../json.ts";
import { STAGES } from "./stages.ts";

export const AGENT_FILE = "sepo.json";
export const FILES_FILE = "files.json";
/** Read by training alone, so that a copy without it can still play. */
const OPTIMIZER_FILE = "optimizer.safetensors";

export const progressSchema = z.strictObject({
  /** Identity of the run (`run.json`). */
  run: z.string(),
  stage: z.enum(STAGES),
  /** Steps of the stage that are done. */
  step: z.number().int().min(0),
  /** Running gaps of the exploiters, by `game/opponent`. */
  gaps: z.record(z.string(), z.strictObject({ total: z.number(), weight: z.number() })),
  /** Best responses that have joined. */
  exploiters: z.array(z.strictObject({ game: z.string(), name: z.string(), actions: z.record(z.string(), z.string()) })),
  /** What `metrics.jsonl` held when the checkpoint was written. */
  metrics: z.strictObject({ bytes: z.number().int().min(0), sha256: z.string() }),
});
export type Progress = z.infer<typeof progressSchema>;

export const agentFileSchema = z.strictObject({
  kind: z.enum(ENGINE_KINDS),
  /** Sections of the games by name, as in a configuration; modules are files of the checkpoint. */
  games: z.record(z.string(), z.looseObject({})),
  protocol: z.enum(PROTOCOLS),
  sampler: z.strictObject({ temperature: z.number(), maxTokens: z.number() }),
  thinking: z.boolean().optional(),
  /** Absent for an agent that was saved outside a run. */
  progress: progressSchema.optional(),
});
export type AgentFile = z.infer<typeof agentFileSchema>;

const filesSchema = z.record(z.string(), z.strictObject({ bytes: z.number().int(), sha256: z.string() }));

const fail = (message: string, options?: ErrorOptions) => new FileError(message, options);

/** Writes a checkpoint; `fill` writes the files besides its own two. Returns its content's hash. */
export async function writeCheckpoint(
  folder: string,
  content: AgentFile,
  fill: (partial: string) => Promise<void>,
): Promise<string> {
  const partial = join(dirname(folder), `.partial-${basename(folder)}`);
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await fill(partial);
    await writeWhole(join(partial, AGENT_FILE), jsonText(content));
    const files: Record<string, { bytes: number; sha256: string }> = {};
    for (const path of await filesBelow(partial)) files[path] = await digestFile(join(partial, path));
    const text = jsonText(files);
    await writeWhole(join(partial, FILES_FILE), text);
    await replaceFolder(partial, folder);
    return sha256(text);
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    if (cause instanceof Error && "syscall" in cause)
      throw new FileError(`${folder}: the checkpoint cannot be written: ${reasonOf(cause)}`, { cause });
    throw cause;
  }
}

/** Removes a checkpoint; who looks meanwhile, or after a crash, sees it whole or not at all. */
export async function removeCheckpoint(folder: string): Promise<void> {
  const partial = join(dirname(folder), `.partial-${basename(folder)}`);
  await rm(partial, { recursive: true, force: true });
  await rename(folder, partial);
  await rm(partial, { recursive: true, force: true });
}

/** Puts a finished folder in the place of another, which stays whole until then. */
async function replaceFolder(partial: string, folder: string): Promise<void> {
  const old = join(dirname(folder), `.old-${basename(folder)}`);
  await rm(old, { recursive: true, force: true });
  const replaced = await rename(folder, old).then(
    () => true,
    () => false,
  );
  try {
    await rename(partial, folder);
  } catch (cause) {
    if (replaced) await rename(old, folder);
    throw cause;
  }
  await rm(old, { recursive: true, force: true });
}

/** Paths of all files below a folder, sorted, with forward slashes. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .toSorted();
}

/** Who the agent of a checkpoint is. Throws `FileError` naming what is wrong with the file. */
export const readAgentFile = (folder: string): Promise<AgentFile> =>
  readJson(join(folder, AGENT_FILE), agentFileSchema, 'a checkpoint written by "sepo train"', fail);

/**
 * Hash of a checkpoint's content, after its files were found to be what was written. With `training` false the optimizer's state may be
 * missing. Throws `FileError` naming the file that is missing, shortened, emptied or changed.
 */
export async function checkCheckpoint(folder: string, { training = false } = {}): Promise<string> {
  const path = join(folder, FILES_FILE);
  const files = await readJson(path, filesSchema, "the list of a checkpoint's files", fail);
  for (const [name, expected] of Object.entries(files)) {
    const file = join(folder, name);
    const size = await stat(file).then(
      ({ size: bytes }) => bytes,
      () => undefined,
    );
    if (size === undefined && name === OPTIMIZER_FILE && !training) continue;
    if (size === undefined) throw new FileError(`${file}: the checkpoint's list names it, but it is not there`);
    if (size !== expected.bytes)
      throw new FileError(
        `${file}: expected ${expected.bytes} bytes, found ${size}: the file was ${size < expected.bytes ? "shortened" : "changed"}`,
      );
    const found = await digestFile(file);
    if (found.sha256 !== expected.sha256)
      throw new FileError(
        `${file}: the file was changed since it was written (SHA-256 ${found.sha256}, expected ${expected.sha256})`,
      );
  }
  return hashOf(folder);
}

/** Hash of a checkpoint's content as its list of files tells; the files are not read. */
export async function hashOf(folder: string): Promise<string> {
  const text = await readTextIfAny(join(folder, FILES_FILE), "the list of a checkpoint's files");
  if (text === undefined) throw new FileError(`${folder}: no ${FILES_FILE}; expected a checkpoint written by "sepo train"`);
  return sha256(text);
}

/**
 * The checkpoint that a path means: the folder itself, or of a run's folder the last stage that is finished. Throws `FileError` that
 * names the checkpoints there are.
 */
export async function findCheckpoint(path: string): Promise<string> {
  const has = (file: string) =>
    stat(join(path, file)).then(
      () => true,
      () => false,
    );
  if (await has(AGENT_FILE)) return path;
  const folder = (await has("checkpoints")) ? join(path, "checkpoints") : path;
  const names = await checkpointNames(folder);
  const last = STAGES.findLast((stage) => names.includes(stage));
  if (last !== undefined) return join(folder, last);
  if (names.length > 0)
    throw new FileError(`${path}: no stage of this run is finished; its checkpoints are ${names.join(", ")} in ${folder}`);
  throw new FileError(
    `${path}: expected a checkpoint written by "sepo train", or the folder of a run; it has no ${AGENT_FILE}`,
  );
}

/** Names of the checkpoints in a folder; unfinished ones begin with a dot and are left out. */
export async function checkpointNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
  const found = await Promise.all(
    names.map((name) =>
      stat(join(folder, name, AGENT_FILE)).then(
        () => [name],
        () => [],
      ),
    ),
  );
  return found.flat().toSorted();
}
