import { Argument, type Command, Option } from "commander";
import { FileError, writeWhole } from "../files.ts";
import { GameError } from "../games/index.ts";
import { collect } from "../report/view/collect.ts";
import { figureSvg, pngOf } from "../report/view/figure.ts";
import { FIGURES, type FigureName, MEASURES } from "../report/view/quantities.ts";
import { runsIn } from "../study/runs-in.ts";
import { positiveNumber } from "./options.ts";

interface FigureFlags {
  readonly game?: string;
  readonly measure?: string;
  readonly width: number;
  readonly theme: "light" | "dark";
  readonly out?: string;
}

export function addFigure(program: Command): void {
  program
    .command("figure")
    .description("a chart of runs as SVG or PNG, for papers and pages")
    .addArgument(new Argument("<name>", "which chart").choices(FIGURES))
    .argument("[runs...]", "directories of runs, of studies or of models' evaluations (default: runs/latest)")
    .option("--game <name>", "of which game; default: the first of the runs")
    .addOption(
      new Option("--measure <name>", "of opponents: what is drawn; of front: utility in place of J").choices([
        ...MEASURES.map(({ name }) => name),
        "utility",
      ]),
    )
    .option("--width <n>", "in pixels", positiveNumber, 720)
    .addOption(new Option("--theme <name>", "colours").choices(["light", "dark"]).default("light"))
    .option("-o, --out <file>", "write to a file that ends in .svg or .png instead of SVG to the terminal")
    .addHelpText(
      "after",
      `
The same runs give the same bytes of SVG. PNG needs rsvg-convert, inkscape or magick.

Examples:
  sepo figure verdict runs/latest --game ipd > verdict.svg
  sepo figure policy runs/latest --game kuhn --out policy.svg
  sepo figure opponents runs/latest --measure gap --theme dark --out gap.png`,
    )
    .action(async (name: FigureName, named: readonly string[], { game, measure, width, theme, out }: FigureFlags) => {
      const folders = await runsIn(named.length === 0 ? ["runs/latest"] : named);
      const { data } = await collect(folders, { episodes: 0 });
      const broken = data.runs.filter(({ state }) => state === "unreadable");
      if (broken.length > 0) throw new FileError(broken.flatMap(({ problems }) => problems).join("\n"));
      if (game !== undefined && data.games.every((one) => one.name !== game))
        throw new GameError(
          `the runs have no game called "${game}"; expected one of ${data.games.map((one) => one.name).join(", ")}`,
        );
      const svg = await figureSvg(data, {
        name,
        width,
        theme,
        ...(game === undefined ? {} : { game }),
        ...(measure === undefined ? {} : { measure }),
      });
      if (svg === undefined) throw new FileError(`${folders.join(", ")}: nothing was kept that "${name}" draws`);
      if (out === undefined) process.stdout.write(svg);
      else await writeWhole(out, out.endsWith(".png") ? await pngOf(svg) : svg);
    });
}
