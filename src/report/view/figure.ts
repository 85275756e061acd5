/** Charts as files: the page's drawing code, which `npm run build` puts beside the page in one module for Node. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { FileError } from "../../files.ts";
import type { ViewData } from "./data.ts";
import { pageFile } from "./html.ts";
import type { FigureName } from "./quantities.ts";

export interface FigureOptions {
  readonly name: FigureName;
  /** The first game of the data unless given. */
  readonly game?: string;
  /** Of `opponents`: payoff unless given. Of `front`: `utility` in place of J. */
  readonly measure?: string;
  readonly width?: number;
  readonly theme?: "light" | "dark";
}

const moduleSchema = z.object({
  figureSvg: z.custom<(data: ViewData, options: FigureOptions) => string | undefined>((value) => typeof value === "function"),
});

/** The text of an SVG file; undefined where the data has nothing of the figure. The same data gives the same bytes. */
export async function figureSvg(data: ViewData, options: FigureOptions): Promise<string | undefined> {
  const imported: unknown = await import(pathToFileURL(pageFile("figures.js")).href);
  return moduleSchema.parse(imported).figureSvg(data, options);
}

const run = promisify(execFile);

/** Programs that make a picture of dots from an SVG file, in the order in which they are tried; twice the size, for sharp print. */
const CONVERTERS: readonly (readonly [string, (svg: string, png: string) => readonly string[]])[] = [
  ["rsvg-convert", (svg, png) => ["--zoom", "2", "--output", png, svg]],
  ["inkscape", (svg, png) => ["--export-dpi=192", `--export-filename=${png}`, svg]],
  ["magick", (svg, png) => ["-density", "192", svg, png]],
];

/** A PNG file of an SVG text, by the first converter that is installed. Throws `FileError` naming them where none is. */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "sepo-figure-"));
  const [from, to] = [join(folder, "figure.svg"), join(folder, "figure.png")];
  try {
    await writeFile(from, svg);
    for (const [program, args] of CONVERTERS) {
      const done = await run(program, [...args(from, to)]).then(
        () => true,
        () => false,
      );
      if (done) return await readFile(to);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throw new FileError(
    `a PNG needs a converter, and none of ${CONVERTERS.map(([program]) => program).join(", ")} is installed; write an SVG instead`,
  );
}
