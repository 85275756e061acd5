import { type Command, InvalidArgumentError } from "commander";
import { serveView } from "../report/view/serve.ts";
import { runsIn } from "../study/runs-in.ts";
import { interruptSignal } from "./failure.ts";
import { gameOption, naturalNumber, positiveNumber } from "./options.ts";

interface ViewFlags {
  readonly port: number;
  readonly game?: readonly string[];
  readonly episodes?: number;
}

export function addView(program: Command): void {
  program
    .command("view")
    .description("look at runs in a browser, live while they train, on this machine only")
    .argument("[runs...]", "directories of runs, of studies or of models' evaluations (default: runs/latest)")
    .option("--port <n>", "port on the loopback address; 0: any that is free", portNumber, 8010)
    .addOption(gameOption())
    .option("--episodes <n>", "most episodes in the list, those with the least payoff", positiveNumber)
    .addHelpText(
      "after",
      `
It only reads, and answers no other machine and no other page. A run that has not begun yet appears when it does.

Examples:
  sepo view runs/latest
  sepo view runs/seed0 runs/seed1 runs/seed2 --port 0`,
    )
    .action(async (named: readonly string[], { port, game, episodes }: ViewFlags) => {
      const folders = await runsIn(named.length === 0 ? ["runs/latest"] : named);
      const served = await serveView(folders, {
        port,
        ...(game === undefined ? {} : { games: game }),
        ...(episodes === undefined ? {} : { episodes }),
        onError: (message) => process.stderr.write(`sepo: warning: ${message}\n`),
      });
      console.log(`${folders.join(", ")} at ${served.address}; Ctrl-C ends it`);
      const signal = interruptSignal();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      await served.close();
    });
}

function portNumber(text: string): number {
  const port = naturalNumber(text);
  if (port > 65535) throw new InvalidArgumentError("expected a port, 0 to 65535");
  return port;
}
