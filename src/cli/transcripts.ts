import { type Command, Option } from "commander";
import { episodeText } from "../report/transcripts.ts";
import { readEvaluatedEpisodes } from "../runs/episodes.ts";
import { STAGES, type Stage } from "../runs/stages.ts";
import { gameOption, jsonOption, positiveNumber } from "./options.ts";

interface TranscriptsFlags {
  readonly game?: readonly string[];
  readonly opponent?: string;
  readonly stage?: Stage;
  readonly unreadable?: boolean;
  readonly limit: number;
  readonly rules?: boolean;
  readonly json?: boolean;
}

export function addTranscripts(program: Command): void {
  program
    .command("transcripts")
    .description("read episodes of an evaluation: what the agent saw, reasoned, wrote and did")
    .argument("[run]", "the directory of a run or of a model's evaluation", "runs/latest")
    .addOption(gameOption())
    .option("--opponent <name>", "only episodes against this opponent")
    .option("--unreadable", "only episodes with a reply that could not be read")
    .addOption(new Option("--stage <name>", "stage of a run; default: the last one evaluated").choices(STAGES))
    .option("--limit <n>", "episodes shown", positiveNumber, 5)
    .option("--rules", "show the rules that the agent was given, too")
    .addOption(jsonOption("print one episode per line as JSON"))
    .addHelpText(
      "after",
      `
Of a run the first few episodes against each opponent are kept, of a model's evaluation all.

Examples:
  sepo transcripts runs/latest --stage sft --opponent always-defect
  sepo transcripts runs/openai-gpt-5-mini --game ipd --unreadable --limit 20`,
    )
    .action(async (folder: string, flags: TranscriptsFlags) => {
      const { game, opponent, stage, unreadable = false, limit, rules = false } = flags;
      const episodes = await readEvaluatedEpisodes(folder, {
        unreadable,
        ...(game === undefined ? {} : { games: game }),
        ...(opponent === undefined ? {} : { opponent }),
        ...(stage === undefined ? {} : { stage }),
      });
      const shown = episodes.slice(0, limit);
      for (const episode of shown)
        console.log(flags.json === true ? JSON.stringify(episode) : `${episodeText(episode, { rules })}\n`);
      if (flags.json !== true) console.log(`${shown.length} of ${episodes.length} episodes`);
    });
}
