import { Argument, type Command, Option } from "commander";
import { writeWhole } from "../files.ts";
import { episodesCsv } from "../report/export-csv.ts";
import { inspectLog } from "../report/export-inspect.ts";
import { readEvaluatedEpisodes } from "../runs/episodes.ts";
import { isModelEvaluation, readAsked } from "../runs/recording.ts";
import { STAGES, type Stage } from "../runs/stages.ts";
import { gameOption } from "./options.ts";

const FORMATS = ["inspect", "csv"] as const;
type Format = (typeof FORMATS)[number];

interface ExportFlags {
  readonly game?: readonly string[];
  readonly stage?: Stage;
  readonly out: string;
}

export function addExport(program: Command): void {
  program
    .command("export")
    .description("write the episodes of an evaluation for other programs")
    .addArgument(new Argument("<format>", "inspect: a log of inspect_ai; csv: one row per episode").choices(FORMATS))
    .argument("<run>", "the directory of a run or of a model's evaluation")
    .requiredOption("-o, --out <file>", "the file that is written")
    .addOption(gameOption())
    .addOption(new Option("--stage <name>", "stage of a run; default: the last one evaluated").choices(STAGES))
    .addHelpText(
      "after",
      `
Of a run the first few episodes against each opponent are kept, of a model's evaluation all.
The viewer and data frames of inspect_ai look only at files named like 2026-11-28T12-00-00+00-00_sepo_NAME.json.

Examples:
  sepo export csv runs/openai-gpt-5-mini --out episodes.csv
  sepo export inspect runs/openai-gpt-5-mini --out logs/2026-11-28T12-00-00+00-00_sepo_gpt-5-mini.json`,
    )
    .action(async (format: Format, folder: string, { game, stage, out }: ExportFlags) => {
      const episodes = await readEvaluatedEpisodes(folder, {
        ...(game === undefined ? {} : { games: game }),
        ...(stage === undefined ? {} : { stage }),
      });
      const config = (await isModelEvaluation(folder)) ? { ...(await readAsked(folder)) } : { folder };
      const model = episodes[0]?.agent ?? folder;
      const created = new Date().toISOString();
      if (format === "csv") await writeWhole(out, episodesCsv(episodes));
      else {
        const log = inspectLog(episodes, { name: folder, model, created, config });
        await writeWhole(out, `${JSON.stringify(log)}\n`);
      }
      console.log(`${episodes.length} episodes are in ${out}`);
    });
}
