#!/usr/bin/env node
import { Command } from "commander";
import { addAudit } from "./audit.ts";
import { addCompare } from "./compare.ts";
import { addData } from "./data.ts";
import { addEvaluate } from "./evaluate.ts";
import { runProgram } from "./failure.ts";
import { addGames } from "./games.ts";
import { addPlay } from "./play.ts";
import { addReport } from "./report.ts";
import { addSolve } from "./solve.ts";
import { addTrain } from "./train.ts";

const program = new Command("sepo")
  .description(
    "Train and test language-model agents that play well without being exploited, colluding or pushing costs onto others.",
  )
  .version("0.1.0")
  .showHelpAfterError("(add --help for the options and examples)")
  .exitOverride()
  .addHelpText(
    "after",
    `
Exit codes: 0 success, 1 bug, 2 wrong arguments or configuration, 3 a file is missing or malformed, 4 the engine failed, 130 interrupted.`,
  );
for (const add of [addGames, addPlay, addSolve, addData, addTrain, addEvaluate, addCompare, addReport, addAudit]) add(program);
for (const command of program.commands) command.exitOverride().showHelpAfterError("(add --help for the options and examples)");

await runProgram(program, "sepo");
