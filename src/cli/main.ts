#!/usr/bin/env node
import { Command } from "commander";
import { addAudit } from "./audit.ts";
import { addCheckServer } from "./check-server.ts";
import { addCompare } from "./compare.ts";
import { addConfig } from "./config.ts";
import { addData } from "./data.ts";
import { addExport } from "./export.ts";
import { addFigure } from "./figure.ts";
import { addEvaluate } from "./evaluate.ts";
import { runProgram } from "./failure.ts";
import { addGames } from "./games.ts";
import { addLeaderboard } from "./leaderboard.ts";
import { addMerge } from "./merge.ts";
import { addPlan } from "./plan.ts";
import { addPlay } from "./play.ts";
import { addReport } from "./report.ts";
import { addServe } from "./serve.ts";
import { addSolve } from "./solve.ts";
import { addStudy } from "./study.ts";
import { addTrain } from "./train.ts";
import { addTranscripts } from "./transcripts.ts";
import { addView } from "./view.ts";
import { VERSION } from "../version.ts";

const program = new Command("sepo")
  .description(
    "Train and test language-model agents that play well without being exploited, colluding or pushing costs onto others.",
  )
  .version(VERSION)
  .showHelpAfterError("(add --help for the options and examples)")
  .exitOverride()
  .addHelpText(
    "after",
    `
Exit codes: 0 success, 1 a bug, 2 wrong arguments, names or configuration, 3 a file, run or checkpoint is missing, malformed, changed or
in use, or cannot be written, 4 the engine or its server failed, 130 interrupted.`,
  );
const COMMANDS = [
  addGames,
  addPlay,
  addSolve,
  addData,
  addConfig,
  addPlan,
  addTrain,
  addStudy,
  addEvaluate,
  addCompare,
  addReport,
  addLeaderboard,
  addView,
  addFigure,
  addTranscripts,
  addExport,
  addMerge,
  addServe,
  addAudit,
  addCheckServer,
];
for (const add of COMMANDS) add(program);
for (const command of program.commands) command.exitOverride().showHelpAfterError("(add --help for the options and examples)");

await runProgram(program, "sepo");
