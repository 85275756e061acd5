/** A study's folder as the runs that it holds. */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileOf } from "../runs/read.ts";
import { cellsFolder, exists } from "./jobs.ts";
import { logFile } from "./log.ts";

/** The folders as given, except that a study's stands for the runs of its rows, by name; a study without any stays as it is. */
export async function runsIn(folders: readonly string[]): Promise<string[]> {
  const expanded = await Promise.all(
    folders.map(async (folder) => {
      if (!(await exists(logFile(folder)))) return [folder];
      const cells = cellsFolder(folder);
      const paths = await readdir(cells, { recursive: true }).catch((): string[] => []);
      const runs = paths.filter((path) => basename(path) === basename(fileOf.run(""))).map(dirname);
      return runs.length === 0 ? [folder] : runs.toSorted().map((path) => join(cells, path));
    }),
  );
  return expanded.flat();
}
