import { join } from "node:path";
import { Argument, type Command, Option } from "commander";
import { makeFolder, writeWhole } from "../files.ts";
import { GameError } from "../games/index.ts";
import { episodesCsv } from "../report/export-csv.ts";
import { inspectLog } from "../report/export-inspect.ts";
import { episodesParquet } from "../report/export-parquet.ts";
import { tensorboardEvents } from "../report/export-tensorboard.ts";
import { packModel } from "../play/packed-model.ts";
import { packedAgent } from "../runs/packed-agent.ts";
import { readEvaluatedEpisodes } from "../runs/episodes.ts";
import { readMetrics, readTiming } from "../runs/read.ts";
import { isModelEvaluation, readAsked } from "../runs/recording.ts";
import { STAGES, type Stage } from "../runs/stages.ts";
import type { Transcript } from "../runs/transcript.ts";
import { gameOption } from "./options.ts";

const FORMATS = ["inspect", "parquet", "csv", "tensorboard", "model"] as const;
type Format = (typeof FORMATS)[number];

interface ExportFlags {
  readonly game?: readonly string[];
  readonly stage?: Stage;
  readonly out: string;
}

export function addExport(program: Command): void {
  program
    .command("export")
    .description("write a run or an evaluation for other programs, or a small model for a page")
    .addArgument(
      new Argument(
        "<format>",
        "inspect: a log of inspect_ai; parquet, csv: one row per episode; tensorboard: the metrics of a run's steps; " +
          "model: an embedded model in one file (docs/browser.md)",
      ).choices(FORMATS),
    )
    .argument("<run>", "the directory of a run or of a model's evaluation, or a checkpoint")
    .requiredOption("-o, --out <path>", "the file that is written; the folder for tensorboard")
    .addOption(gameOption())
    .addOption(
      new Option("--stage <name>", "stage of a run; default: the last one evaluated, all for tensorboard").choices(STAGES),
    )
    .addHelpText(
      "after",
      `
Of a run the first few episodes against each opponent are kept, of a model's evaluation all.
The viewer and data frames of inspect_ai look only at files named like 2026-11-28T12-00-00+00-00_sepo_NAME.json.

Examples:
  sepo export model runs/latest --out model.safetensors
  sepo export csv runs/openai-gpt-5-mini --out episodes.csv
  sepo export parquet runs/latest --stage sft --out episodes.parquet
  sepo export inspect runs/openai-gpt-5-mini --out logs/2026-11-28T12-00-00+00-00_sepo_gpt-5-mini.json
  sepo export tensorboard runs/latest --out tensorboard/latest`,
    )
    .action(async (format: Format, folder: string, flags: ExportFlags) => {
      if (format === "tensorboard") return exportMetrics(folder, flags);
      const { game, stage, out } = flags;
      if (format === "model") {
        await writeWhole(out, Buffer.concat(packModel(await packedAgent(folder))));
        console.log(`the model is in ${out}`);
        return;
      }
      const episodes = await readEvaluatedEpisodes(folder, {
        ...(game === undefined ? {} : { games: game }),
        ...(stage === undefined ? {} : { stage }),
      });
      if (episodes.length === 0) throw new GameError(`${folder}: holds no episode of ${(game ?? []).join(", ")}`);
      await writeWhole(out, await contentOf(format, folder, episodes));
      console.log(`${episodes.length} episodes are in ${out}`);
    });
}

async function contentOf(
  format: Exclude<Format, "tensorboard" | "model">,
  folder: string,
  episodes: readonly Transcript[],
): Promise<string | Uint8Array> {
  switch (format) {
    case "csv":
      return episodesCsv(episodes);
    case "parquet":
      return episodesParquet(episodes);
    case "inspect": {
      const config = (await isModelEvaluation(folder)) ? { ...(await readAsked(folder)) } : { folder };
      const model = episodes[0]?.agent ?? folder;
      const log = inspectLog(episodes, { name: folder, model, created: new Date().toISOString(), config });
      return `${JSON.stringify(log)}\n`;
    }
  }
}

/** Writes a folder per stage, which TensorBoard shows as a run each. */
async function exportMetrics(folder: string, { stage, out, game }: ExportFlags): Promise<void> {
  if (game !== undefined) throw new GameError("--game: the metrics of a step are of all games together");
  if (await isModelEvaluation(folder))
    throw new GameError(`${folder}: an evaluation has no steps; export the directory of a run`);
  const [metrics, timing] = await Promise.all([readMetrics(folder), readTiming(folder)]);
  const events = tensorboardEvents(metrics, timing).filter((file) => stage === undefined || file.stage === stage);
  if (events.length === 0) throw new GameError(`${folder}: holds no steps${stage === undefined ? "" : ` of ${stage}`}`);
  for (const { stage: name, bytes } of events) {
    await makeFolder(join(out, name));
    await writeWhole(join(out, name, "events.out.tfevents.0.sepo"), bytes);
  }
  console.log(
    `events of ${events.map(({ stage: name }) => name).join(", ")} are in ${out}; see them with: tensorboard --logdir ${out}`,
  );
}
