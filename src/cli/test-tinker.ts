#!/usr/bin/env node
/** `npm run test:tinker`: the engine contract and a short SEPO run on a server. */
import { Command, Option } from "commander";
import { PROFILES, PROFILE_NAMES } from "../engines/tinker/profiles.ts";
import { GAME_NAMES } from "../games/index.ts";
import { type CheckOptions, type Summary, checkTinker } from "./check-tinker.ts";
import { EXIT_CODES, runProgram } from "./failure.ts";
import { naturalNumber, positiveNumber, positiveReal } from "./options.ts";

interface Flags extends Omit<CheckOptions, "baseUrl" | "deadlineSeconds" | "onMessage"> {
  readonly baseUrl?: string;
  readonly deadline: number;
  readonly json?: boolean;
}

const program = new Command("test-tinker")
  .description("check a server of the Tinker protocol: the engine contract on it, then steps of SEPO")
  .option("--base-url <url>", "where the server is; default: the profile's own address")
  .addOption(new Option("--profile <name>", "what kind of server it is").choices(PROFILE_NAMES).default("tinker"))
  .requiredOption("--base-model <name>", "the server's name of the model")
  .requiredOption("--tokenizer <folder>", "the model's tokenizer and chat template")
  .option("--rank <n>", "rank of the adapter", positiveNumber, 8)
  .option("--steps <n>", "steps of SEPO; 0: only the contract", naturalNumber, 10)
  .addOption(new Option("--game <name>", "game of the SEPO run").choices(GAME_NAMES).default("split"))
  .option("--prompt-tokens <n>", "length of every prompt of the contract's checks", positiveNumber)
  .option("--max-tokens <n>", "longest reply", positiveNumber, 8)
  .option("--tolerance <nats>", "how far log-probabilities of the same tokens may lie apart", positiveReal, 1e-3)
  .option("--request-tokens <n>", "largest training request; default: the profile's", positiveNumber)
  .option(
    "--max-steps-off-policy <n>",
    "SEPO steps between the weights that play and those that learn, at most",
    naturalNumber,
    0,
  )
  .option("--straggler-seconds <n>", "longest wait for the rest once half of each pool's groups are finished", positiveReal)
  .option("--deadline <seconds>", "longest wait for one operation", positiveNumber, 600)
  .option("--json", "print the summary as JSON")
  .exitOverride()
  .showHelpAfterError("(add --help for the options)")
  .action(async ({ baseUrl, deadline, json, ...flags }: Flags) => {
    const summary = await checkTinker({
      ...flags,
      baseUrl: baseUrl ?? PROFILES[flags.profile].baseUrl,
      deadlineSeconds: deadline,
      onMessage: (text) => process.stderr.write(`${text}\n`),
    });
    console.log(json === true ? JSON.stringify(summary, undefined, 2) : readable(summary));
    process.exitCode = summary.ok ? EXIT_CODES.success : EXIT_CODES.engine;
  });

function readable({ ok, profile, checks, sepo }: Summary): string {
  const count = (wanted: string) => checks.filter(({ outcome }) => outcome === wanted).length;
  const lines = [
    `${profile}: of ${checks.length} checks of the contract ${count("pass")} passed, ${count("fail")} failed, ${count("not applicable")} do not apply`,
  ];
  for (const { name, error } of checks) if (error !== undefined) lines.push(`  FAIL ${name}: ${error}`);
  if (sepo !== undefined)
    lines.push(
      `${sepo.steps} steps of SEPO: ${sepo.tokens} tokens in ${sepo.seconds.toFixed(1)} s after the first step, ${sepo.tokensPerSecond.toFixed(1)} tokens/s`,
      `largest staleness ${sepo.staleness} steps, ${sepo.late} groups late, ${sepo.dropped} dropped`,
      `largest gap between sampling and training log-probabilities: ${sepo.logprobGap.toExponential(2)} nats`,
    );
  return [...lines, ok ? "pass" : "FAIL"].join("\n");
}

await runProgram(program, "test-tinker");
