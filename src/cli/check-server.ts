import { type Command, Option } from "commander";
import { PROFILES, PROFILE_NAMES } from "../engines/tinker/profiles.ts";
import { type CheckOptions, type Summary, checkServer } from "../training/check-server.ts";
import { serverConnection } from "./connection.ts";
import { EXIT_CODES } from "./failure.ts";
import { gameOption, jsonOption, naturalNumber, positiveNumber, positiveReal } from "./options.ts";

interface Flags extends Omit<CheckOptions, "baseUrl" | "deadlineSeconds" | "onMessage" | "apiKey" | "games"> {
  readonly game?: readonly string[];
  readonly baseUrl?: string;
  readonly deadline: number;
  readonly json?: boolean;
}

export function addCheckServer(program: Command): void {
  program
    .command("check-server")
    .description("check a server of the Tinker protocol: the engine contract on it, then steps of SEPO")
    .option("--base-url <url>", "where the server is; default: the profile's own address")
    .addOption(new Option("--profile <name>", "what kind of server it is").choices(PROFILE_NAMES).default("tinker"))
    .requiredOption("--base-model <name>", "the server's name of the model")
    .requiredOption("--tokenizer <folder>", "the model's tokenizer and chat template")
    .option("--rank <n>", "rank of the adapter", positiveNumber, 8)
    .option("--steps <n>", "steps of SEPO; 0: only the contract", naturalNumber, 10)
    .addOption(gameOption("game of the SEPO steps, by name or path of a module; default: split (repeatable)"))
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
    .addOption(jsonOption("print the summary as JSON"))
    .addHelpText(
      "after",
      `
The key is read from TINKER_API_KEY; a server of your own takes any text.

Examples:
  sepo check-server --profile open-rl --base-url http://127.0.0.1:8000 --base-model MODEL --tokenizer models/MODEL`,
    )
    .action(async ({ baseUrl, deadline, json, game = ["split"], ...flags }: Flags) => {
      const server = serverConnection();
      const summary = await checkServer({
        ...flags,
        games: game,
        apiKey: server.apiKey ?? "tml-dummy",
        baseUrl: baseUrl ?? server.baseUrl ?? PROFILES[flags.profile].baseUrl,
        deadlineSeconds: deadline,
        onMessage: (text) => process.stderr.write(`${text}\n`),
      });
      console.log(json === true ? JSON.stringify(summary, undefined, 2) : readable(summary));
      process.exitCode = summary.ok ? EXIT_CODES.success : EXIT_CODES.engine;
    });
}

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
